import type { Observable } from 'rxjs';
import { createAsyncContext } from '../../async-context.js';
import { observeIn } from '../method/subscribe-in-context.js';
import type { MethodPlan } from '../decorators/metadata.js';

/** What Apollo Server calls `info.cacheControl` (package @apollo/cache-control-types), as far as it is used. */
export interface CacheControl {
  readonly cacheHint: {
    readonly maxAge?: number;
    readonly scope?: string;
    restrict(hint: { readonly maxAge?: number; readonly scope?: 'PUBLIC' | 'PRIVATE' }): void;
  };
}

class HintedCall {
  taken = false;
  constructor(
    readonly plan: MethodPlan,
    readonly control: CacheControl,
  ) {}
}

/** Brings the hints of a GraphQL field to the wrapper of its resolver. */
export class Hints {
  readonly #context = createAsyncContext();

  run<T>(plan: MethodPlan, control: CacheControl, handle: () => Observable<T>): Observable<T> {
    return observeIn(this.#context, () => new HintedCall(plan, control), handle);
  }

  /** The hints of this call of the method, when it is the one that resolves a field; once for each. */
  take(plan: MethodPlan): CacheControl | undefined {
    const current = this.#context.current();
    if (!(current instanceof HintedCall) || current.plan !== plan || current.taken)
      return undefined;
    current.taken = true;
    return current.control;
  }
}
