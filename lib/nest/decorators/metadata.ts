import 'reflect-metadata';
import { CacheDecoratorError } from '../../ports/errors.js';
import type { Duration } from '../../ports/duration.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions, KeyMaker } from './options.js';

/** What the decorators of one method say. Mutable while the class is being defined, by its decorators only. */
export interface MethodPlan {
  /** The class that declares the method, and the method's name. */
  readonly owner: string;
  readonly method: string;
  cacheable?: CacheableOptions;
  put?: CachePutOptions;
  key?: KeyMaker | string;
  ttl?: Duration;
  readonly evict: CacheEvictOptions[];
  noCache: boolean;
  /** The method settles when the invalidations it caused are acknowledged. */
  awaits?: true;
  wrapped: boolean;
  /** What the method returns, once that is known. */
  shape?: 'promise' | 'observable';
  /** It was said that the method runs without a cache. */
  warned?: true;
}

const PLAN = Symbol('nest-query-cache:plan');

/** The plan of a decorated function; decorators of others may have put further functions around it, with the metadata copied. */
export function planOf(method: object): MethodPlan | undefined {
  return Reflect.getMetadata(PLAN, method) as MethodPlan | undefined;
}

/** Found by class and name too: a decorator of others between two of ours may have put a function without metadata in the place of the method. */
export function ensurePlan(target: object, name: string | symbol, method: object): MethodPlan {
  let plan = Reflect.getOwnMetadata(PLAN, target, name) as MethodPlan | undefined;
  if (plan === undefined) {
    plan = {
      owner: target.constructor.name,
      method: String(name),
      evict: [],
      noCache: false,
      wrapped: false,
    };
    Reflect.defineMetadata(PLAN, plan, target, name);
  }
  Reflect.defineMetadata(PLAN, plan, method);
  return plan;
}

type Part = 'cacheable' | 'put' | 'key' | 'ttl';

/** @throws CacheDecoratorError (`CACHE_DECORATOR`) when that was said already, or contradicts what was said */
export function setOnce<P extends Part>(
  plan: MethodPlan,
  part: P,
  value: MethodPlan[P] & {},
  decorator: string,
): void {
  const where = `${plan.owner}.${plan.method}`;
  if (plan[part] !== undefined)
    throw new CacheDecoratorError(`${decorator} is on ${where} twice. Leave one of them out.`);
  plan[part] = value;
  if (plan.cacheable !== undefined && plan.put !== undefined) {
    throw new CacheDecoratorError(
      `${where} has both @Cacheable, which may answer without running it, and @CachePut, which always runs it. Leave one of them out.`,
    );
  }
  const kept = plan.cacheable ?? plan.put;
  for (const [option, name] of [
    ['key', '@CacheKey'],
    ['ttl', '@CacheTTL'],
  ] as const) {
    if (kept?.[option] === undefined || plan[option] === undefined) continue;
    throw new CacheDecoratorError(
      `${where} has both ${name} and the option ${option}. Leave one of them out.`,
    );
  }
}

/** The key that the decorators give, by `@CacheKey` or by option. */
export function keyOfPlan(plan: MethodPlan): KeyMaker | string | undefined {
  return plan.key ?? (plan.cacheable ?? plan.put)?.key;
}

/**
 * A key made from the arguments exists only after guards and pipes, when the handler is called: then its value is kept, as of any method, and not
 * the response.
 */
export function isValueOfRoute(plan: MethodPlan): boolean {
  return typeof keyOfPlan(plan) === 'function';
}

/** Nest's keys of a route handler, the same in all its major versions. */
export function isRoute(method: object): boolean {
  return Reflect.hasMetadata('path', method) && Reflect.hasMetadata('method', method);
}

const CLASS_PLAN = Symbol('nest-query-cache:class-plan');

/** What class decorators say for all route handlers of a controller. */
export interface ClassPlan {
  cacheable?: CacheableOptions;
  ttl?: Duration;
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
