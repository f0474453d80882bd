import { Inject, Logger, Optional } from '@nestjs/common';
import { CacheDecoratorError } from '../../ports/errors.js';
import { CacheRegistry } from '../module/registry.js';
import {
  type ClassPlan,
  ensureClassPlan,
  ensurePlan,
  type MethodPlan,
} from '../decorators/metadata.js';

/** Where an instance finds the caches of its application. */
export const SLOT = Symbol('nest-query-cache:registry');

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Notes something in the plan of a method, without changing the method.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for what cannot be decorated
 */
export function noteOn(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): MethodPlan {
  refuseMisplaced(decorator, target, name, descriptor);
  const where = whereOf(target, name);
  if (typeof target === 'function') {
    throw new CacheDecoratorError(
      `${decorator} is on the static method ${where}: only methods of instances that Nest makes can be cached. Make it an instance method.`,
    );
  }
  if (typeof descriptor?.value !== 'function') {
    throw new CacheDecoratorError(
      `${decorator} is on ${where}, which is not a method but an accessor or a property. Make it an async method.`,
    );
  }
  return ensurePlan(target, name, descriptor.value as object);
}

/**
 * As `noteOn`, for what a decorator says of all methods of a class.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`) for what is no class
 */
export function noteOnClass(
  decorator: string,
  target: object,
  descriptor: PropertyDescriptor | undefined,
): ClassPlan {
  refuseMisplaced(decorator, target, undefined, descriptor, true);
  return ensureClassPlan(target);
}

/**
 * What is neither a method nor, for decorators that may be on one, a class.
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
function refuseMisplaced(
  decorator: string,
  target: object,
  name: string | symbol | undefined,
  descriptor: unknown,
  classes = false,
): void {
  if (typeof (name as unknown) === 'object') {
    throw new CacheDecoratorError(
      `${decorator} was called as a standard decorator. Nest, and this library, need the older ones: set "experimentalDecorators": true in tsconfig.json, or the like for your compiler.`,
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
  if (name === undefined && !classes)
    throw new CacheDecoratorError(
      `${decorator} is on the class ${type.name}. Put it on its methods.`,
    );
}

/**
 * `@Cacheable` for `@Cacheable()`: what is decorated arrives in the place of the options, and the method would be lost.
 * @param given what arrived; a class or its prototype when the parentheses are missing
 * @throws CacheDecoratorError (`CACHE_DECORATOR`)
 */
export function refuseBare(decorator: string, given: unknown): void {
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
export function whereOf(target: object, name: string | symbol): string {
  return `${typeof target === 'function' ? target.name : target.constructor.name}.${String(name)}`;
}

/**
 * Puts the method into a wrapper, once however many of our decorators it has. The wrapper asks the instance for the caches of its application,
 * which Nest injects as a property: so it works in every scope, for any number of applications, and without a `CacheModule` the method simply runs.
 */
export function wrapMethod(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): MethodPlan {
  const plan = noteOn(decorator, target, name, descriptor);
  refuseSync(decorator, target, name);
  if (plan.wrapped || descriptor === undefined) return plan;
  plan.wrapped = true;
  installSlot(target);
  const original = descriptor.value as Method;
  const wrapper: Method = function (this: unknown, ...args: unknown[]): unknown {
    const registry = (this as Partial<Record<typeof SLOT, CacheRegistry>> | undefined)?.[SLOT];
    if (registry !== undefined) return registry.call({ plan, instance: this, args, original });
    warnOfNoRegistry(plan);
    return original.apply(this, args);
  };
  for (const key of Reflect.getMetadataKeys(original) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), wrapper);
  Object.defineProperty(wrapper, 'name', { value: original.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: original.length, configurable: true });
  descriptor.value = wrapper;
  return plan;
}

/** Said once for each method. An instance made with `new`, as in a unit test, has no cache either. */
function warnOfNoRegistry(plan: MethodPlan): void {
  if (plan.warned === true) return;
  plan.warned = true;
  new Logger('CacheModule').warn(
    `${plan.owner}.${plan.method} runs without a cache: there is no CacheModule in the application, or Nest did not make the instance. ` +
      'Import CacheModule.forRoot() in the root module; in a unit test with new this is as it should be.',
  );
}

/** Known by the emitted return type, when there is one. */
function refuseSync(decorator: string, target: object, name: string | symbol): void {
  const type: unknown = Reflect.getMetadata('design:returntype', target, name);
  if (
    ![String, Number, Boolean, Array, BigInt, Symbol, Map, Set, Date].some((sync) => sync === type)
  )
    return;
  throw new CacheDecoratorError(
    `${decorator} is on ${target.constructor.name}.${String(name)}, which returns a ${(type as { name: string }).name} synchronously: ` +
      'an answer from a cache is a Promise. Make the method async (or return an Observable).',
  );
}

/** A place on each instance that is not seen by `Object.keys`, JSON or a spread; beside those that take nothing new. */
function installSlot(proto: object): void {
  if (!(SLOT in proto)) {
    const ofFrozen = new WeakMap<object, unknown>();
    Object.defineProperty(proto, SLOT, {
      configurable: true,
      get(this: object) {
        return ofFrozen.get(this);
      },
      set(this: object, registry: unknown) {
        if (!Object.isExtensible(this)) ofFrozen.set(this, registry);
        else
          Object.defineProperty(this, SLOT, {
            value: registry,
            writable: true,
            configurable: true,
            enumerable: false,
          });
      },
    });
  }
  Optional()(proto, SLOT as unknown as string);
  Inject(CacheRegistry)(proto, SLOT);
}
