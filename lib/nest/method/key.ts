import { CacheKey, CacheKeyBuilder, keyFromArguments, toCacheKey } from '../../core/key/key.js';
import { describeType, encodePart } from '../../core/key/percent-encoding.js';
import type { KeyLike } from '../../core/options/types.js';
import { CacheKeyError } from '../../ports/errors.js';
import { injectedInto, transportOf } from '../checks/transports.js';
import { declaredKey, isRoute, type MethodMetadata } from '../decorators/metadata.js';
import type { KeyMaker } from '../decorators/options.js';
import { isRemembered, RecentKeyBuilder, RecentKeys } from './recent-keys.js';
import type { HostClass } from './segments.js';

/**
 * @param instance the one that the method is called on
 * @throws CacheKeyError (`CACHE_KEY`) naming the argument or part that has no canonical text
 */
export type KeyFunction = (args: readonly unknown[], instance: unknown) => KeyLike;

/**
 * How the keys of a cached method are made.
 * @param segment for keys that name none themselves
 */
export function keyFunction(
  metadata: MethodMetadata,
  host: HostClass,
  segment: () => string,
): KeyFunction {
  const { instanceKey } = metadata.cacheable ?? metadata.put ?? {};
  const make = keyFunctionOfClass(metadata, host, segment);
  if (instanceKey === undefined) return make;
  const where = `${metadata.owner}.${metadata.method}`;
  return (args, instance) => {
    const part: unknown = instanceKey(instance as never);
    if (!['string', 'number', 'bigint'].includes(typeof part)) {
      throw new CacheKeyError(
        `instanceKey of ${where} must return a string, a number or a bigint; got ` +
          `${describeType(part)}.`,
      );
    }
    return toCacheKey(make(args, instance), undefined).withParam('instance', part);
  };
}

/** As `keyFunction`, the same for all instances. */
function keyFunctionOfClass(
  metadata: MethodMetadata,
  host: HostClass,
  segment: () => string,
): KeyFunction {
  const maker = declaredKey(metadata);
  if (typeof maker === 'string') {
    const method = methodOf(host, metadata.name);
    // The response of a route with a fixed key has its URL in the key; the value has its arguments.
    const isFixed = method === undefined || !isRoute(method);
    return isFixed || metadata.cacheable === undefined ? () => maker : derivedKeys(maker);
  }
  if (maker !== undefined) {
    const recent = new RecentKeys();
    return (args) => makeKey(maker, args, segment, recent);
  }
  const derive = derivedKeys(segment());
  if ((metadata.cacheable ?? metadata.put)?.ignoreArguments === true) return () => derive([]);
  const injected = injectedPositions(metadata, host);
  return injected.length === 0
    ? derive
    : (args) => derive(args.map((arg, i) => (injected.includes(i) ? undefined : arg)));
}

/**
 * The key of one call by `@CacheKey` or the option `key`.
 * @param segment for a key that names none itself; undefined where it cannot be known
 * @param recent the keys that this maker has built with this segment
 * @throws CacheKeyError (`CACHE_KEY`) naming the part that has no canonical text
 */
export function makeKey(
  maker: KeyMaker | string,
  args: readonly unknown[],
  segment: (() => string) | undefined,
  recent?: RecentKeys,
): KeyLike {
  if (typeof maker === 'string') return maker;
  const key: unknown = maker(recent?.builder() ?? CacheKey.builder(), ...args);
  if (key instanceof CacheKeyBuilder) {
    if (segment === undefined) return key.build();
    return key instanceof RecentKeyBuilder
      ? key.buildComplete((builder) => build(builder, segment))
      : build(key, segment);
  }
  if (key instanceof CacheKey) return segment === undefined ? key : inSegment(key, segment);
  if (typeof key === 'string') return key;
  throw new CacheKeyError(
    '@CacheKey must return the builder it was given, a CacheKey or a string; got ' +
      `${key === null ? 'null' : typeof key}. It cannot be asynchronous.`,
  );
}

function build(builder: CacheKeyBuilder, segment: () => string): CacheKey {
  let built: CacheKey;
  try {
    built = builder.build();
  } catch {
    // The builder holds nothing, or a tenant only.
    return builder.segment(segment()).build();
  }
  return inSegment(built, segment);
}

/** Two methods with the same parameters must not share entries because both keys lack a segment. */
function inSegment(key: CacheKey, segment: () => string): CacheKey {
  if (key.segment !== undefined) return key;
  const params =
    key.tenant === undefined ? key.text : key.text.slice(`tenant:${key.tenant}/`.length);
  return CacheKey.fromEncoded(key.tenant, encodePart(segment(), 'segment'), params);
}

const MAX_REMEMBERED_KEYS = 2_000;

/**
 * The keys that a method gets from its arguments. Those of a single primitive, which most look-ups
 * have, are remembered: finding a key is several times faster than making it.
 */
export function derivedKeys(segment: string): (args: readonly unknown[]) => CacheKey {
  const recent = new Map<unknown, CacheKey>();
  return (args) => {
    const only = args[0];
    if (args.length !== 1 || !isRemembered(only)) return keyFromArguments(segment, args);
    const known = recent.get(only);
    if (known !== undefined) return known;
    const key = keyFromArguments(segment, args);
    if (recent.size >= MAX_REMEMBERED_KEYS) recent.clear();
    recent.set(only, key);
    return key;
  };
}

/** The arguments that a transport injects (context, info, the root of a query). */
function injectedPositions(metadata: MethodMetadata, host: HostClass): readonly number[] {
  const method = methodOf(host, metadata.name);
  const transport = method === undefined ? undefined : transportOf(method, host, metadata.method);
  return transport === undefined ? [] : [...injectedInto(transport, host, metadata.method).keys()];
}

/** What the class has under the name of the method, with the metadata of all decorators. */
export function methodOf(host: HostClass, name: string | symbol): object | undefined {
  const method = (host.prototype as Partial<Record<string | symbol, unknown>> | null)?.[name];
  return typeof method === 'function' ? method : undefined;
}
