import type { Type } from '@nestjs/common';
import { formatValue } from '../../ports/validate.js';
import { CacheDecoratorError } from '../../ports/errors.js';
import {
  cachesValueOnly,
  classMetadataOf,
  declaredKey,
  isRoute,
  type MethodMetadata,
} from '../decorators/metadata.js';
import { parametersOf } from './parameters.js';
import { injectedInto, transportOf } from './transports.js';

/** What a parameter says about the caller. */
interface Parameter {
  /** It is part of what the caller asks for: results differ by it. */
  readonly isData: boolean;
  /** Beside a guard it says who asks. */
  readonly isIdentity: boolean;
}

const DATA: Parameter = { isData: true, isIdentity: false };
const DATA_AND_IDENTITY: Parameter = { isData: true, isIdentity: true };
const CONTEXT: Parameter = { isData: false, isIdentity: true };
const NEITHER: Parameter = { isData: false, isIdentity: false };

/** Nest's numbers of the parameters of route handlers that are not data alone. */
const OF_ROUTES: Readonly<Record<string, Parameter>> = {
  '0': CONTEXT,
  '1': NEITHER,
  '2': NEITHER,
  '6': DATA_AND_IDENTITY,
  '7': DATA_AND_IDENTITY,
};
const ROUTE_ARGUMENTS = '__routeArguments__';
const CUSTOM = '__customRouteArgs__';

/**
 * The key of a value holds what the method is called with, by code, a route, a resolver or a
 * message handler. A fixed key holds nothing of it, and a key function only what it
 * takes; what is left out is named by `ignoreArguments`.
 * @param guard the guard before the method, as a message names it; undefined when there is none
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function assertKeyHoldsArguments(
  metadata: MethodMetadata,
  method: object,
  type: Type,
  guard: string | undefined,
): void {
  const key = declaredKey(metadata);
  if (key === undefined || metadata.cacheable?.ignoreArguments === true) return;
  // The key of a response holds the URL, whatever the fixed key is.
  if (isRoute(method) && !cachesValueOnly(metadata)) return;
  const where = `${type.name}.${metadata.method}`;
  const taken = typeof key === 'function' ? parametersOf(key) : undefined;
  const { count, isOpen } = metadata.parameters;
  const parameters = parametersIn(metadata, method, type);
  const isDeclared = declaresIdentity(metadata, type);
  for (let position = 0; position < count; position++) {
    const { isData, isIdentity } = parameters.get(position) ?? DATA;
    if (isIdentity && isDeclared) continue;
    // The first parameter of a key function is the builder.
    const isTaken = taken !== undefined && (position + 1 < taken.count || taken.isOpen);
    if (isData && !isTaken) throw leftOut(where, key, metadata, position);
    if (guard !== undefined && isIdentity && !(isTaken && taken.uses(position + 1)))
      throw identityLeftOut(where, guard);
  }
  if (isOpen && count === 0 && taken?.isOpen !== true && (taken?.count ?? 0) < 2)
    throw leftOut(where, key, metadata, 0);
}

/** What is known of the parameters at these positions; all others are data. */
function parametersIn(
  metadata: MethodMetadata,
  method: object,
  type: Type,
): ReadonlyMap<number, Parameter> {
  const found = new Map<number, Parameter>();
  const { method: name, parameters } = metadata;
  const route = isRoute(method);
  const given = Reflect.getMetadata(ROUTE_ARGUMENTS, type, metadata.name) as object | undefined;
  for (const key of Object.keys(given ?? {})) {
    const [kind = '', index = ''] = key.split(':');
    if (kind.endsWith(CUSTOM)) found.set(Number(index), DATA_AND_IDENTITY);
    else if (route) found.set(Number(index), OF_ROUTES[kind] ?? DATA);
  }
  const transport = route ? undefined : transportOf(method, type, name);
  if (transport === undefined) return found;
  for (const [index, what] of injectedInto(transport, type, name)) {
    const isData = what === 'parent' && transport === 'field';
    found.set(index, what === 'context' ? CONTEXT : isData ? DATA : NEITHER);
  }
  // Without decorators a message handler gets its payload, and then what the transport knows.
  if (transport === 'message' && given === undefined)
    for (let index = 1; index < parameters.count; index++) found.set(index, CONTEXT);
  return found;
}

function declaresIdentity({ cacheable }: MethodMetadata, type: Type): boolean {
  const credentials =
    cacheable?.http?.credentials ?? classMetadataOf(type)?.cacheable?.http?.credentials;
  return credentials === 'in-key' || credentials === 'ignore';
}

function leftOut(
  where: string,
  key: unknown,
  { parameters: { count } }: MethodMetadata,
  position: number,
): CacheDecoratorError {
  const problem =
    typeof key === 'string'
      ? `${where} has the fixed key ${formatValue(key)}, but takes arguments: every call would ` +
        'be answered with the result of the first one. Keys are no templates.'
      : `The key function of ${where} takes fewer parameters than the method, which has ` +
        `${String(count)}: calls that differ in parameter ${String(position + 1)} would share ` +
        'one result.';
  return new CacheDecoratorError(
    `${problem} Make the key of them, @CacheKey((key, id) => key.param('id', id)); leave the key ` +
      'out, so that it is made of all of them; or say ignoreArguments: true in @Cacheable when ' +
      'the result does not depend on them.',
  );
}

function identityLeftOut(where: string, guard: string): CacheDecoratorError {
  return new CacheDecoratorError(
    `${where} has @Cacheable and ${guard}, and takes who asks (the context, the request or a ` +
      "decorator of the application's own), which its key leaves out: one user could be given " +
      'what was made for another. Say who asks, ' +
      "@CacheKey((key, user, ...) => key.param('principal', user.id)); or say " +
      'ignoreArguments: true in @Cacheable when the result does not depend on it.',
  );
}
