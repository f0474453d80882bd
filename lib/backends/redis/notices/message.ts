import type { GroupInvalidation } from '../../../ports/groups.js';
import type { Notice } from '../../../ports/shared-backend.js';

/*
 * An entry of the notice stream has the fields `p` (id of the entry before it), `s` (sender) and
 * `b` (body). A body is JSON with a version first:
 * {"v":1,"kind":"keys","keys":[...]}   {"v":1,"kind":"released","key":...}
 * {"v":1,"kind":"hello"}   {"v":1,"kind":"anything"}
 * {"v":1,"kind":"groups","scope":...,"groups":[...],"match":...,"mode":...,"settleMs":...,
 *  "tick":...,"until":...}
 * `anything` stands for a change of names that are too long for a notice. A reader treats it as a
 * gap, as it does what it cannot read. Notices only invalidate: a forged one causes misses, no
 * more.
 */

const VERSION = 1;
/** A longer list becomes several notices. */
const MAX_BODY_BYTES = 8 * 1024;
/** Longer names are neither sent nor accepted: tenants and segments may be of any length. */
const MAX_NAME_LENGTH = 16 * 1024;
/** Longer bodies were not written by this library: it holds two of the longest names. */
const MAX_BODY_LENGTH = 64 * 1024;

export const HELLO_BODY = `{"v":${String(VERSION)},"kind":"hello"}`;

const EVERYTHING_BODY = `{"v":${String(VERSION)},"kind":"anything"}`;

export function keysBodies(keys: readonly string[]): readonly string[] {
  const named = keys.filter(isName);
  const bodies = chunks(named).map(
    (part) => `{"v":${String(VERSION)},"kind":"keys","keys":${JSON.stringify(part)}}`,
  );
  return named.length === keys.length ? bodies : [...bodies, EVERYTHING_BODY];
}

/** Nothing is published for a name that is too long: processes that wait also poll. */
export function releasedBody(key: string): string {
  if (!isName(key)) return HELLO_BODY;
  return `{"v":${String(VERSION)},"kind":"released","key":${JSON.stringify(key)}}`;
}

/** Bodies without their end `TICK,"until":UNTIL}`, which the script adds. */
export function openGroupBodies(invalidation: GroupInvalidation): readonly string[] {
  const { scope, groups, match, mode, settleMs } = invalidation;
  if (scope.length > MAX_NAME_LENGTH || !groups.every(isName))
    return [`${EVERYTHING_BODY.slice(0, -1)},"tick":`];
  const head = (part: readonly string[], how: string): string =>
    `{"v":${String(VERSION)},"kind":"groups","scope":${JSON.stringify(scope)},` +
    `"groups":${JSON.stringify(part)},"match":"${how}","mode":"${mode}",` +
    `"settleMs":${String(settleMs)},"tick":`;
  const parts = chunks(groups);
  if (match === 'any' || parts.length === 1) return parts.map((part) => head(part, match));
  // too many tags for one notice: an invalidation of any of them covers more, which is safe
  return [head(parts[0]?.slice(0, 1) ?? [], 'any')];
}

function chunks(texts: readonly string[]): readonly (readonly string[])[] {
  const parts: string[][] = [];
  let size = Infinity;
  for (const text of texts) {
    const cost = Buffer.byteLength(text) + 3;
    if (size + cost > MAX_BODY_BYTES) {
      parts.push([]);
      size = 256;
    }
    parts.at(-1)?.push(text);
    size += cost;
  }
  return parts;
}

/**
 * 'newer': from a later version of this library. It is a gap, as 'everything' and 'garbage' are.
 */
export type ParsedNotice = Notice | 'hello' | 'everything' | 'newer' | 'garbage';

export function parseBody(text: string): ParsedNotice {
  if (text.length > MAX_BODY_LENGTH) return 'garbage';
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'garbage';
  }
  if (!isRecord(body) || typeof body.v !== 'number') return 'garbage';
  if (body.v !== VERSION) return body.v > VERSION ? 'newer' : 'garbage';
  switch (body.kind) {
    case 'hello':
      return 'hello';
    case 'anything':
      return 'everything';
    case 'released':
      return isName(body.key) ? { kind: 'released', key: body.key } : 'garbage';
    case 'keys':
      return areNames(body.keys) ? { kind: 'keys', keys: body.keys } : 'garbage';
    case 'groups':
      return parseGroups(body);
    default:
      return 'garbage';
  }
}

function parseGroups(body: Record<string, unknown>): ParsedNotice {
  const { scope, groups, match, mode, settleMs, tick, until } = body;
  if (
    typeof scope !== 'string' ||
    scope.length > MAX_NAME_LENGTH ||
    !areNames(groups) ||
    groups.length === 0
  )
    return 'garbage';
  if ((match !== 'any' && match !== 'all') || (mode !== 'soft' && mode !== 'hard'))
    return 'garbage';
  if (!isWholeNumber(settleMs) || !isWholeNumber(tick) || !isWholeNumber(until)) return 'garbage';
  return {
    kind: 'groups',
    invalidation: { scope, groups, match, mode, settleMs },
    tick,
    settleUntil: until,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH;
}
function areNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isName);
}
function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export interface StreamEntry {
  readonly id: string;
  /** The id of the entry before it, as its writer saw it. */
  readonly before: string | undefined;
  readonly sender: string;
  readonly body: string;
}

/**
 * The entries of an XREAD of one stream: a map in RESP3, a list of pairs in RESP2, null when there
 * are none.
 */
export function parseStream(reply: unknown): readonly StreamEntry[] {
  if (reply === null || typeof reply !== 'object') return [];
  const lists: unknown[] = Array.isArray(reply)
    ? reply.map((pair: unknown) => (Array.isArray(pair) ? (pair[1] as unknown) : undefined))
    : Object.values(reply);
  return lists.flatMap((list) => (Array.isArray(list) ? list.map(parseEntry) : []));
}

function parseEntry(raw: unknown): StreamEntry {
  const [id, fields] = Array.isArray(raw) ? (raw as unknown[]) : [];
  const found = new Map<string, string>();
  if (Array.isArray(fields))
    for (let i = 0; i + 1 < fields.length; i += 2)
      found.set(String(fields[i]), String(fields[i + 1]));
  return {
    id: String(id),
    before: found.get('p'),
    sender: found.get('s') ?? '',
    body: found.get('b') ?? '',
  };
}
