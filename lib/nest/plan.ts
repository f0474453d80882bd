import 'reflect-metadata';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions, KeyMaker } from './decorator-options.js';
import type { Duration } from '../ports/duration.js';

/** What the decorators of one method say. Mutable while the class is being defined, by its decorators only. */
export interface MethodPlan {
  /** The class that declares the method, and the method's name. */
  readonly owner: string;
  readonly method: string;
  cacheable?: CacheableOptions;
  put?: CachePutOptions;
  key?: KeyMaker<readonly unknown[]> | string;
  ttl?: Duration | ((value: unknown) => Duration);
  readonly evict: CacheEvictOptions[];
  noCache: boolean;
  wrapped: boolean;
}

const PLAN = Symbol.for('nest-query-cache:plan');

/** The plan of a decorated function; decorators of others may have put further functions around it, with the metadata copied. */
export function planOf(method: object): MethodPlan | undefined {
  return Reflect.getMetadata(PLAN, method) as MethodPlan | undefined;
}

export function ensurePlan(target: object, name: string | symbol, method: object): MethodPlan {
  let plan = Reflect.getOwnMetadata(PLAN, method) as MethodPlan | undefined;
  if (plan === undefined) {
    plan = { owner: target.constructor.name, method: String(name), evict: [], noCache: false, wrapped: false };
    Reflect.defineMetadata(PLAN, plan, method);
  }
  return plan;
}

/** Nest's keys of a route handler, the same in all its major versions. */
export function isRoute(method: object): boolean {
  return Reflect.hasMetadata('path', method) && Reflect.hasMetadata('method', method);
}

const CLASS_PLAN = Symbol.for('nest-query-cache:class-plan');

/** What class decorators say for all route handlers of a controller. */
export interface ClassPlan {
  cacheable?: CacheableOptions;
  ttl?: Duration | ((value: unknown) => Duration);
  noCache?: boolean;
}

export function classPlanOf(target: object): ClassPlan | undefined {
  return Reflect.getMetadata(CLASS_PLAN, target) as ClassPlan | undefined;
}

export function ensureClassPlan(target: object): ClassPlan {
  let plan = Reflect.getOwnMetadata(CLASS_PLAN, target) as ClassPlan | undefined;
  if (plan === undefined) Reflect.defineMetadata(CLASS_PLAN, (plan = {}), target);
  return plan;
}
