import { AsyncLocalStorage } from 'node:async_hooks';

export interface TenantRequest {
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * The tenant is in the address. GraphQL has only one address, so there it is in the header
 * `X-Tenant`.
 */
export function tenantOf({ params, headers }: TenantRequest): string | undefined {
  const { tenant = headers['x-tenant'] } = params;
  return typeof tenant === 'string' && tenant !== '' ? tenant : undefined;
}

/**
 * The tenant of the request being answered. The cache asks for it where a key names no tenant, as
 * for whole responses.
 */
export class TenantContext {
  readonly #tenants = new AsyncLocalStorage<string | undefined>();

  /** Undefined outside a request for a tenant. */
  readonly current = (): string | undefined => this.#tenants.getStore();

  readonly middleware = (request: TenantRequest, _response: unknown, next: () => void): void => {
    this.#tenants.run(tenantOf(request), next);
  };
}
