import { BackendError } from '../../../ports/errors.js';
import {
  isTagGroup,
  MIN_MARKER_TTL_MS,
  MIN_TAG_MARKER_TTL_MS,
  type GroupInvalidation,
  type Marker,
  type MarkerCombination,
  type ScopeGroups,
  type ScopeReading,
} from '../../../ports/groups.js';
import type { EnsureRequest } from '../../../ports/shared-backend.js';
import type { Millis, Tick } from '../../../ports/time.js';
import { openGroupBodies } from '../notices/message.js';
import { commandDeadline, type NamespaceParts, type Pending, rejectLate } from './batch.js';
import { ENSURE, INVALIDATE } from './scripts.js';

/*
 * How a marker is written in Redis. First line: `HARD` alone (the common case), or
 * `HARD SOFT SETTLE_UNTIL`. Each further line is a combination: `HARD SOFT GROUP GROUP...`. All
 * numbers are whole and decimal. The scripts read and write the same format.
 */

/** With more combinations in one marker, its first tag is invalidated, which takes away more. */
const MAX_COMBINATIONS = 32;

export type PendingEnsure = Pending<EnsureRequest, readonly ScopeReading[]>;

/** All that requests ask of one scope. */
export interface MergedScope {
  /** The position of each group. */
  readonly groups: Map<string, number>;
  /** By position: how long to keep the marker of a tag; 0 for the others. */
  readonly tagMs: Millis[];
  keepMs: Millis;
}

export function mergeScopes(requests: readonly EnsureRequest[]): Map<string, MergedScope> {
  const merged = new Map<string, MergedScope>();
  for (const { scopes, keepMs } of requests)
    for (const { scope, groups } of scopes) {
      let known = merged.get(scope);
      if (known === undefined)
        merged.set(scope, (known = { groups: new Map(), tagMs: [], keepMs }));
      if (keepMs > known.keepMs) known.keepMs = keepMs;
      for (const group of groups) {
        const at = known.groups.get(group) ?? known.groups.size;
        known.groups.set(group, at);
        known.tagMs[at] = isTagGroup(group) ? Math.max(keepMs, known.tagMs[at] ?? 1) : 0;
      }
    }
  return merged;
}

/** How long to keep at least, and how long what is made or prolonged; then the tags' own times. */
export function keepArgs({ keepMs, tagMs }: MergedScope): readonly [string, string, string] {
  const least = Math.ceil(Math.max(keepMs, MIN_MARKER_TTL_MS));
  return [String(least), String(least * 2), tagMs.map((ms) => Math.ceil(ms)).join(' ')];
}

/** One script for each scope that any of them asks for. */
export function sendEnsures(parts: NamespaceParts, pending: readonly PendingEnsure[]): void {
  const { commandTimeout } = parts.connection;
  const timeoutMs = commandDeadline(pending, commandTimeout);
  const cancel = rejectLate(pending, commandTimeout, 'ensure');
  const merged = mergeScopes(pending.map(({ request }) => request));
  const replies = new Map<string, Promise<ScopeReading>>();
  for (const [scope, wanted] of merged)
    replies.set(scope, ensureScope(parts, scope, wanted, timeoutMs));
  const readingOf = async ({ scope, groups }: ScopeGroups): Promise<ScopeReading> => {
    const reading = await replies.get(scope);
    const positions = merged.get(scope)?.groups;
    return {
      clock: reading?.clock,
      markers: groups.map((group) => reading?.markers[positions?.get(group) ?? -1]),
    };
  };
  for (const { request, resolve, reject } of pending)
    Promise.all(request.scopes.map(readingOf)).finally(cancel).then(resolve, reject);
}

async function ensureScope(
  { names, scripts, learnTime }: NamespaceParts,
  scope: string,
  wanted: MergedScope,
  timeoutMs: Millis | undefined,
): Promise<ScopeReading> {
  const keys = [names.clock(scope)];
  for (const group of wanted.groups.keys()) keys.push(names.marker(scope, group));
  const sentAt = performance.now();
  const how = timeoutMs === undefined ? {} : { timeoutMs };
  const reply = texts(await scripts.run(ENSURE, keys, keepArgs(wanted), how));
  learnTime(Number(reply[0]), performance.now() - sentAt);
  return { clock: parseTick(reply[1]), markers: reply.slice(2).map(parseMarker) };
}

/** When the last of their settle windows ends; 0 when there is none. */
export function latestSettleWindow(readings: readonly ScopeReading[]): Millis {
  let latest = 0;
  for (const { markers } of readings)
    for (const marker of markers) latest = Math.max(latest, marker?.settleUntil ?? 0);
  return latest;
}

export async function invalidate(
  parts: NamespaceParts,
  invalidation: GroupInvalidation,
): Promise<Tick> {
  const { names, publisher } = parts;
  const { scope, match, mode, settleMs } = invalidation;
  const groups = [...new Set(invalidation.groups)].sort();
  const combined = match === 'all' && groups.length > 1;
  const targets = combined ? groups.slice(0, 1) : groups;
  const heads = openGroupBodies({
    ...invalidation,
    groups,
    match: combined ? 'all' : 'any',
    settleMs: Math.ceil(settleMs),
  });
  const tagMs = Math.max(Math.ceil(settleMs), MIN_TAG_MARKER_TTL_MS);
  const sentAt = performance.now();
  const reply = texts(
    await parts.scripts.run(
      INVALIDATE,
      [
        names.clock(scope),
        ...targets.map((group) => names.marker(scope, group)),
        ...publisher.scriptKeys,
      ],
      [
        ...publisher.scriptArgs,
        String(targets.length),
        mode,
        String(Math.ceil(settleMs)),
        targets.map((group) => (isTagGroup(group) ? tagMs : MIN_MARKER_TTL_MS)).join(' '),
        combined ? groups.join(' ') : '',
        String(MAX_COMBINATIONS),
        ...heads,
      ],
    ),
  );
  parts.learnTime(Number(reply[0]), performance.now() - sentAt);
  const tick = parseTick(reply[1]);
  if (tick === undefined)
    throw new BackendError(
      'FAILED',
      `Redis answered invalidate with ${JSON.stringify(reply)} where a tick was expected.`,
      {
        unknownOutcome: true,
      },
    );
  await publisher.publishAfter(
    heads.map((head) => `${head}${String(reply[1])},"until":${String(reply[2])}}`),
  );
  return tick;
}

function texts(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

const NONE: readonly MarkerCombination[] = Object.freeze([]);
const PLAIN = /^\d{1,16}$/;
const HEAD = /^(\d{1,16}) (\d{1,16}) (\d{1,16})$/;
const COMBINATION = /^(\d{1,16}) (\d{1,16})((?: [^ ]+)+)$/;

/** Undefined when there is no marker, or none that can be read: both make entries miss. */
export function parseMarker(text: string | undefined): Marker | undefined {
  if (text === undefined) return undefined;
  if (PLAIN.test(text)) {
    const hard = Number(text);
    return Number.isSafeInteger(hard)
      ? { hard, soft: hard, settleUntil: 0, combinations: NONE }
      : undefined;
  }
  return parseLong(text);
}

function parseLong(text: string): Marker | undefined {
  const [first = '', ...rest] = text.split('\n');
  const head = PLAIN.test(first) ? [first, first, first, '0'] : HEAD.exec(first);
  if (head === null) return undefined;
  const [hard, soft, settleUntil] = [Number(head[1]), Number(head[2]), Number(head[3])];
  if (![hard, soft, settleUntil].every(Number.isSafeInteger) || soft < hard) return undefined;
  const combinations: MarkerCombination[] = [];
  for (const line of rest) {
    const combination = parseCombination(line);
    if (combination === undefined) return undefined;
    combinations.push(combination);
  }
  return { hard, soft, settleUntil, combinations };
}

function parseCombination(line: string): MarkerCombination | undefined {
  const match = COMBINATION.exec(line);
  if (match === null) return undefined;
  const [hard, soft] = [Number(match[1]), Number(match[2])];
  if (!Number.isSafeInteger(hard) || !Number.isSafeInteger(soft) || soft < hard) return undefined;
  return { hard, soft, groups: (match[3] ?? '').slice(1).split(' ') };
}

/** A tick as the scripts write it; undefined when there is none, or none that can be read. */
export function parseTick(text: string | undefined): Tick | undefined {
  if (text === undefined || !PLAIN.test(text)) return undefined;
  const tick = Number(text);
  return Number.isSafeInteger(tick) ? tick : undefined;
}
