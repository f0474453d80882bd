import type { Type } from '@nestjs/common';
import { CacheDecoratorError } from '../../ports/errors.js';
import {
  classMetadataOf,
  isRoute,
  cachesValueOnly,
  declaredKey,
  type MethodMetadata,
} from '../decorators/metadata.js';
import { assertKeyHoldsArguments } from './key-arguments.js';
import { CACHED_METHODS } from '../http/routes.js';
import { type Injected, injectedInto, type Transport, transportOf } from './transports.js';

const WRITES: Partial<Readonly<Record<Transport, string>>> = {
  mutation:
    'a GraphQL mutation: a hit would skip the change it is there for. Use @CacheEvict on it, and ' +
    '@Cacheable on queries',
  subscription:
    'a GraphQL subscription: a stream has no one answer to keep. Put @Cacheable on what its ' +
    'events are made of',
  'event-pattern':
    'an event pattern: a second event with the same payload would be dropped. Use @CacheEvict, ' +
    'or @MessagePattern for a request with an answer',
  'command-handler':
    'a command handler: a hit would skip the command. Use @CacheEvict, or @InvalidatesCache for ' +
    'the events it publishes',
  'event-handler':
    'an event handler: a second event with the same content would be dropped. Use @CacheEvict, ' +
    'or @InvalidatesCache for the event',
  saga: 'a saga: it is a stream. Put @Cacheable on what its commands need',
};

/** Where a decorated method is, and what stands before it. */
export interface DecoratedHost {
  /** What the class has under the method's name, with the metadata of all decorators. */
  readonly method: object;
  readonly host: Type;
  readonly requestScoped: boolean;
  /** The guard before it, as a message names it; undefined when there is none. */
  readonly guard: string | undefined;
}

/**
 * Refuses combinations that could only do harm, as far as they can be seen at the start.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function assertSafe(
  metadata: MethodMetadata,
  { method, host: type, requestScoped, guard }: DecoratedHost,
): void {
  if (metadata.cacheable === undefined || metadata.noCache) return;
  const where = `${type.name}.${metadata.method}`;
  assertSafeRoute(method, type, metadata, where);
  if (guard !== undefined)
    assertValueIdentityDeclared(metadata, { method, host: type, requestScoped, guard }, where);
  assertKeyHoldsArguments(metadata, method, type, guard);
  const transport = transportOf(method, type, metadata.method);
  if (transport === undefined) return;
  const reason = WRITES[transport];
  if (reason !== undefined)
    throw new CacheDecoratorError(`${where} has @Cacheable, but it is ${reason}.`);
  if (declaredKey(metadata) !== undefined) return;
  if (transport === 'query-handler') {
    throw new CacheDecoratorError(
      `${where} has @Cacheable without a key, but the one argument of a query handler is an ` +
        'instance of a class, which has no canonical text. ' +
        `Say what identifies it: @CacheKey((key, query) => key.param('id', query.id)).`,
    );
  }
  if (guard !== undefined && takes('context', metadata, transport, type)) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable and ${guard}, and takes the context, which is left out of its ` +
        'key: one user could be given what was made for another. ' +
        "Say who asks: @CacheKey((key, ...) => key.param('principal', user.id)); or what else " +
        'its answer depends on.',
    );
  }
  if (transport === 'field' && takes('parent', metadata, transport, type)) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable without a key, but its answer depends on the parent, whose ` +
        'identity only you know. ' +
        `Name it: @CacheKey((key, parent) => key.param('id', parent.id)).`,
    );
  }
}

function takes(
  what: Injected,
  { method, parameters: { count, isOpen } }: MethodMetadata,
  transport: Transport,
  type: Type,
): boolean {
  const positions = injectedInto(transport, type, method);
  return [...positions].some(([index, injected]) => injected === what && (index < count || isOpen));
}

/** Nest's numbers of the parameters that may identify the user: request, headers, session. */
const IDENTIFYING: readonly string[] = ['0', '6', '7'];
const CUSTOM = '__customRouteArgs__';

/**
 * The value of a guarded route, under a key made from the arguments: only the application knows
 * whether the key holds who asks.
 */
function assertValueIdentityDeclared(
  metadata: MethodMetadata,
  { method, host: type, requestScoped, guard = '' }: DecoratedHost,
  where: string,
): void {
  if (!cachesValueOnly(metadata) || !isRoute(method)) return;
  const credentials =
    metadata.cacheable?.http?.credentials ?? classMetadataOf(type)?.cacheable?.http?.credentials;
  if (credentials === 'in-key' || credentials === 'ignore') return;
  const parameters = Reflect.getMetadata('__routeArguments__', type, metadata.method) as
    object | undefined;
  const takesIdentity = Object.keys(parameters ?? {}).some((name) => {
    const [kind = ''] = name.split(':');
    return kind.endsWith(CUSTOM) || IDENTIFYING.includes(kind);
  });
  if (!takesIdentity && !requestScoped) return;
  throw new CacheDecoratorError(
    `${where} has @Cacheable and ${guard}, and takes who asks (@Req(), @Headers(), @Session(), ` +
      "a decorator of the application's own, or by its request-scoped class), but does not say " +
      'whether the key made from its arguments holds it: one user could be given what was made ' +
      "for another. Say http: { credentials: 'in-key' } when it does, as in " +
      "@CacheKey((key, user, ...) => key.param('user', user.id)); credentials: 'ignore' when the " +
      'value does not depend on it; or leave the parameter out.',
  );
}

/** By Nest's metadata of route handlers, the same in all its major versions. */
function assertSafeRoute(
  method: object,
  type: Type,
  metadata: MethodMetadata,
  where: string,
): void {
  if (Reflect.hasMetadata('__sse__', method)) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable, but it sends server-sent events: a stream has no one answer to ` +
        'keep. Leave @Cacheable out.',
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
      `${where} has @Cacheable and @Header('Vary', '*'), which says that no stored response may ` +
        'ever be used. Leave one of them out, or name the request headers that count.',
    );
  }
  if (
    metadata.evictions.length > 0 &&
    isRoute(method) &&
    CACHED_METHODS.includes(Reflect.getMetadata('method', method)) &&
    !cachesValueOnly(metadata)
  ) {
    throw new CacheDecoratorError(
      `${where} has both @Cacheable, which may answer without running it, and @CacheEvict, which ` +
        'is carried out when it runs. Leave one of them out.',
    );
  }
  const parameters = Reflect.getMetadata('__routeArguments__', type, metadata.method) as
    object | undefined;
  const takesResponse =
    isRoute(method) &&
    Object.keys(parameters ?? {}).some((key) => /^[12]:/.test(key)) &&
    Reflect.getMetadata('__responsePassthrough__', type, metadata.method) !== true;
  if (takesResponse) {
    throw new CacheDecoratorError(
      `${where} has @Cacheable, but it sends its response itself (@Res() or @Next()), so that ` +
        'there is nothing to keep. Use @Res({ passthrough: true }), or leave @Cacheable out.',
    );
  }
}
