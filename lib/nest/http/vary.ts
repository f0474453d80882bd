import { type RequestHeaders, splitList, toHeaderList, valuesOf } from '../../http/headers.js';
import { mustBypass } from '../../http/request.js';
import type { Exchange, HttpRequest } from './request.js';
import type { RouteConfig } from './route.js';

/** Adds names to the `Vary` of a response that it does not have. */
export function addVary(exchange: Exchange, values: readonly string[]): void {
  if (values.length === 0) return;
  const present = valuesOf(toHeaderList(exchange.outgoing()), 'vary').flatMap(splitList);
  const known = new Set(present.map((name) => name.toLowerCase()));
  const added = values.flatMap(splitList).filter((name) => !known.has(name.toLowerCase()));
  if (added.length > 0) exchange.setHeader('vary', [...present, ...added].join(', '));
}

/** Whether requests with two values of a header never share an entry. */
export function isHeaderCovered(
  { keyHeaders, routedHeaders, hostInKey, http, credentials }: RouteConfig,
  header: string,
): boolean {
  const bypassed = http.credentials === undefined || http.credentials === 'bypass';
  return (
    keyHeaders.includes(header) ||
    routedHeaders.includes(header) ||
    (header === 'host' && hostInKey) ||
    mustBypass({ [header]: '1' }) !== undefined ||
    (bypassed && credentials.notInKey.includes(header))
  );
}

/** RFC 9110 section 5.1, as Node.js writes the names of request headers. */
const REQUEST_HEADER = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/**
 * Runs a handler that takes the request as a whole, and finds which headers it reads there by name,
 * as far as the key leaves them out. A handler that takes all headers at once (a loop, a copy) has
 * read none by name.
 */
export async function observeReads<T>(
  route: RouteConfig,
  { request }: Exchange,
  run: () => Promise<T>,
): Promise<{ readonly value: T; readonly read: readonly string[] }> {
  const reads = new HeaderReads();
  const restore = [request, request.raw].map((target) => reads.observe(target));
  try {
    const value = await run();
    return { value, read: reads.names.filter((name) => !isInKey(route, name)) };
  } finally {
    for (const undo of restore) undo();
  }
}

/** What the route says about credentials is about those in the request, too. */
function isInKey(route: RouteConfig, name: string): boolean {
  return isHeaderCovered(route, name) || route.credentials.notInKey.includes(name);
}

/** Which headers of a request have been read by name. */
class HeaderReads {
  readonly #names = new Set<string>();
  #takesAll = false;

  get names(): readonly string[] {
    return [...this.#names].sort();
  }

  /** @returns undoes it */
  observe(request: object | undefined): () => void {
    if (request === undefined) return () => undefined;
    const own = Object.getOwnPropertyDescriptor(request, 'headers');
    Object.defineProperty(request, 'headers', {
      configurable: true,
      enumerable: own?.enumerable ?? false,
      writable: true,
      value: this.#observed((request as Pick<HttpRequest, 'headers'>).headers),
    });
    return () => {
      if (own === undefined) Reflect.deleteProperty(request, 'headers');
      else Object.defineProperty(request, 'headers', own);
    };
  }

  #observed(headers: RequestHeaders): RequestHeaders {
    return new Proxy(headers, {
      get: (target, name) => {
        this.#add(name);
        return Reflect.get(target, name) as unknown;
      },
      has: (target, name) => {
        this.#add(name);
        return Reflect.has(target, name);
      },
      getOwnPropertyDescriptor: (target, name) => {
        this.#add(name);
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      ownKeys: (target) => {
        this.#takesAll = true;
        return Reflect.ownKeys(target);
      },
    });
  }

  #add(name: string | symbol): void {
    if (this.#takesAll || typeof name !== 'string' || name in Object.prototype) return;
    if (REQUEST_HEADER.test(name)) this.#names.add(name);
  }
}
