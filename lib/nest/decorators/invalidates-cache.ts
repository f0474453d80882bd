import 'reflect-metadata';
import { on } from '../../core/invalidate/rules.js';
import type { EventClass, Invalidates, InvalidationRule } from '../../core/options/types.js';
import * as is from '../../ports/option-checks.js';
import { parseOptions } from '../../ports/validate.js';

/** A rule and the name of the cache it is for. */
export interface DeclaredRule {
  readonly rule: InvalidationRule;
  readonly cache: string;
}

const CHECKS = { cache: is.cacheName };
const RULES = Symbol('nest-query-cache:rules');

/**
 * Declares, beside what is cached, which domain event makes it outdated: on a class of any
 * provider, or on a method of it. There may be several. The cache reacts to the events of the
 * EventBus of @nestjs/cqrs and of @nestjs/event-emitter; neither can be waited for, but
 * `await cache.apply(event)` can.
 *
 * ```ts
 * @InvalidatesCache(EntryPosted, ({ account }) => ({ tags: [`account:${account}`] }))
 * @QueryHandler(FindBalance)
 * class FindBalanceHandler { ... }
 * ```
 * @throws CacheConfigError (`CACHE_CONFIG`) when the class is defined, for an event that is no
 * class; when the application starts, for a cache that it does not have
 */
export function InvalidatesCache<E extends object>(
  event: EventClass<E>,
  invalidates: Invalidates<E>,
  options: { /** Default 'default'. */ readonly cache?: string } = {},
): ClassDecorator & MethodDecorator {
  parseOptions(options, CHECKS, {
    what: '@InvalidatesCache: the options',
    owner: '@InvalidatesCache',
    example: "{ cache: 'reports' }",
    prefix: '@InvalidatesCache: ',
  });
  const declared: DeclaredRule = {
    rule: on(event, invalidates),
    cache: options.cache ?? 'default',
  };
  return (target: object): void => {
    const type = typeof target === 'function' ? target : target.constructor;
    const known = (Reflect.getOwnMetadata(RULES, type) ?? []) as readonly DeclaredRule[];
    Reflect.defineMetadata(RULES, [...known, declared], type);
  };
}

/** What is declared on a class and on those it extends. */
export function* declaredRules(type: unknown): Generator<DeclaredRule> {
  for (
    let at: unknown = type;
    typeof at === 'function' && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    yield* (Reflect.getOwnMetadata(RULES, at) ?? []) as readonly DeclaredRule[];
  }
}
