import { CacheConfigError } from '../../ports/errors.js';
import { DerivedKeys } from './derived-keys.js';
import { keyOfPlan, type MethodPlan, planOf } from '../decorators/metadata.js';

interface Class {
  readonly name: string;
  readonly prototype: unknown;
}

/**
 * The segments of derived keys. A method that two classes inherit from a common one has a segment in each: they may be repositories of different
 * things. A method that is overridden, and called by `super`, has one of its own.
 */
export class Segments {
  readonly #known = new WeakMap<object, Map<MethodPlan, DerivedKeys>>();
  readonly #owners = new Map<string, { readonly host: Class; readonly plan: MethodPlan }>();

  /** @throws CacheConfigError (`CACHE_CONFIG`) when another method has the same segment */
  of(plan: MethodPlan, host: Class): DerivedKeys {
    let segments = this.#known.get(host);
    if (segments === undefined) {
      segments = new Map<MethodPlan, DerivedKeys>();
      this.#known.set(host, segments);
    }
    let keys = segments.get(plan);
    if (keys === undefined) {
      const segment = (plan.cacheable ?? plan.put)?.name ?? derived(plan, host);
      if (keyOfPlan(plan) === undefined && plan.cacheable !== undefined)
        this.#claim(plan, segment, host);
      keys = new DerivedKeys(segment);
      segments.set(plan, keys);
    }
    return keys;
  }

  #claim(plan: MethodPlan, segment: string, host: Class): void {
    const name = `${plan.cacheable?.cache ?? 'default'} ${segment}`;
    const owner = this.#owners.get(name);
    if (owner !== undefined && (owner.host !== host || owner.plan !== plan)) {
      const both = [owner, { host, plan }]
        .map((method) => `${method.host.name}.${method.plan.method}`)
        .join(' and ');
      throw new CacheConfigError(
        `Two cached methods, ${both}${owner.host === host ? '' : ' of two classes'}, have the segment ${JSON.stringify(segment)}: their keys could not be told apart. ` +
          "Give each a name of its own, @Cacheable({ name: '...' }), or a key, @CacheKey(...).",
      );
    }
    this.#owners.set(name, { host, plan });
  }
}

function derived(plan: MethodPlan, host: Class): string {
  const overridden = planOfMethod(host, plan.method) !== plan;
  return overridden ? `${host.name}:${plan.owner}.${plan.method}` : `${host.name}.${plan.method}`;
}

/** Symbols are not looked up: their methods are told apart by the class that declares them. */
function planOfMethod(host: Class, method: string): MethodPlan | undefined {
  const found: unknown = (host.prototype as Record<string, unknown>)[method];
  return typeof found === 'function' ? planOf(found) : undefined;
}
