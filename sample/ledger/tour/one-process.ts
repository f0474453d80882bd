import {
  coldAndHot,
  nullsAndErrors,
  postAndRead,
  statementWithEtag,
  thousandCallers,
} from './memory-steps.js';
import { startRedis } from './redis-process.js';
import { frozenRedis, hotFromRedis } from './redis-steps.js';
import type { Stage } from './stage.js';

/** One ledger with its cache in memory, then one with its cache in Redis. */
export async function visitOneProcess(stage: Stage): Promise<void> {
  stage.log('Starting the ledger with its cache in memory');
  await stage.visit([{ REDIS_URL: '' }], async ([client]) => {
    if (client === undefined) return;
    await stage.step('Cold and hot reports', () => coldAndHot(client));
    await stage.step('A thousand callers of one cold report', () => thousandCallers(client));
    await stage.step('A posting and the read after it', () => postAndRead(client));
    await stage.step('What is not there', () => nullsAndErrors(client));
    await stage.step('A statement and its ETag', () => statementWithEtag(client));
  });
  await visitWithRedis(stage);
}

async function visitWithRedis(stage: Stage): Promise<void> {
  const own = await startRedis();
  if (own !== undefined) stage.ends(() => own.stop());
  const url = own?.url ?? process.env.REDIS_URL;
  if (url === undefined || url === '')
    return stage.log(
      'No redis-server on this machine and no REDIS_URL: without the part about Redis',
    );
  stage.log('Starting the ledger with its cache in Redis');
  await stage.visit([{ REDIS_URL: url }], async ([client]) => {
    if (client === undefined) return;
    await stage.step('Reading from Redis', () => hotFromRedis(client));
    await stage.step('A posting and the read after it', () => postAndRead(client));
    // Only a Redis of our own is stopped.
    if (own !== undefined)
      await stage.step('Stopping Redis and starting it again', () => frozenRedis(client, own));
  });
}
