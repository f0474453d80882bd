import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerClient } from './ledger-client.js';
import { balance, oneByOne, reports } from './memory-steps.js';
import type { RedisProcess } from './redis-process.js';
import { count, latency, milliseconds, type Row } from './table.js';

const HEALED_WITHIN = 15_000;

export async function hotFromRedis(client: LedgerClient): Promise<Row[]> {
  const paths = reports('acme');
  await oneByOne(client, paths);
  const before = await client.executed('monthly-report');
  const answers = await oneByOne(
    client,
    Array.from({ length: 500 }, (_, index) => paths[index % paths.length] ?? ''),
  );
  const produced = (await client.executed('monthly-report')) - before;
  const result = count(produced, 'production');
  return [
    {
      what: '500 reads of known reports from Redis',
      latency: latency(answers),
      result,
      good: produced === 0,
    },
  ];
}

/**
 * While Redis does not answer, calls use the database, and a posting made meanwhile is not
 * forgotten.
 */
export async function frozenRedis(client: LedgerClient, redis: RedisProcess): Promise<Row[]> {
  const before = await balance(client);
  redis.freeze();
  const answers = await oneByOne(client, reports('acme'));
  const posted = await client.post('/tenants/acme/entries', {
    account: '1001',
    amountCents: '4200',
    memo: 'Tour',
    bookedAt: '2026-01-15T12:00:00Z',
  });
  const during = await balance(client);
  redis.thaw();
  const healed = await timeUntilHit(client);
  const after = await balance(client);

  const failures = answers.filter((answer) => answer.status !== 200).length;
  const expected = before.cents + 4_200n;
  const seen = during.cents === expected && after.cents === expected;
  return [
    {
      what: 'Redis frozen: reports one by one',
      latency: latency(answers),
      result: count(failures, 'failure'),
      good: failures === 0,
    },
    {
      what: 'Redis frozen: a posting',
      latency: latency([posted]),
      result: `${posted.status}, the new balance ${seen ? 'was' : 'was NOT'} read at once and after Redis was back`,
      good: posted.status === 201 && seen,
    },
    {
      what: 'Redis back',
      latency: '',
      result:
        healed === undefined ? 'no hits within 15 s' : `hits again after ${milliseconds(healed)}`,
      good: healed !== undefined,
    },
  ];
}

async function timeUntilHit(client: LedgerClient): Promise<number | undefined> {
  const start = performance.now();
  while (performance.now() - start < HEALED_WITHIN) {
    const before = await client.executed('monthly-report');
    await client.get('/tenants/globex/reports/2026-01');
    if ((await client.executed('monthly-report')) === before) return performance.now() - start;
    await sleep(20);
  }
  return undefined;
}
