import { createAsyncContext } from './async-context.js';
import { TENANT_SCOPE, type TenantScope } from './core/options/resolve-call.js';
import type { CacheOptions, ProducerContext } from './core/options/types.js';

type Resolver = NonNullable<CacheOptions['tenant']>;

/**
 * The tenant of background refreshes. They run outside of the request, where a tenant resolver
 * finds nothing; but the cached calls that they make must belong to the same tenant.
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

  /**
   * The resolver, except within a background refresh: there it gives the tenant of the refresh.
   */
  wrapResolver(resolver: Resolver): Resolver & TenantScope {
    const resolve: Resolver = () => {
      const tenant = this.#context.current();
      return tenant instanceof Tenant ? tenant.name : resolver();
    };
    return Object.assign(resolve, { [TENANT_SCOPE]: this });
  }
}

class Tenant {
  constructor(readonly name: string) {}
}
