import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { Exchange } from './exchange.js';
import type { ResponseCache } from './response-cache.js';
import { routeKey, uriTag } from './route-key.js';
import { routesOf } from './routes.js';
import type { Handler } from './handler-name.js';
import { patternsOf, type RoutePlan } from './route-plan.js';

interface UnsafeParts {
  readonly plan: RoutePlan;
  readonly cache: ResponseCache;
  readonly exchange: Exchange;
  readonly modules: ModulesContainer;
  readonly planOf: (controller: Type, handler: Handler) => RoutePlan | undefined;
}

/** Nest's numbers of GET and ALL. */
const READING: readonly unknown[] = [0, 5];

/**
 * A method that is not safe has succeeded: what is stored of its URI is not used any more (RFC 9111 section 4.4), whichever routes of the
 * application answer GET there.
 */
export async function invalidateUri(parts: UnsafeParts): Promise<void> {
  const { plan, cache, exchange } = parts;
  const done: Promise<unknown>[] = [];
  for (const reading of readingPlans(parts)) {
    if (reading.options.cache !== plan.options.cache) continue;
    if (reading.uriTagged) done.push(cache.invalidate({ tags: [uriTag(reading, exchange)] }));
    else done.push(cache.delete(routeKey(reading, exchange, undefined)));
  }
  await Promise.all(done);
}

/** The routes that opted in, read, and have a path pattern of the unsafe route. */
function* readingPlans({ plan, modules, planOf }: UnsafeParts): Iterable<RoutePlan> {
  for (const { controller, handler, method } of routesOf(modules)) {
    if (!READING.includes(method)) continue;
    if (!patternsOf(controller, handler).some((pattern) => plan.patterns.includes(pattern))) continue;
    const reading = planOf(controller, handler);
    if (reading !== undefined) yield reading;
  }
}
