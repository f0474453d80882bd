import { createAsyncContext } from './async-context.js';
import { TENANT_SCOPE, type TenantScope } from './core/options/resolve-call.js';
import type { CacheOptions, ProducerContext } from './core/options/types.js';

type Resolver = NonNullable<CacheOptions['tenant']>;

/**
 * The tenant of background refreshes. They run outside of the request, where a resolver finds nothing; but what they call is cached as well, and
 * has to be of the same tenant.
 */
export class BackgroundTenant {
  readonly #context = createAsyncContext();

  run<T>(
    { background, tenant }: Pick<ProducerContext, 'background' | 'tenant'>,
    task: () => Promise<T>,
  ): Promise<T> {
    return background && tenant !== undefined
      ? this.#context.run(new Tenant(tenant), task)
      : task();
  }

  /** `resolver`, which is not asked within a background refresh. */
  wrapResolver(resolver: Resolver): Resolver & TenantScope {
    const over: Resolver = () => {
      const tenant = this.#context.current();
      return tenant instanceof Tenant ? tenant.name : resolver();
    };
    return Object.assign(over, { [TENANT_SCOPE]: this });
  }
}

class Tenant {
  constructor(readonly name: string) {}
}
