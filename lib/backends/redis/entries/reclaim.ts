import type { Connection } from '../connection/connection.js';
import { withDeadline } from '../connection/deadline.js';
import { unavailableError, timeoutError, toBackendError } from '../connection/errors.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisClient } from '../connection/client-adapter.js';

const NAMES_PER_STEP = 1_000;
const PAUSE_MS = 20;

/**
 * Removes the values of a scope on every node, a thousand names at a time with a pause in between.
 * @returns how many were removed
 */
export async function reclaim(
  connection: Connection,
  names: RedisKeys,
  scope: string,
  signal: AbortSignal,
): Promise<number> {
  const { client } = connection;
  if (client === undefined || !connection.connected)
    throw unavailableError('reclaim', 'the connection is down.');
  let removed = 0;
  try {
    for (const node of await client.nodes()) {
      if (signal.aborted) break;
      removed += await reclaimNode(node, connection, names, scope, signal);
    }
  } catch (error) {
    throw toBackendError(error, 'reclaim', true);
  }
  return removed;
}

async function reclaimNode(
  node: RedisClient,
  connection: Connection,
  names: RedisKeys,
  scope: string,
  signal: AbortSignal,
): Promise<number> {
  const ms = connection.commandTimeout;
  const ask = (args: string[]): Promise<unknown> =>
    withDeadline(node.send('', args, 'text', false), ms, () =>
      timeoutError(args[0] ?? '', ms, true),
    );
  const pattern = names.valuesPattern(scope);
  let removed = 0;
  let cursor = '0';
  do {
    const reply = (await ask([
      'SCAN',
      cursor,
      'MATCH',
      pattern,
      'COUNT',
      String(NAMES_PER_STEP),
    ])) as [unknown, unknown[]];
    cursor = String(reply[0]);
    const found = reply[1].map(String);
    // one command for each name: in a cluster each may be in another slot
    const counts =
      node === connection.client
        ? [found.length === 0 ? 0 : await ask(['UNLINK', ...found])]
        : await Promise.all(found.map((name) => ask(['UNLINK', name])));
    for (const count of counts) removed += Number(count);
    if (cursor !== '0') await pause(PAUSE_MS);
  } while (cursor !== '0' && !signal.aborted);
  return removed;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
