/** Header fields of a response in the order they were set; names in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Header fields of a request as Node.js provides them: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The headers of a response object before it is sent, in the form of `getHeaders()`. */
export type OutgoingHeaders = Readonly<
  Record<string, string | number | readonly string[] | undefined>
>;

/**
 * Fields that belong to one connection and are never stored (RFC 9111 section 3.1, RFC 9110 section
 * 7.6.1).
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that are set anew for every response. */
const SET_PER_RESPONSE: ReadonlySet<string> = new Set([
  'age',
  'cache-status',
  'content-length',
  'set-cookie',
]);

/** May a field of this name, in lower case, be stored at all? */
export function isStorableHeader(name: string): boolean {
  return !HOP_BY_HOP.has(name) && !SET_PER_RESPONSE.has(name);
}

/** All values of a field, one per field line. */
export function valuesOf(headers: HeaderList, name: string): string[] {
  const found: string[] = [];
  for (const [field, value] of headers) if (field === name) found.push(value);
  return found;
}

/** The value of a request field; several lines are joined (RFC 9110 section 5.3). */
export function requestHeader(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name];
  if (typeof value === 'string') return value;
  // A name such as 'constructor' finds what every object has.
  return Array.isArray(value) ? value.join(', ') : undefined;
}

export function toHeaderList(headers: OutgoingHeaders): HeaderList {
  const list: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    for (const line of typeof value === 'object' ? value : [value])
      list.push([name.toLowerCase(), String(line)]);
  }
  return list;
}

/**
 * The fields that may be stored: without those of one connection, those that `Connection` lists,
 * and those set anew for every response.
 */
export function storableHeaders(headers: HeaderList): HeaderList {
  const listed = new Set(
    valuesOf(headers, 'connection').flatMap((value) => splitList(value.toLowerCase())),
  );
  return headers.filter(([name]) => isStorableHeader(name) && !listed.has(name));
}

/**
 * The members of a comma-separated field value, trimmed; a comma in a quoted string does not
 * separate (RFC 9110 section 5.6.1).
 */
export function splitList(value: string): string[] {
  return split(value, true).filter((member) => member !== '');
}

/** Like `splitList`, with the members that are empty. */
export function splitMembers(value: string): string[] {
  return split(value, true);
}

/**
 * The members of a list of entity tags, which have no escapes: a backslash is an ordinary character
 * (RFC 9110 section 8.8.3).
 */
export function splitTags(value: string): string[] {
  return split(value, false).filter((member) => member !== '');
}

function split(value: string, escapes: boolean): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i <= value.length; i++) {
    const char = value.charCodeAt(i);
    if (quoted && escapes && char === BACKSLASH) i++;
    else if (char === QUOTE) quoted = !quoted;
    else if (i === value.length || (char === COMMA && !quoted)) {
      members.push(value.slice(start, i).trim());
      start = i + 1;
    }
  }
  // A trailing escape has moved past the end.
  if (start < value.length) members.push(value.slice(start).trim());
  return members;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
