import type { OutgoingHeaders } from '../../http/headers.js';
import type { Exchange } from './exchange.js';

/**
 * Lets a handler run once more after its response is out, for a background refresh: what it says about headers is kept aside instead of being
 * refused by a response that is finished. The response starts over with the headers it had before the handler ran for the first time.
 */
export function detachResponse(exchange: Exchange, before: OutgoingHeaders): void {
  const kept = new Map<string, number | string | readonly string[]>();
  const methods = {
    getHeader: (name: string) => kept.get(name.toLowerCase()),
    getHeaders: () => Object.fromEntries(kept),
    getHeaderNames: () => [...kept.keys()],
    hasHeader: (name: string) => kept.has(name.toLowerCase()),
    setHeader(name: string, value: number | string | readonly string[]) {
      kept.set(name.toLowerCase(), value);
      return exchange.raw;
    },
    appendHeader(name: string, value: string | readonly string[]) {
      const present = kept.get(name.toLowerCase());
      kept.set(name.toLowerCase(), [present ?? [], value].flat().map(String));
      return exchange.raw;
    },
    removeHeader(name: string) {
      kept.delete(name.toLowerCase());
    },
  };
  for (const [name, method] of Object.entries(methods)) {
    Object.defineProperty(exchange.raw, name, { value: method, configurable: true, writable: true });
  }
  for (const name of Object.keys(exchange.outgoing())) exchange.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) exchange.setHeader(name, typeof value === 'object' ? value : String(value));
  }
}
