import { Inject, Logger, Optional } from '@nestjs/common';
import { CacheDecoratorError } from '../../ports/errors.js';
import { addMethodMetadata, type MethodMetadata, qualifiedName } from '../decorators/metadata.js';
import { CacheRegistry } from '../module/registry.js';
import { compiledMethod, type Method } from './compile-method.js';

/** Where an instance finds the caches of its application. */
export const REGISTRY = Symbol('nest-query-cache:registry');

/**
 * Puts the method into a wrapper, once however many of our decorators it has. The wrapper asks the
 * instance for the caches of its application, which Nest injects as a property: so it works in
 * every scope and for any number of applications, and without a `CacheModule` the method just runs.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for what cannot be decorated
 */
export function decorateMethod(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
  options: { readonly returns?: unknown } | null = {},
): MethodMetadata {
  const metadata = addMethodMetadata(decorator, target, name, descriptor);
  const type: unknown = Reflect.getMetadata('design:returntype', target, name);
  assertNotSync(decorator, qualifiedName(target, name), type);
  if (options?.returns === 'observable' || isObservableType(type))
    metadata.returnsObservable = true;
  if (metadata.decorated) return metadata;
  metadata.decorated = true;
  addRegistryProperty(target);
  const original = descriptor.value as Method;
  let warned = false;
  const wrapper: Method = function (this: unknown, ...args: unknown[]): unknown {
    const registry = (this as Partial<Record<typeof REGISTRY, CacheRegistry>> | undefined)?.[
      REGISTRY
    ];
    if (registry !== undefined) {
      const host = (this as object).constructor;
      return compiledMethod(registry, metadata, original, host)(this, args);
    }
    if (!warned) warnOfNoRegistry(metadata);
    warned = true;
    return original.apply(this, args);
  };
  for (const key of Reflect.getMetadataKeys(original) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  Object.defineProperty(wrapper, 'name', { value: original.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: original.length, configurable: true });
  descriptor.value = wrapper;
  return metadata;
}

/** An instance made with `new`, as in a unit test, has no cache either. */
function warnOfNoRegistry({ owner, method }: MethodMetadata): void {
  new Logger('CacheModule').warn(
    `${owner}.${method} runs without a cache: there is no CacheModule in the application, or ` +
      'Nest ' +
      'did not make the instance. Import CacheModule.forRoot() in the root module; in a unit ' +
      'test ' +
      'with new this is as it should be.',
  );
}

const SYNC_TYPES: readonly unknown[] = Object.freeze([
  String,
  Number,
  Boolean,
  Array,
  BigInt,
  Symbol,
  Map,
  Set,
  Date,
]);

/** @param type the emitted return type, when there is one */
function assertNotSync(decorator: string, where: string, type: unknown): void {
  if (!SYNC_TYPES.includes(type)) return;
  throw new CacheDecoratorError(
    `${decorator} is on ${where}, which returns a ${(type as { name: string }).name} ` +
      'synchronously: an answer from a cache is a Promise. Make the method async (or return an ' +
      'Observable).',
  );
}

/** By name, because an application may have another copy of rxjs; a Subject extends Observable. */
function isObservableType(type: unknown): boolean {
  if (typeof type !== 'function') return false;
  return type.name === 'Observable' || isObservableType(Object.getPrototypeOf(type));
}

/**
 * A property of each instance that `Object.keys`, JSON and spreads do not see. For an instance that
 * takes no new properties it is kept beside the instance.
 */
function addRegistryProperty(prototype: object): void {
  if (!(REGISTRY in prototype)) {
    const ofFrozen = new WeakMap<object, unknown>();
    Object.defineProperty(prototype, REGISTRY, {
      configurable: true,
      get(this: object) {
        return ofFrozen.get(this);
      },
      set(this: object, registry: unknown) {
        if (!Object.isExtensible(this)) ofFrozen.set(this, registry);
        else
          Object.defineProperty(this, REGISTRY, {
            value: registry,
            writable: true,
            configurable: true,
            enumerable: false,
          });
      },
    });
  }
  Optional()(prototype, REGISTRY as unknown as string);
  Inject(CacheRegistry)(prototype, REGISTRY);
}
