import type { GroupInvalidation } from '../../../ports/groups.js';
import type { Notice } from '../../../ports/shared-backend.js';

/*
 * What travels in the notice stream: the fields `p` (id of the entry before), `s` (sender) and `b` (body). A body is JSON with a version first:
 * {"v":1,"kind":"keys","keys":[...]}   {"v":1,"kind":"released","key":...}   {"v":1,"kind":"hello"}   {"v":1,"kind":"anything"}
 * {"v":1,"kind":"groups","scope":...,"groups":[...],"match":...,"mode":...,"settleMs":...,"tick":...,"until":...}
 * `anything` stands for a change that cannot be said: one of names that are too long. To a reader it is a gap, as is what it cannot read.
 * A notice can only take away. Whoever forges one causes misses, nothing else.
 */

const VERSION = 1;
/** A longer list is told in several notices. */
const MAX_BODY_BYTES = 8 * 1024;
/** Longer names are not said, and not believed: tenants and segments may be of any length. */
const MAX_NAME_LENGTH = 16 * 1024;
/** Longer bodies were not written by this library: two names and what is around them fit. */
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

/** Of a name that is too long nobody is told: who waits for it also asks from time to time. */
export function releasedBody(key: string): string {
  if (!isName(key)) return HELLO_BODY;
  return `{"v":${String(VERSION)},"kind":"released","key":${JSON.stringify(key)}}`;
}

/** Bodies that still lack `TICK,"until":UNTIL}` at their end: the script that knows both completes them. */
export function openGroupBodies(invalidation: GroupInvalidation): readonly string[] {
  const { scope, groups, match, mode, settleMs } = invalidation;
  if (scope.length > MAX_NAME_LENGTH || !groups.every(isName))
    return [`${EVERYTHING_BODY.slice(0, -1)},"tick":`];
  const head = (part: readonly string[], how: string): string =>
    `{"v":${String(VERSION)},"kind":"groups","scope":${JSON.stringify(scope)},"groups":${JSON.stringify(part)},"match":"${how}","mode":"${mode}","settleMs":${String(settleMs)},"tick":`;
  const parts = chunks(groups);
  if (match === 'any' || parts.length === 1) return parts.map((part) => head(part, match));
  // too many tags for one notice: any one of them takes away more than all of them, which is safe
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

/** 'newer': from a version of this library that says what we do not understand. With this and 'garbage' something may have been missed. */
export type ParsedNotice = Notice | 'hello' | 'anything' | 'newer' | 'garbage';

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
      return 'anything';
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
