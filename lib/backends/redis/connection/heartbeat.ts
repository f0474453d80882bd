import { BackendError } from '../../../ports/errors.js';
import type { Millis } from '../../../ports/time.js';
import type { RedisClient } from './client-adapter.js';
import {
  askDirectly,
  type MasterCheck,
  readServerTime,
  type TimeListener,
} from './connect-attempt.js';
import { withDeadline } from './deadline.js';
import { asError, timeoutError } from './errors.js';

const HEARTBEAT_MS = 2_000;

export interface HeartbeatParts {
  readonly timeoutMs: Millis;
  readonly timeListeners: ReadonlySet<TimeListener>;
  readonly masterCheck: MasterCheck;
  /** Monotonic: when the server last answered any command in time. */
  readonly lastReplyAt: () => Millis;
  readonly onDead: (cause: Error) => void;
}

/**
 * Finds a connection that is dead or leads to a replica while no command uses it, and keeps the
 * offset of the server's clock fresh. The client of a cluster looks after its nodes itself.
 * @returns ends it
 */
export function startHeartbeat(client: RedisClient, parts: HeartbeatParts): () => void {
  if (client.kind === 'cluster') return () => undefined;
  const { timeoutMs, timeListeners, masterCheck } = parts;
  const timer = setInterval(() => {
    const askedAt = performance.now();
    const replies = Promise.all([
      readServerTime(client, timeListeners),
      masterCheck.recheck(askDirectly(client)),
    ]);
    withDeadline(replies, timeoutMs, () => timeoutError('TIME', timeoutMs, false)).catch(
      (error: unknown) => {
        const isBusy = error instanceof BackendError && parts.lastReplyAt() > askedAt;
        if (!isBusy) parts.onDead(asError(error));
      },
    );
  }, HEARTBEAT_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
