import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { type MethodPlan, planOf } from '../decorators/metadata.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A provider or controller with decorated methods. */
export interface Host {
  readonly type: Type;
  /** Undefined when there is one for each request. */
  readonly instance: unknown;
  readonly requestScoped: boolean;
}

export interface Decorated {
  readonly plan: MethodPlan;
  /** What is found under the method's name, with the metadata of all decorators. */
  readonly method: (...args: never[]) => unknown;
}

/** Undefined for a provider that has nothing decorated. */
export function hostOf(wrapper: InstanceWrapper): Host | undefined {
  const requestScoped = !wrapper.isDependencyTreeStatic();
  const instance: unknown = requestScoped ? undefined : wrapper.instance;
  const type: unknown =
    typeof instance === 'object' && instance !== null ? classOf(instance) : wrapper.metatype;
  if (typeof type !== 'function') return undefined;
  const { prototype } = type as { readonly prototype: unknown };
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  return plansOf(type as Type).next().done === true
    ? undefined
    : { type: type as Type, instance, requestScoped };
}

/** By the prototype: asking the instance itself could run a getter, or the trap of a proxy. */
function classOf(instance: object): unknown {
  const prototype: unknown = Object.getPrototypeOf(instance);
  return prototype === null || prototype === Object.prototype
    ? undefined
    : (prototype as { readonly constructor: unknown }).constructor;
}

/** The decorated methods of a class, its own and the inherited ones that it does not override. */
export function* plansOf(type: Type): Generator<Decorated> {
  const seen = new Set<string | symbol>();
  let proto: unknown = type.prototype;
  while (typeof proto === 'object' && proto !== null && proto !== Object.prototype) {
    for (const name of Reflect.ownKeys(proto)) {
      if (seen.has(name)) continue;
      seen.add(name);
      const method: unknown = Object.getOwnPropertyDescriptor(proto, name)?.value;
      if (typeof method !== 'function' || name === 'constructor') continue;
      const plan = planOf(method);
      if (plan !== undefined) yield { plan, method: method as Decorated['method'] };
    }
    proto = Object.getPrototypeOf(proto);
  }
}
