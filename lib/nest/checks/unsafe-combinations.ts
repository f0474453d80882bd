import type { Type } from '@nestjs/common';
import { CacheDecoratorError } from '../../ports/errors.js';
import {
  classPlanOf,
  isRoute,
  isValueOfRoute,
  keyOfPlan,
  type MethodPlan,
} from '../decorators/metadata.js';
import { looksAt } from './key-inputs.js';
import { isGuarded } from './route-checks.js';
import { CACHED_METHODS } from '../http/routes.js';
import { type Injected, injectedInto, type Transport, transportOf } from './transports.js';

const WRITES: Partial<Readonly<Record<Transport, string>>> = {
  mutation:
    'a GraphQL mutation: a hit would skip the change it is there for. Use @CacheEvict on it, and @Cacheable on queries',
  subscription:
    'a GraphQL subscription: a stream has no one answer to keep. Put @Cacheable on what its events are made of',
  'event-pattern':
    'an event pattern: a second event with the same payload would be dropped. Use @CacheEvict, or @MessagePattern for a request with an answer',
  'command-handler':
    'a command handler: a hit would skip the command. Use @CacheEvict, or @InvalidatesCache for the events it publishes',
  'event-handler':
    'an event handler: a second event with the same content would be dropped. Use @CacheEvict, or @InvalidatesCache for the event',
  saga: 'a saga: it is a stream. Put @Cacheable on what its commands need',
};

/**
 * Combinations that could only do harm, as far as they are seen when the application starts.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function refuseUnsafe(plan: MethodPlan, method: object, type: Type): void {
  if (plan.cacheable === undefined || plan.noCache) return;
  const where = `${type.name}.${plan.method}`;
  refuseRoute(method, type, plan, where);
  refuseKeyForAll(method, type, plan, where);
  const transport = transportOf(method, type, plan.method);
  if (transport === undefined) return;
  const reason = WRITES[transport];
  if (reason !== undefined)
    throw new CacheDecoratorError(`${where} has @Cacheable, but it is ${reason}.`);
  if (keyOfPlan(plan) !== undefined) return;
  if (transport === 'query-handler') {
    throw new CacheDecoratorError(
      `${where} has @Cacheable without a key, but the one argument of a query handler is an instance of a class, which has no canonical text. ` +
        `Say what identifies it: @CacheKey((key, query) => key.param('id', query.id)).`,
    );
  }
  if (isGuarded(method, type) && takes('context', method, transport, type, plan.method)) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable and @UseGuards, and takes the context, which is left out of its key: one user could be given what was made for another. ` +
        `Say who asks: @CacheKey((key, ...) => key.param('principal', user.id)); or what else its answer depends on.`,
    );
  }
  if (transport === 'field' && takes('parent', method, transport, type, plan.method)) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable without a key, but its answer depends on the parent, whose identity only you know. ` +
        `Name it: @CacheKey((key, parent) => key.param('id', parent.id)).`,
    );
  }
}

function takes(
  what: Injected,
  method: object,
  transport: Transport,
  type: Type,
  name: string,
): boolean {
  const positions = injectedInto(transport, type, name);
  return [...positions].some(
    ([index, injected]) =>
      injected === what && index < (method as { readonly length: number }).length,
  );
}

/** Nest's numbers of what a route handler takes of the request that may say who asks: the request itself, its headers, the session. */
const IDENTIFYING: readonly string[] = ['0', '6', '7'];
const CUSTOM = '__customRouteArgs__';

/** The value of a guarded route is kept under a key made by hand. What of it can be seen: that it does not even look at who asks. */
function refuseKeyForAll(method: object, type: Type, plan: MethodPlan, where: string): void {
  const key = keyOfPlan(plan);
  if (
    typeof key !== 'function' ||
    !isRoute(method) ||
    !isGuarded(method, type) ||
    saysForAll(plan, type)
  )
    return;
  const parameters = Reflect.getMetadata('__routeArguments__', type, plan.method) as
    object | undefined;
  const taken = Object.keys(parameters ?? {}).map(
    (name) => name.split(':') as [kind: string, position: string],
  );
  const asking = taken
    .filter(([kind]) => kind.endsWith(CUSTOM) || IDENTIFYING.includes(kind))
    .map(([, position]) => Number(position));
  const count = Math.max(0, ...taken.map(([, position]) => Number(position) + 1));
  if (asking.length === 0 || looksAt(key, asking, count)) return;
  throw new CacheDecoratorError(
    `${where} has @Cacheable and @UseGuards, and takes who asks (@Req(), @Headers(), @Session() or a decorator of the application's own), but its key does not look at it: ` +
      "one user could be given what was made for another. Bring it into the key: @CacheKey((key, user, ...) => key.param('user', user.id)); leave the parameter out; " +
      "or say http: { credentials: 'ignore' } when the value does not depend on it.",
  );
}

/** It is said that who asks does not matter. */
function saysForAll(plan: MethodPlan, type: Type): boolean {
  return (
    (plan.cacheable?.http?.credentials ?? classPlanOf(type)?.cacheable?.http?.credentials) ===
    'ignore'
  );
}

/** Nest's keys of what a route handler does with its response, the same in all its major versions. */
function refuseRoute(method: object, type: Type, plan: MethodPlan, where: string): void {
  if (Reflect.hasMetadata('__sse__', method)) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable, but it sends server-sent events: a stream has no one answer to keep. Leave @Cacheable out.`,
    );
  }
  const headers = Reflect.getMetadata('__headers__', method) as
    readonly { readonly name: unknown; readonly value: unknown }[] | undefined;
  if (
    headers?.some(
      ({ name, value }) => String(name).toLowerCase() === 'vary' && String(value).includes('*'),
    ) === true
  ) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable and @Header('Vary', '*'), which says that no stored response may ever be used. Leave one of them out, or name the request headers that count.`,
    );
  }
  if (
    plan.evict.length > 0 &&
    isRoute(method) &&
    CACHED_METHODS.includes(Reflect.getMetadata('method', method)) &&
    !isValueOfRoute(plan)
  ) {
    throw new CacheDecoratorError(
      `${where} has both @Cacheable, which may answer without running it, and @CacheEvict, which is carried out when it runs. Leave one of them out.`,
    );
  }
  const parameters = Reflect.getMetadata('__routeArguments__', type, plan.method) as
    object | undefined;
  const takesResponse =
    isRoute(method) &&
    Object.keys(parameters ?? {}).some((key) => /^[12]:/.test(key)) &&
    Reflect.getMetadata('__responsePassthrough__', type, plan.method) !== true;
  if (takesResponse) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable, but it sends its response itself (@Res() or @Next()), so that there is nothing to keep. Use @Res({ passthrough: true }), or leave @Cacheable out.`,
    );
  }
}
