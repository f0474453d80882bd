import { AsyncLocalStorage } from 'node:async_hooks';
import type { MethodPlan } from './plan.js';

/** What Apollo Server calls `info.cacheControl` (package @apollo/cache-control-types), as far as it is used. */
export interface CacheControl {
  readonly cacheHint: {
    readonly maxAge?: number;
    readonly scope?: string;
    restrict(hint: { readonly maxAge?: number; readonly scope?: 'PUBLIC' | 'PRIVATE' }): void;
  };
  setCacheHint(hint: { readonly maxAge?: number; readonly scope?: 'PUBLIC' | 'PRIVATE' }): void;
}

interface HintedCall {
  readonly plan: MethodPlan;
  readonly control: CacheControl;
  taken: boolean;
}

/** Brings the hints of a GraphQL field to the wrapper of its resolver. */
export class Hints {
  readonly #storage = new AsyncLocalStorage<HintedCall>();

  run<T>(plan: MethodPlan, control: CacheControl, task: () => T): T {
    return this.#storage.run({ plan, control, taken: false }, task);
  }

  /** The hints of this call of the method, when it is the one that resolves a field; once for each. */
  take(plan: MethodPlan): CacheControl | undefined {
    const current = this.#storage.getStore();
    if (current?.plan !== plan || current.taken) return undefined;
    current.taken = true;
    return current.control;
  }
}
