import { AsyncLocalStorage } from 'node:async_hooks';
import type { CacheOptions, ProducerContext } from '../core/types.js';

type Resolver = NonNullable<CacheOptions['tenant']>;

/**
 * The tenant of background refreshes. They run outside of the request, where a resolver finds nothing; but what they call is cached as well, and
 * has to be of the same tenant.
 */
export class BackgroundTenant {
  readonly #storage = new AsyncLocalStorage<string>();

  run<T>({ background, tenant }: Pick<ProducerContext, 'background' | 'tenant'>, task: () => T): T {
    return background && tenant !== undefined ? this.#storage.run(tenant, task) : task();
  }

  /** `resolver`, which is not asked within a background refresh. */
  over(resolver: Resolver): Resolver {
    return () => this.#storage.getStore() ?? resolver();
  }
}
