import { splitList } from './headers.js';

/** A parsed `Cache-Control` field; times in seconds. Absent members were not sent. */
export interface CacheControl {
  readonly noStore: boolean;
  /**
   * Also when it lists fields: a cache may treat the qualified form as the unqualified one (RFC
   * 9111 section 5.2.2.4).
   */
  readonly noCache: boolean;
  readonly private: boolean;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly onlyIfCached: boolean;
  /**
   * 0 for an invalid value: a response with invalid freshness is stale (RFC 9111 section 4.2.1).
   */
  readonly maxAge?: number;
  readonly sMaxage?: number;
  readonly staleWhileRevalidate?: number;
  readonly staleIfError?: number;
  readonly minFresh?: number;
  /** Infinity when sent without a value. */
  readonly maxStale?: number;
}

/** Larger values have the same meaning (RFC 9111 section 1.2.2). */
const MAX_SECONDS = 2 ** 31;

/** @param values the field lines, in order; of a repeated directive the first one is used */
export function parseCacheControl(values: readonly string[]): CacheControl {
  const found = new Map<string, string | undefined>();
  for (const member of values.flatMap(splitList)) {
    const at = member.indexOf('=');
    const name = (at === -1 ? member : member.slice(0, at)).toLowerCase();
    if (!found.has(name)) found.set(name, at === -1 ? undefined : member.slice(at + 1));
  }
  const seconds = (name: string) => (found.has(name) ? deltaSeconds(found.get(name)) : undefined);
  const maxAge = seconds('max-age');
  const sMaxage = seconds('s-maxage');
  const staleWhileRevalidate = seconds('stale-while-revalidate');
  const staleIfError = seconds('stale-if-error');
  const minFresh = seconds('min-fresh');
  const maxStale =
    found.get('max-stale') === undefined && found.has('max-stale')
      ? Infinity
      : seconds('max-stale');
  return {
    noStore: found.has('no-store'),
    noCache: found.has('no-cache'),
    private: found.has('private'),
    public: found.has('public'),
    mustRevalidate: found.has('must-revalidate'),
    proxyRevalidate: found.has('proxy-revalidate'),
    mustUnderstand: found.has('must-understand'),
    onlyIfCached: found.has('only-if-cached'),
    ...(maxAge !== undefined && { maxAge }),
    ...(sMaxage !== undefined && { sMaxage }),
    ...(staleWhileRevalidate !== undefined && { staleWhileRevalidate }),
    ...(staleIfError !== undefined && { staleIfError }),
    ...(minFresh !== undefined && { minFresh }),
    ...(maxStale !== undefined && { maxStale }),
  };
}

function deltaSeconds(value: string | undefined): number {
  const digits =
    value !== undefined && value.length > 1 && value.startsWith('"') && value.endsWith('"')
      ? value.slice(1, -1)
      : value;
  return digits !== undefined && /^\d+$/.test(digits) ? Math.min(Number(digits), MAX_SECONDS) : 0;
}
