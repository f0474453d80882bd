import { BackendError } from '../../../ports/errors.js';
import type { LeaseReply, LeaseRequest } from '../../../ports/shared-backend.js';
import type { Millis } from '../../../ports/time.js';
import { releasedBody } from '../notices/message.js';
import {
  commandDeadline,
  inChunks,
  MAX_REQUESTS_PER_SCRIPT,
  type NamespaceParts,
  type Pending,
  rejectLate,
  settleAll,
  wholeMs,
} from './batch.js';
import { LEASE, RELEASE, RENEW } from './scripts.js';

export type PendingLease = Pending<LeaseRequest, LeaseReply>;
export type PendingRenewal = Pending<
  { readonly key: string; readonly token: string; readonly leaseMs: Millis },
  boolean
>;
export type PendingRelease = Pending<{ readonly key: string; readonly token: string }, void>;

/** In a cluster each lease has a slot of its own, and travels alone. */
function maxPerScript({ connection }: NamespaceParts): number {
  return connection.kind === 'cluster' ? 1 : MAX_REQUESTS_PER_SCRIPT;
}

/**
 * @param onRepeat called with leases that are requested once more, because the server did not know
 * the script: what was sent after them arrived before them
 */
export function sendLeases(
  parts: NamespaceParts,
  pending: readonly PendingLease[],
  onRepeat: (leases: readonly PendingLease[]) => void,
): void {
  for (const chunk of inChunks(pending, maxPerScript(parts)))
    sendLeaseScript(parts, chunk, onRepeat);
}

function sendLeaseScript(
  parts: NamespaceParts,
  leases: readonly PendingLease[],
  onRepeat: (leases: readonly PendingLease[]) => void,
): void {
  const { connection, names, scripts } = parts;
  const keys: string[] = [];
  const args: string[] = [];
  for (const { request } of leases) {
    const { key, token, leaseMs, overtaken = '' } = request;
    keys.push(names.lease(key), names.waiters(key), names.settle(key));
    args.push(token, wholeMs(leaseMs), overtaken);
  }
  const sentAt = performance.now();
  const cancel = rejectLate(leases, connection.commandTimeout, 'lease', true);
  const timeoutMs = commandDeadline(leases, connection.commandTimeout);
  const repeat = (): void => {
    onRepeat(leases);
  };
  const onReply = {
    resolve: (replies: unknown) => {
      cancel();
      const list: readonly unknown[] = Array.isArray(replies) ? replies : [];
      const now = Number(list[0]);
      if (list.length > 0) parts.learnTime(now, performance.now() - sentAt);
      for (let i = 0; i < leases.length; i++)
        settleLease(leases[i] as PendingLease, list[i + 1], now);
    },
    reject: (error: unknown) => {
      cancel();
      for (const { reject } of leases) reject(error);
    },
  };
  scripts.runTo(onReply, LEASE, keys, args, { timeoutMs, onRepeat: repeat });
}

function settleLease({ resolve, reject }: PendingLease, state: unknown, now: Millis): void {
  if (typeof state === 'number')
    resolve({ state: 'leased', settleUntil: state > 0 ? now + state : 0 });
  else if (Array.isArray(state))
    resolve({ state: 'held', token: String(state[0]), remainingMs: Number(state[1]) });
  else
    reject(
      new BackendError('FAILED', `Redis answered lease with ${JSON.stringify(state)}.`, {
        unknownOutcome: true,
      }),
    );
}

export function sendRenewals(parts: NamespaceParts, pending: readonly PendingRenewal[]): void {
  for (const renewals of inChunks(pending, maxPerScript(parts))) {
    const keys: string[] = [];
    const args: string[] = [];
    for (const { request } of renewals) {
      keys.push(parts.names.lease(request.key));
      args.push(request.token, wholeMs(request.leaseMs));
    }
    const onReply = settleAll(renewals, ({ resolve }, held) => {
      resolve(held === 1);
    });
    parts.scripts.runTo(onReply, RENEW, keys, args);
  }
}

export function sendReleases(parts: NamespaceParts, pending: readonly PendingRelease[]): void {
  const { names, scripts, publisher } = parts;
  for (const releases of inChunks(pending, maxPerScript(parts))) {
    const keys: string[] = [];
    const args = [...publisher.scriptArgs];
    for (const { request } of releases) {
      keys.push(names.lease(request.key), names.waiters(request.key));
      args.push(request.token, releasedBody(request.key));
    }
    keys.push(...publisher.scriptKeys);
    const onReply = settleAll(releases, ({ request, resolve, reject }, waited) => {
      if (waited !== 1) resolve();
      else
        publisher.publish([releasedBody(request.key)]).then(() => {
          resolve();
        }, reject);
    });
    scripts.runTo(onReply, RELEASE, keys, args);
  }
}
