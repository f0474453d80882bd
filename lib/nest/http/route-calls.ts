import type { Observable } from 'rxjs';
import { createAsyncContext } from '../../async-context.js';
import { subscribeInContext } from '../method/subscribe-in-context.js';
import type { MethodMetadata } from '../decorators/metadata.js';

/** What a handler's decorators say of one call, from its arguments and its result. */
export interface SaidOfCall {
  readonly tags: readonly string[];
  readonly skip: boolean;
}

class RouteCall {
  taken = false;
  constructor(
    readonly plan: MethodMetadata,
    readonly request: object,
  ) {}
}

/**
 * Joins what `CacheInterceptor` knows of a request with what the decorated handler knows of its call. The interceptor caches the response, so the
 * handler's wrapper must not cache its value; but only the wrapper sees the arguments, from which tags are made.
 */
export class RouteCalls {
  readonly #context = createAsyncContext();
  readonly #tenants = new WeakMap<object, string | undefined>();
  readonly #said = new WeakMap<object, SaidOfCall>();

  /** Runs the handler of `plan` for a request. */
  run<T>(plan: MethodMetadata, request: object, handle: () => Observable<T>): Observable<T> {
    const begin = (): RouteCall => {
      this.#said.delete(request);
      return new RouteCall(plan, request);
    };
    return subscribeInContext(this.#context, begin, handle);
  }

  /** The request, when this call of the method is the one that answers it; once for each run. */
  take(plan: MethodMetadata): object | undefined {
    const current = this.#context.current();
    if (!(current instanceof RouteCall) || current.plan !== plan || current.taken) return undefined;
    current.taken = true;
    return current.request;
  }

  /** The tenant as it is known where the handler runs, within all global interceptors. */
  sayTenant(request: object, tenant: string | undefined): void {
    this.#tenants.set(request, tenant);
  }

  tenantOf(request: object): string | undefined {
    return this.#tenants.get(request);
  }

  say(request: object, said: SaidOfCall): void {
    this.#said.set(request, said);
  }

  saidOf(request: object): SaidOfCall | undefined {
    return this.#said.get(request);
  }
}
