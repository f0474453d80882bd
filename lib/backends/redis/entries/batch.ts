import type { Millis } from '../../../ports/time.js';
import type { ReplyHandler } from '../connection/client-adapter.js';
import type { Connection } from '../connection/connection.js';
import { startDeadline } from '../connection/deadline.js';
import { timeoutError } from '../connection/errors.js';
import type { NoticePublisher } from '../notices/publisher.js';
import type { RedisKeys } from './redis-keys.js';
import type { ScriptRunner } from './script-runner.js';

/** What the parts of a namespace share. */
export interface NamespaceParts {
  readonly connection: Connection;
  readonly names: RedisKeys;
  readonly scripts: ScriptRunner;
  readonly publisher: NoticePublisher;
  /** Given the server's time of an answer and how long the answer took. */
  readonly learnTime: (serverMs: Millis, roundTripMs: Millis) => void;
}

/** A request that waits for the end of the tick, then for its answer. */
export interface Pending<Request, Reply> {
  readonly request: Request;
  /** Infinity: as long as the link allows. */
  readonly timeoutMs: Millis;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

type Deadlined = Pick<Pending<never, never>, 'timeoutMs' | 'reject'>;

/** The deadline of a command that answers all of them; undefined for that of the link. */
export function commandDeadline(
  pending: readonly Deadlined[],
  commandTimeout: Millis,
): Millis | undefined {
  let longest = 0;
  for (const { timeoutMs } of pending) if (timeoutMs > longest) longest = timeoutMs;
  // not below the deadline of a command, so that missing it says something about the link
  return longest === Infinity ? undefined : Math.max(longest, commandTimeout);
}

/**
 * Rejects requests whose own deadline is shorter than that of a command, by one timer for all of
 * them.
 * @param write they take effect all the same when they arrive
 * @returns to be called when they have been answered
 */
export function rejectLate(
  pending: readonly Deadlined[],
  commandTimeout: Millis,
  name: string,
  write = false,
): () => void {
  let cancel: () => void = () => undefined;
  const arm = (elapsed: Millis): void => {
    let next = Infinity;
    for (const { timeoutMs } of pending)
      if (timeoutMs > elapsed && timeoutMs < next) next = timeoutMs;
    if (next >= commandTimeout) return;
    cancel = startDeadline(next - elapsed, () => {
      for (const { timeoutMs, reject } of pending)
        if (timeoutMs <= next) reject(timeoutError(name, timeoutMs, write));
      arm(next);
    });
  };
  arm(0);
  return () => {
    cancel();
  };
}

/** A number of milliseconds that Redis takes: whole, at least 1. */
export function wholeMs(ms: Millis): string {
  return String(Math.max(1, Math.ceil(ms)));
}

/** Scripts handle at most this many requests, so that none blocks the server for long. */
export const MAX_REQUESTS_PER_SCRIPT = 200;

/** Slices of at most `max`; the list itself when it is short enough. */
export function inChunks<T>(list: readonly T[], max: number): readonly (readonly T[])[] {
  if (list.length <= max) return list.length === 0 ? [] : [list];
  const chunks: T[][] = [];
  for (let i = 0; i < list.length; i += max) chunks.push(list.slice(i, i + max));
  return chunks;
}

/** For a script that answers all of them; `settle` gives each its part of the reply. */
export function settleAll<Item extends { readonly reject: (error: unknown) => void }>(
  items: readonly Item[],
  settle: (item: Item, reply: unknown) => void,
): ReplyHandler {
  return {
    resolve: (replies) => {
      const list: readonly unknown[] = Array.isArray(replies) ? replies : [];
      for (let i = 0; i < items.length; i++) settle(items[i] as Item, list[i]);
    },
    reject: (error) => {
      for (const { reject } of items) reject(error);
    },
  };
}
