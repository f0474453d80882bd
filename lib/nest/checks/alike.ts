import { INQUIRER } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

/** Where the instances of a class come from: Nest's record of a provider or controller. */
export type Provided = InstanceWrapper;

/**
 * Do two providers give instances that are configured alike? They do when they are one instance, or
 * when one class (or factory function) makes both from dependencies that are alike: so a class may
 * be a provider of several modules. In doubt they do not.
 */
export function areAlike(first: Provided, second: Provided): boolean {
  return alike(first, second, new Map());
}

function alike(
  first: InstanceWrapper,
  second: InstanceWrapper,
  compared: Map<InstanceWrapper, Set<InstanceWrapper>>,
): boolean {
  if (first === second || isSameInstance(first, second)) return true;
  const { metatype } = first;
  if (typeof metatype !== 'function' || metatype !== second.metatype) return false;
  // Of a circle of dependencies, the others decide.
  const known = compared.get(first);
  if (known?.has(second) === true) return true;
  if (known === undefined) compared.set(first, new Set([second]));
  else known.add(second);
  const [ofFirst, ofSecond] = [dependenciesOf(first), dependenciesOf(second)];
  if (ofFirst.size !== ofSecond.size) return false;
  for (const [name, dependency] of ofFirst) {
    const other = ofSecond.get(name);
    if (other === undefined || !alike(dependency, other, compared)) return false;
  }
  return true;
}

function isSameInstance(first: InstanceWrapper, second: InstanceWrapper): boolean {
  return (
    first.isDependencyTreeStatic() &&
    second.isDependencyTreeStatic() &&
    first.instance !== undefined &&
    Object.is(first.instance, second.instance)
  );
}

/** By the position in the constructor, or the name of the property. */
function dependenciesOf(wrapper: InstanceWrapper): ReadonlyMap<unknown, InstanceWrapper> {
  const found = new Map<unknown, InstanceWrapper>();
  // Undefined where the class has none, whatever Nest's types say.
  const parameters = wrapper.getCtorMetadata() as readonly InstanceWrapper[] | undefined;
  parameters?.forEach((dependency, index) => found.set(index, dependency));
  const properties = wrapper.getPropertiesMetadata() as
    ReturnType<InstanceWrapper['getPropertiesMetadata']> | undefined;
  for (const { key, wrapper: dependency } of properties ?? []) found.set(key, dependency);
  return found;
}

/** Nest's metadata keys of `@Inject` on parameters and properties. */
const PARAMETERS = 'self:paramtypes';
const PROPERTIES = 'self:properties_metadata';

/** A transient provider that asks who injects it has an instance for each, made differently. */
export function areInstancesAlike({ isTransient, metatype, inject }: InstanceWrapper): boolean {
  if (!isTransient || typeof metatype !== 'function') return true;
  const parameters = (Reflect.getMetadata(PARAMETERS, metatype) ?? []) as readonly {
    readonly param: unknown;
  }[];
  const properties = (Reflect.getMetadata(PROPERTIES, metatype) ?? []) as readonly {
    readonly type: unknown;
  }[];
  return ![
    ...(inject ?? []),
    ...parameters.map(({ param }) => param),
    ...properties.map(({ type }) => type),
  ].includes(INQUIRER);
}
