import type { Entry } from '../../ports/entry.js';
import { CacheConfigError } from '../../ports/errors.js';
import { encodeText, describeType } from '../key/percent-encoding.js';
import type { GroupInvalidation, Marker, ScopeGroups, ScopeReading } from '../../ports/groups.js';
import type { Millis, Tick } from '../../ports/time.js';
import type { CacheKey } from '../key/key.js';
import type { Validity } from './freshness.js';

/** The group of everything in a scope. */
export const ALL = '*';
/** The scope of the namespace; other scopes are encoded tenants, which are never empty. */
export const NAMESPACE = '';

const MAX_TAGS = 64;
/** In characters. */
export const MAX_TAG_LENGTH = 256;

export function tagGroup(tag: string): string {
  return `t:${encodeText(tag, 'a tag')}`;
}

export function segmentGroup(encodedSegment: string): string {
  return `s:${encodedSegment}`;
}

/**
 * Checks and sorts tags and removes duplicates; never keeps the caller's array.
 * @param of what the tags belong to, for the error message
 * @throws CacheConfigError (`CACHE_CONFIG`) for anything but an array of at most 64 well-formed
 * strings of 1 to 256 characters
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
      const got = typeof tag === 'string' ? `${String(tag.length)} characters` : typeof tag;
      throw new CacheConfigError(
        `A tag must be a string of 1 to ${String(MAX_TAG_LENGTH)} characters without lone ` +
          `surrogates; got ${got}.`,
      );
    }
  }
  return clean;
}

const NO_TAGS: readonly string[] = Object.freeze([]);

/**
 * A string would be split into its characters, and the entry never found by the tag that was meant.
 * @throws CacheConfigError (`CACHE_CONFIG`) for anything but an array
 */
export function assertTags(given: unknown): asserts given is readonly string[] {
  if (!Array.isArray(given))
    throw new CacheConfigError(
      `tags must be an array of strings, such as ['account:7']; got ${describeType(given)}.`,
    );
}

/**
 * The tags that a callback returned; undefined and null mean none.
 * @throws CacheConfigError (`CACHE_CONFIG`) for anything else but an array
 */
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
/** One object for all such keys, so that a batch recognizes reads that need the same markers. */
const NAMESPACE_GROUPS: readonly ScopeGroups[] = Object.freeze([NAMESPACE_ONLY]);

/**
 * The groups whose invalidation concerns an entry: everything in the namespace; then, in the scope
 * of the tenant when the key has one (else in that of the namespace), everything, the segment and
 * the tags. The same key and tags always give the same order.
 * @param isPlainString the key was given as a plain string: a segment of its own, without a group
 */
export function groupsOf(
  key: CacheKey,
  isPlainString: boolean,
  tags: readonly string[],
): readonly ScopeGroups[] {
  if (tags.length === 0 && key.tenant === undefined && (isPlainString || key.segment === undefined))
    return NAMESPACE_GROUPS;
  const groups = [ALL];
  if (key.segment !== undefined && !isPlainString) groups.push(segmentGroup(key.segment));
  for (const tag of tags) groups.push(tagGroup(tag));
  return key.tenant === undefined
    ? [{ scope: NAMESPACE, groups }]
    : [NAMESPACE_ONLY, { scope: key.tenant, groups }];
}

/** Does the invalidation concern an entry of these groups? */
export function concerns(
  { scope, groups, match }: GroupInvalidation,
  own: readonly ScopeGroups[],
): boolean {
  const mine = own.find((candidate) => candidate.scope === scope)?.groups ?? [];
  return match === 'all'
    ? groups.every((group) => mine.includes(group))
    : groups.some((group) => mine.includes(group));
}

/** Every clock and marker exists, so that an entry can be judged by the reading. */
export function isComplete(scopes: readonly ScopeReading[]): boolean {
  return scopes.every((scope) => scope.clock !== undefined && !scope.markers.includes(undefined));
}

/** The clocks of the scopes, as a production that begins now notes them. */
export function startTicksOf(scopes: readonly ScopeReading[] | undefined): readonly Tick[] {
  return scopes?.map(({ clock }) => clock ?? 0) ?? NO_TICKS;
}

const NO_TICKS: readonly Tick[] = Object.freeze([]);

/**
 * Judges an entry, whose production noted `startTicks`, by the markers of its groups. A missing
 * marker may have been lost together with an invalidation, so the entry is invalidated.
 */
export function validityOf(
  startTicks: readonly Tick[],
  request: readonly ScopeGroups[],
  reading: readonly ScopeReading[],
): Validity {
  let validity: Validity = 'valid';
  for (let i = 0; i < request.length; i++) {
    const start = startTicks[i];
    const markers = reading[i]?.markers;
    if (start === undefined || markers === undefined) return 'invalidated';
    for (const marker of markers) {
      if (marker === undefined || marker.hard > start) return 'invalidated';
      if (marker.soft > start) validity = 'soft';
      if (marker.combinations.length === 0) continue;
      const combined = validityByCombinations(marker, request[i]?.groups ?? [], start);
      if (combined === 'invalidated') return 'invalidated';
      if (combined === 'soft') validity = 'soft';
    }
  }
  return validity;
}

function validityByCombinations(marker: Marker, groups: readonly string[], start: Tick): Validity {
  let validity: Validity = 'valid';
  for (const { groups: all, hard, soft } of marker.combinations) {
    if (soft <= start || !all.every((group) => groups.includes(group))) continue;
    if (hard > start) return 'invalidated';
    validity = 'soft';
  }
  return validity;
}

/** The end of the longest settle window that these markers tell of, in shared time; 0 for none. */
export function settleUntil(reading: readonly ScopeReading[]): Millis {
  let until = 0;
  for (const { markers } of reading) {
    for (const marker of markers) {
      if (marker !== undefined && marker.settleUntil > until) until = marker.settleUntil;
    }
  }
  return until;
}

/** Does the entry have tags beyond those that were asked for? */
export function hasOtherTags(entry: Entry, tags: readonly string[]): boolean {
  return entry.tags.some((tag) => !tags.includes(tag));
}

export function unionTags(a: readonly string[], b: readonly string[]): readonly string[] {
  if (b.length === 0 || a === b) return a;
  return a.length === 0 ? b : [...new Set([...a, ...b])].sort();
}

/** Are all of these groups among the others? Both belong to the same key. */
export function includesGroups(all: readonly ScopeGroups[], some: readonly ScopeGroups[]): boolean {
  if (all === some) return true;
  return some.every(({ groups }, i) => groups.every((group) => all[i]?.groups.includes(group)));
}
