/** Why a request was forwarded to the handler (RFC 9211 section 2.2). */
export type ForwardReason =
  'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale';

export type CacheStatus =
  | {
      readonly hit: true;
      /** Seconds of freshness left; negative when stale. */ readonly ttl?: number;
      readonly detail?: string;
    }
  | {
      readonly hit: false;
      /** Absent when the request was not forwarded. */
      readonly fwd?: ForwardReason;
      /** The response was stored. */
      readonly stored?: boolean;
      /** The request waited for the handler run of another request. */
      readonly collapsed?: boolean;
      readonly ttl?: number;
      /** Details for debugging; a token such as `credentials`. */
      readonly detail?: string;
    };

const NAME = 'nest-query-cache';

/** The `Cache-Status` member of this cache (RFC 9211). */
export function formatCacheStatus(status: CacheStatus): string {
  let text = status.hit ? `${NAME}; hit` : NAME;
  if (!status.hit && status.fwd !== undefined) text += `; fwd=${status.fwd}`;
  if (!status.hit && status.stored === true) text += '; stored';
  if (!status.hit && status.collapsed === true) text += '; collapsed';
  if (status.ttl !== undefined) text += `; ttl=${String(Math.floor(status.ttl))}`;
  if (status.detail !== undefined) text += `; detail=${item(status.detail)}`;
  return text;
}

/** A token if possible, else a quoted string (RFC 8941 sections 3.3.3 and 3.3.4). */
function item(text: string): string {
  if (/^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/.test(text)) return text;
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
