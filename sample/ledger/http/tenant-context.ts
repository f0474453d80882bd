import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose request is being answered: the cache asks for it where a key names no tenant, as for whole responses. */
export class TenantContext {
  readonly #tenants = new AsyncLocalStorage<string>();

  /** Undefined outside of a request for a tenant. */
  readonly current = (): string | undefined => this.#tenants.getStore();

  readonly middleware = (request: { readonly params: { readonly tenant: string } }, _response: unknown, next: () => void): void => {
    this.#tenants.run(request.params.tenant, next);
  };
}
