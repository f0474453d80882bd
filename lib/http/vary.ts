import { requestHeader, splitList, splitMembers, type RequestHeaders } from './headers.js';

/**
 * The request fields that a response depends on, sorted, in lower case; `'*'` if it can never be
 * matched (RFC 9110 section 12.5.5).
 */
export function varyNames(values: readonly string[]): readonly string[] | '*' {
  const names = new Set(values.flatMap(splitList).map((name) => name.toLowerCase()));
  return names.has('*') ? '*' : [...names].sort();
}

/**
 * Fields that are comma-separated lists by their own specification (RFC 9110 sections 12.5.1 to
 * 12.5.4): the white space around their members has no meaning.
 */
const LISTS: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
]);

/** Of these lists, those whose members are case-insensitive (RFC 9110, RFC 4647). */
const CASE_INSENSITIVE: ReadonlySet<string> = new Set([
  'accept-charset',
  'accept-encoding',
  'accept-language',
]);

/**
 * The secondary key (RFC 9111 section 4.1): equal for two requests exactly when the named fields
 * match. They match when the client has sent the same, and where the field's own specification says
 * that two values mean the same. An absent field matches only an absent one. Members that are empty
 * count: they are allowed only to recipients, and a handler may take them for something.
 */
export function secondaryKey(names: readonly string[], headers: RequestHeaders): string {
  return JSON.stringify(names.map((name) => selectingValue(name, requestHeader(headers, name))));
}

function selectingValue(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (!LISTS.has(name)) return value;
  const members = splitMembers(value).join(',');
  return CASE_INSENSITIVE.has(name) ? members.toLowerCase() : members;
}
