import type { EnsureRequest, FillReply, FillRequest } from '../../../ports/shared-backend.js';
import type { Argument } from '../connection/client-adapter.js';
import { releasedBody } from '../notices/message.js';
import {
  MAX_REQUESTS_PER_SCRIPT,
  type NamespaceParts,
  type Pending,
  settleAll,
  wholeMs,
} from './batch.js';
import { keepArgs, mergeScopes } from './markers.js';
import { toArgument } from './payload.js';
import { FILL, FILL_AND_ENSURE } from './scripts.js';

/** A script carries at most this much, unless a single value is larger. */
const MAX_BYTES_PER_SCRIPT = 128 * 1024;
/** Larger values gain nothing from travelling together. */
const LARGE_BYTES = 16 * 1024;

export type PendingFill = Pending<FillRequest, FillReply>;

/** In a cluster `ensure` must have been done before: markers live in other slots. */
export function sendFills(parts: NamespaceParts, pending: readonly PendingFill[]): void {
  const max = parts.connection.kind === 'cluster' ? 1 : MAX_REQUESTS_PER_SCRIPT;
  let batch: PendingFill[] = [];
  let bytes = 0;
  for (const fill of pending) {
    const size = fill.request.payload.length;
    if (size >= LARGE_BYTES) {
      sendFillScript(parts, [fill]);
      continue;
    }
    if (batch.length >= max || bytes + size > MAX_BYTES_PER_SCRIPT) {
      sendFillScript(parts, batch);
      batch = [];
      bytes = 0;
    }
    batch.push(fill);
    bytes += size;
  }
  if (batch.length > 0) sendFillScript(parts, batch);
}

function sendFillScript(parts: NamespaceParts, fills: readonly PendingFill[]): void {
  const { names, scripts, publisher } = parts;
  const keys: string[] = [];
  const args: Argument[] = [...publisher.scriptArgs, String(fills.length)];
  const ensures: EnsureRequest[] = [];
  for (const { request } of fills) if (request.ensure !== undefined) ensures.push(request.ensure);
  const positionOf = ensures.length === 0 ? undefined : addScopes(parts, ensures, keys, args);
  for (const { request } of fills) {
    const { key, token, payload, ttlMs } = request;
    keys.push(names.value(key), names.lease(key), names.waiters(key));
    const check = positionOf === undefined ? '' : settleCheck(request, positionOf);
    args.push(token, releasedBody(key), toArgument(payload), wholeMs(ttlMs), check);
  }
  keys.push(...publisher.scriptKeys);
  const script = positionOf === undefined ? FILL : FILL_AND_ENSURE;
  const onReply = settleAll(fills, ({ request, resolve }, state) => {
    if (state === 1 || state === 2) resolve({ stored: true });
    else resolve({ stored: false, settleUntil: Number(state) });
    // the value is stored; waiters who are not notified poll
    if (state === 2) publisher.publish([releasedBody(request.key)]).catch(() => undefined);
  });
  scripts.runTo(onReply, script, keys, args);
}

type PositionOf = (scope: string, group: string) => number;

/** Adds each clock and marker once. @returns where a marker stands in KEYS, from 1 */
function addScopes(
  { names }: NamespaceParts,
  ensures: readonly EnsureRequest[],
  keys: string[],
  args: Argument[],
): PositionOf {
  const merged = mergeScopes(ensures);
  const starts = new Map<string, number>();
  args.push(String(merged.size));
  for (const [scope, wanted] of merged) {
    const { groups } = wanted;
    keys.push(names.clock(scope));
    starts.set(scope, keys.length + 1);
    for (const group of groups.keys()) keys.push(names.marker(scope, group));
    args.push(String(groups.size + 1), ...keepArgs(wanted));
  }
  return (scope, group) =>
    (starts.get(scope) ?? NaN) + (merged.get(scope)?.groups.get(group) ?? NaN);
}

/** The last argument of an item of FILL_AND_ENSURE. */
function settleCheck(
  { ensure, refuseIfSettlingAfter: moment }: FillRequest,
  positionOf: PositionOf,
): string {
  if (ensure === undefined || moment === undefined) return '';
  let check = String(Math.max(0, Math.floor(moment)));
  for (const { scope, groups } of ensure.scopes)
    for (const group of groups) check += ` ${String(positionOf(scope, group))}`;
  return check;
}
