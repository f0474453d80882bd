import 'reflect-metadata';
import { METHOD, type MethodMetadata } from './metadata.js';

/** A class whose methods may be decorated. */
export interface DecoratedClass {
  readonly prototype: unknown;
}

/**
 * The metadata of the method that a class has under a name, its own or an inherited one. By class
 * and name first: a decorator of another package may have replaced the function, and not all copy
 * its metadata.
 */
export function metadataOf(
  type: DecoratedClass,
  name: string | symbol,
): MethodMetadata | undefined {
  for (const prototype of prototypesOf(type))
    if (Object.hasOwn(prototype, name)) return ownMetadataOf(prototype, name);
  return undefined;
}

function ownMetadataOf(prototype: object, name: string | symbol): MethodMetadata | undefined {
  const byName = Reflect.getOwnMetadata(METHOD, prototype, name) as MethodMetadata | undefined;
  if (byName !== undefined) return byName;
  const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
  return typeof method === 'function' ? metadataOfFunction(method) : undefined;
}

function metadataOfFunction(method: object): MethodMetadata | undefined {
  return Reflect.getMetadata(METHOD, method) as MethodMetadata | undefined;
}

const OF_HANDLERS = new WeakMap<object, WeakMap<object, MethodMetadata | null>>();

/** As `metadataOf`, for the function that Nest knows as a handler. */
export function handlerMetadataOf(
  type: DecoratedClass,
  handler: object,
): MethodMetadata | undefined {
  const own = metadataOfFunction(handler);
  if (own !== undefined) return own;
  let known = OF_HANDLERS.get(type);
  if (known === undefined) OF_HANDLERS.set(type, (known = new WeakMap()));
  let metadata = known.get(handler);
  if (metadata === undefined) {
    const [name] = [...methodsOf(type)].find(([, method]) => method === handler) ?? [];
    metadata = (name === undefined ? undefined : metadataOf(type, name)) ?? null;
    known.set(handler, metadata);
  }
  return metadata ?? undefined;
}

/** A decorated method of a class, its own or an inherited one. */
export interface DeclaredMethod {
  readonly metadata: MethodMetadata;
  /**
   * What the class has under its name, with the metadata of all decorators; undefined for a method
   * that it overrides, which it may still call by `super`.
   */
  readonly method: object | undefined;
}

/** All decorated methods of a class, those that it overrides included. */
export function* declaredMethodsOf(type: DecoratedClass): Generator<DeclaredMethod> {
  const seen = new Set<string | symbol>();
  const known = new Set<MethodMetadata>();
  for (const prototype of prototypesOf(type)) {
    for (const name of Reflect.ownKeys(prototype)) {
      const metadata = ownMetadataOf(prototype, name);
      const method: unknown = seen.has(name)
        ? undefined
        : Object.getOwnPropertyDescriptor(prototype, name)?.value;
      seen.add(name);
      if (metadata === undefined || known.has(metadata)) continue;
      known.add(metadata);
      yield { metadata, method: typeof method === 'function' ? method : undefined };
    }
  }
}

/** The methods of a class, its own and the inherited ones that it does not override. */
export function* methodsOf(
  type: DecoratedClass,
): Generator<readonly [name: string | symbol, method: object & { readonly name: string }]> {
  const seen = new Set<string | symbol>();
  for (const prototype of prototypesOf(type)) {
    for (const name of Reflect.ownKeys(prototype)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
      if (typeof method === 'function' && name !== 'constructor') yield [name, method];
    }
  }
}

function* prototypesOf({ prototype }: DecoratedClass): Generator<object> {
  let at = prototype;
  while (typeof at === 'object' && at !== null && at !== Object.prototype) {
    yield at;
    at = Object.getPrototypeOf(at);
  }
}
