import { requestHeader, splitList, type RequestHeaders } from './headers.js';

/**
 * The request fields that a response depends on, sorted, in lower case; `'*'` if it can never be
 * matched (RFC 9110 section 12.5.5).
 */
export function varyNames(values: readonly string[]): readonly string[] | '*' {
  const names = new Set(values.flatMap(splitList).map((name) => name.toLowerCase()));
  return names.has('*') ? '*' : [...names].sort();
}

/**
 * Fields whose values are case-insensitive (RFC 9110 sections 12.5.1, 12.5.3, 12.5.4, RFC 4647).
 */
const CASE_INSENSITIVE: ReadonlySet<string> = new Set([
  'accept-language',
  'accept-encoding',
  'accept-charset',
]);

/**
 * The secondary key (RFC 9111 section 4.1): equal for two requests exactly when the named fields
 * match. White space around list members does not count, their order does, and an absent field
 * matches only an absent one.
 */
export function secondaryKey(names: readonly string[], headers: RequestHeaders): string {
  return JSON.stringify(names.map((name) => selectingValue(name, requestHeader(headers, name))));
}

function selectingValue(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  const members = splitList(value).join(',');
  return CASE_INSENSITIVE.has(name) ? members.toLowerCase() : members;
}
