import 'reflect-metadata';
import { CacheDecoratorError } from '../../ports/errors.js';
import type { Duration } from '../../ports/duration.js';
import { type Parameters, parametersOfMethod } from '../checks/parameters.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions, KeyMaker } from './options.js';

/** What the decorators of one method declare. Only they change it, while the class is defined. */
export interface MethodMetadata {
  /** The name of the class that declares the method. */
  readonly owner: string;
  readonly name: string | symbol;
  /** The name of the method for messages and keys. */
  readonly method: string;
  /** What the method takes. */
  readonly parameters: Pick<Parameters, 'count' | 'isOpen'>;
  cacheable?: CacheableOptions;
  put?: CachePutOptions;
  key?: KeyMaker | string;
  ttl?: Duration;
  readonly evictions: CacheEvictOptions[];
  noCache: boolean;
  /** The method settles when the invalidations it caused are acknowledged. */
  awaitsInvalidations?: true;
  /** By the option `returns`, or by the emitted return type. */
  returnsObservable: boolean;
  /** The wrapper is in place. */
  decorated: boolean;
}

/** What class decorators declare for all route handlers of a controller. */
export interface ClassMetadata {
  cacheable?: CacheableOptions;
  ttl?: Duration;
  noCache?: boolean;
}

/** Under it the metadata of a method is found, by its function and by class and name. */
export const METHOD = Symbol('nest-query-cache:method');
const CLASS = Symbol('nest-query-cache:class');

export function classMetadataOf(target: object): ClassMetadata | undefined {
  return Reflect.getMetadata(CLASS, target) as ClassMetadata | undefined;
}

/**
 * The metadata of a method, for its decorators to add to; the method itself stays as it is.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for what cannot be decorated
 */
export function addMethodMetadata(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): MethodMetadata {
  assertPlacement(decorator, target, name, descriptor);
  const where = qualifiedName(target, name);
  if (typeof target === 'function') {
    throw new CacheDecoratorError(
      `${decorator} is on the static method ${where}: only methods of instances that Nest makes ` +
        'can be cached. Make it an instance method.',
    );
  }
  const method: unknown = descriptor?.value;
  if (typeof method !== 'function') {
    throw new CacheDecoratorError(
      `${decorator} is on ${where}, which is not a method but an accessor or a property. ` +
        'Make it an async method.',
    );
  }
  // By class and name too: another package's decorator between two of ours may have replaced the
  // method with a function that has no metadata.
  let metadata = Reflect.getOwnMetadata(METHOD, target, name) as MethodMetadata | undefined;
  if (metadata === undefined) {
    metadata = {
      owner: target.constructor.name,
      name,
      method: String(name),
      parameters: parametersOfMethod(method, target, name),
      evictions: [],
      noCache: false,
      returnsObservable: false,
      decorated: false,
    };
    Reflect.defineMetadata(METHOD, metadata, target, name);
  }
  Reflect.defineMetadata(METHOD, metadata, method);
  return metadata;
}

/**
 * The metadata of a class, for its decorators to add to.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for what is no class
 */
export function addClassMetadata(
  decorator: string,
  target: object,
  descriptor: PropertyDescriptor | undefined,
): ClassMetadata {
  assertPlacement(decorator, target, undefined, descriptor, true);
  let metadata = Reflect.getOwnMetadata(CLASS, target) as ClassMetadata | undefined;
  if (metadata === undefined) Reflect.defineMetadata(CLASS, (metadata = {}), target);
  return metadata;
}

/**
 * @param onClasses the decorator may be on a class as well
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for anything else than a method
 */
function assertPlacement(
  decorator: string,
  target: object,
  name: string | symbol | undefined,
  descriptor: unknown,
  onClasses = false,
): void {
  if (typeof (name as unknown) === 'object') {
    throw new CacheDecoratorError(
      `${decorator} was called as a standard decorator. Nest, and this library, need the older ` +
        'ones: set "experimentalDecorators": true in tsconfig.json, or the like for your compiler.',
    );
  }
  const type = typeof target === 'function' ? target : target.constructor;
  if (typeof descriptor === 'number') {
    const where =
      name === undefined ? `the constructor of ${type.name}` : `${type.name}.${String(name)}`;
    throw new CacheDecoratorError(
      `${decorator} is on a parameter of ${where}. Put it on the method.`,
    );
  }
  if (name === undefined && !onClasses)
    throw new CacheDecoratorError(
      `${decorator} is on the class ${type.name}. Put it on its methods.`,
    );
}

/**
 * Catches `@Cacheable` written without parentheses: the decorated class or prototype then arrives
 * as the options, and the method would be lost.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function assertCalled(decorator: string, given: unknown): void {
  const type: unknown =
    typeof given === 'object' && given !== null && Object.hasOwn(given, 'constructor')
      ? given.constructor
      : given;
  if (typeof type !== 'function' || !isClass(type)) return;
  throw new CacheDecoratorError(
    `${decorator} in ${type.name} stands without parentheses. Write ${decorator}(...).`,
  );
}

function isClass(given: object): boolean {
  return Function.prototype.toString.call(given).startsWith('class');
}

/** The decorated method as messages name it. */
export function qualifiedName(target: object, name: string | symbol): string {
  return `${typeof target === 'function' ? target.name : target.constructor.name}.${String(name)}`;
}

/**
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) when the part is set already, or contradicts
 * another one
 */
export function setOnce<P extends 'cacheable' | 'put' | 'key' | 'ttl'>(
  metadata: MethodMetadata,
  part: P,
  value: MethodMetadata[P] & {},
  decorator: string,
): void {
  const where = `${metadata.owner}.${metadata.method}`;
  if (metadata[part] !== undefined)
    throw new CacheDecoratorError(`${decorator} is on ${where} twice. Leave one of them out.`);
  metadata[part] = value;
  if (metadata.cacheable !== undefined && metadata.put !== undefined) {
    throw new CacheDecoratorError(
      `${where} has both @Cacheable, which may answer without running it, and @CachePut, which ` +
        'always runs it. Leave one of them out.',
    );
  }
  const options = metadata.cacheable ?? metadata.put;
  for (const [option, name] of [
    ['key', '@CacheKey'],
    ['ttl', '@CacheTTL'],
  ] as const) {
    if (options?.[option] === undefined || metadata[option] === undefined) continue;
    throw new CacheDecoratorError(
      `${where} has both ${name} and the option ${option}. Leave one of them out.`,
    );
  }
}

/** The key that the decorators declare, by `@CacheKey` or by option. */
export function declaredKey(metadata: MethodMetadata): KeyMaker | string | undefined {
  return metadata.key ?? (metadata.cacheable ?? metadata.put)?.key;
}

/**
 * Is a cached route handler cached like a method of a provider, by its value? So it is with a key
 * made from the arguments, which exist only after guards and pipes: too late for its response.
 */
export function cachesValueOnly(metadata: MethodMetadata): boolean {
  return typeof declaredKey(metadata) === 'function';
}

/** Nest's metadata of a route handler, the same in all its major versions. */
export function isRoute(method: object): boolean {
  return Reflect.hasMetadata('path', method) && Reflect.hasMetadata('method', method);
}
