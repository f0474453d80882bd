import type { Observable } from 'rxjs';
import { createAsyncContext } from '../../async-context.js';
import type { MethodMetadata } from '../decorators/metadata.js';
import { subscribeInContext } from '../method/subscribe-in-context.js';

/** What a handler's decorators derive from the arguments and result of one call. */
export interface HandlerDirectives {
  readonly tags: readonly string[];
  readonly skip: boolean;
}

class HandlerCall {
  consumed = false;

  constructor(
    readonly metadata: MethodMetadata,
    readonly request: object,
  ) {}
}

/**
 * Links what `CacheInterceptor` knows of a request to the call of the decorated handler. The
 * interceptor caches the response, so the decorated handler must not cache its value; but only the
 * decorated handler sees the arguments, from which tags are made.
 */
export class HandlerLink {
  readonly #context = createAsyncContext();
  readonly #tenants = new WeakMap<object, string | undefined>();
  readonly #directives = new WeakMap<object, HandlerDirectives>();

  /** Runs the handler with this metadata to answer a request. */
  run<T>(metadata: MethodMetadata, request: object, handle: () => Observable<T>): Observable<T> {
    const begin = (): HandlerCall => {
      this.#directives.delete(request);
      return new HandlerCall(metadata, request);
    };
    return subscribeInContext(this.#context, begin, handle);
  }

  /** The request, if the current call is the one that answers it; once per run. */
  consume(metadata: MethodMetadata): object | undefined {
    const call = this.#context.current();
    if (!(call instanceof HandlerCall) || call.metadata !== metadata || call.consumed)
      return undefined;
    call.consumed = true;
    return call.request;
  }

  /** Records the tenant that is known where the handler runs, inside all global interceptors. */
  setTenant(request: object, tenant: string | undefined): void {
    this.#tenants.set(request, tenant);
  }

  tenantOf(request: object): string | undefined {
    return this.#tenants.get(request);
  }

  record(request: object, directives: HandlerDirectives): void {
    this.#directives.set(request, directives);
  }

  resultOf(request: object): HandlerDirectives | undefined {
    return this.#directives.get(request);
  }
}
