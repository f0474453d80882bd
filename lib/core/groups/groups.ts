import type { Entry } from '../../ports/entry.js';
import { CacheConfigError } from '../../ports/errors.js';
import { encodeText, describeType } from '../key/percent-encoding.js';
import type {
  GroupInvalidation,
  Marker,
  ScopeGroups,
  ScopeReading,
} from '../../ports/shared-backend.js';
import type { CacheKey } from '../key/key.js';
import type { Validity } from './freshness.js';

/** The group of everything in a scope. */
export const ALL = '*';
/** The scope of the namespace; other scopes are encoded tenants, which are never empty. */
export const NAMESPACE = '';

const MAX_TAGS = 64;
const MAX_TAG_LENGTH = 256;

export function tagGroup(tag: string): string {
  return `t:${encodeText(tag, 'a tag')}`;
}

export function segmentGroup(encodedSegment: string): string {
  return `s:${encodedSegment}`;
}

/**
 * Copies, checks, sorts and removes duplicates; never keeps the caller's array.
 * @param of what names them, for the message
 * @throws CacheConfigError for what is not an array, a tag that is not a string of 1 to 256 characters of well-formed text, or more than 64 tags
 */
export function normalizeTags(
  tags: readonly string[],
  of: 'entry' | 'invalidation' = 'entry',
): readonly string[] {
  assertTags(tags);
  if (tags.length === 0) return NO_TAGS;
  const clean = [...new Set(tags)].sort();
  if (clean.length > MAX_TAGS) {
    const most = `at most ${String(MAX_TAGS)} tags; got ${String(clean.length)}.`;
    throw new CacheConfigError(
      of === 'entry'
        ? `An entry may have ${most} Use fewer, coarser tags.`
        : `One invalidation may name ${most} Use several, or coarser tags.`,
    );
  }
  for (const tag of clean) {
    if (
      typeof tag !== 'string' ||
      tag.length === 0 ||
      tag.length > MAX_TAG_LENGTH ||
      !isWellFormed(tag)
    ) {
      throw new CacheConfigError(
        `A tag must be a string of 1 to ${String(MAX_TAG_LENGTH)} characters without lone surrogates; got ${typeof tag === 'string' ? `${String(tag.length)} characters` : typeof tag}.`,
      );
    }
  }
  return clean;
}

const NO_TAGS: readonly string[] = Object.freeze([]);

/** @throws CacheConfigError: one text instead of an array would be taken apart into its characters, and nobody would find the entry by it */
export function assertTags(given: unknown): asserts given is readonly string[] {
  if (!Array.isArray(given))
    throw new CacheConfigError(
      `tags must be an array of strings, such as ['account:7']; got ${describeType(given)}.`,
    );
}

/** What a callback gave; nothing means none. @throws CacheConfigError for anything but an array */
export function tagsFromCallback(given: unknown): readonly string[] {
  if (given === undefined || given === null) return NO_TAGS;
  assertTags(given);
  return given;
}

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}

const NAMESPACE_ONLY: ScopeGroups = Object.freeze({
  scope: NAMESPACE,
  groups: Object.freeze([ALL]),
});
/** One object for all, so that a backend sees at a glance that many reads need the same markers. */
const NAMESPACE_GROUPS: readonly ScopeGroups[] = Object.freeze([NAMESPACE_ONLY]);

/**
 * The groups that decide about an entry: everything in the namespace; and, in the tenant's own scope when the key has a tenant (else in the
 * namespace's), everything of the scope, the segment, and the tags. The same key and tags always give the same order.
 * @param plain the key was given as a plain string: a segment of its own, which needs no group
 */
export function groupsOf(
  key: CacheKey,
  plain: boolean,
  tags: readonly string[],
): readonly ScopeGroups[] {
  if (tags.length === 0 && key.tenant === undefined && (plain || key.segment === undefined))
    return NAMESPACE_GROUPS;
  const groups = [ALL];
  if (key.segment !== undefined && !plain) groups.push(segmentGroup(key.segment));
  for (const tag of tags) groups.push(tagGroup(tag));
  return key.tenant === undefined
    ? [{ scope: NAMESPACE, groups }]
    : [NAMESPACE_ONLY, { scope: key.tenant, groups }];
}

/** Does the invalidation name what these groups are in? */
export function touches(
  { scope, groups, match }: GroupInvalidation,
  own: readonly ScopeGroups[],
): boolean {
  const mine = own.find((candidate) => candidate.scope === scope)?.groups ?? [];
  return match === 'all'
    ? groups.every((group) => mine.includes(group))
    : groups.some((group) => mine.includes(group));
}

/** Every group of the reading exists, so that an entry can be judged by it. */
export function isComplete(scopes: readonly ScopeReading[]): boolean {
  return scopes.every((scope) => scope.clock !== undefined && !scope.markers.includes(undefined));
}

/**
 * How the invalidations known to `reading` bear on an entry that was loaded at `startTicks`. A missing marker means dead: it may have been lost
 * together with an invalidation. Guarded by the model and schedule tests (missing marker read as valid).
 */
export function validityOf(
  startTicks: readonly number[],
  request: readonly ScopeGroups[],
  reading: readonly ScopeReading[],
): Validity {
  let standing: Validity = 'current';
  for (let i = 0; i < request.length; i++) {
    const start = startTicks[i];
    const markers = reading[i]?.markers;
    if (start === undefined || markers === undefined) return 'dead';
    for (const marker of markers) {
      if (marker === undefined || marker.hard > start) return 'dead';
      if (marker.soft > start) standing = 'soft';
      if (marker.combinations.length === 0) continue;
      const combined = combinedStanding(marker, request[i]?.groups ?? [], start);
      if (combined === 'dead') return 'dead';
      if (combined === 'soft') standing = 'soft';
    }
  }
  return standing;
}

function combinedStanding(marker: Marker, groups: readonly string[], start: number): Validity {
  let standing: Validity = 'current';
  for (const combination of marker.combinations) {
    if (combination.soft <= start || !combination.groups.every((group) => groups.includes(group)))
      continue;
    if (combination.hard > start) return 'dead';
    standing = 'soft';
  }
  return standing;
}

/** The end of the longest settle window that is open for these groups, in shared time; 0 when none. */
export function settleUntil(reading: readonly ScopeReading[]): number {
  let until = 0;
  for (const scope of reading)
    for (const marker of scope.markers)
      if (marker !== undefined && marker.settleUntil > until) until = marker.settleUntil;
  return until;
}

/** Do the tags of the entry go beyond those the reading was made for? */
export function hasOtherTags(entry: Entry, tags: readonly string[]): boolean {
  return entry.tags.some((tag) => !tags.includes(tag));
}

export function unionTags(a: readonly string[], b: readonly string[]): readonly string[] {
  if (b.length === 0 || a === b) return a;
  return a.length === 0 ? b : [...new Set([...a, ...b])].sort();
}

/** Are all of these groups among the others? Both are of one key. */
export function includes(all: readonly ScopeGroups[], some: readonly ScopeGroups[]): boolean {
  return (
    all === some ||
    some.every(({ groups }, i) => groups.every((group) => all[i]?.groups.includes(group) === true))
  );
}
