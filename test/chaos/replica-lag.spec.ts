import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis.js';
import { Fleet } from './fleet.js';
import { figure, scaled } from './length.js';

const LAG_MS = 300;
const SETTLE_MS = 600;

describe('a database replica that lags 300 ms behind', () => {
  let redis: RedisServer;
  let fleet: Fleet;
  beforeAll(async () => {
    [redis, fleet] = await Promise.all([startRedis(), Fleet.start(2)]);
  });
  afterAll(async () => {
    await Promise.all([redis.stop(), fleet.stop()]);
  });

  it.each([
    { how: 'by key', settle: SETTLE_MS },
    { how: 'by tag', settle: SETTLE_MS },
    { how: 'by tag, without a window', settle: 0 },
  ])('leaves nothing old stored beyond the settle window ($how)', async ({ how, settle }) => {
    const rows = Array.from({ length: 40 }, (_, i) => i).filter((row) => row % 4 === 1);
    await fleet.open(40, () => ({
      url: redis.url,
      cache: { namespace: how, l1: true, replicaLag: settle },
    }));
    const load = (): Promise<unknown> =>
      fleet.all<'burst'>(() => ({
        do: 'burst',
        rows,
        callers: 1,
        producerMs: 5,
        at: 0,
        lagMs: LAG_MS,
      }));
    let old = 0;
    let looked = 0;
    const rounds = scaled(1, 10);
    for (let round = 0; round < rounds; round++) {
      await load();
      const versions = await fleet.database.write(rows);
      const [writer] = fleet.workers;
      if (how === 'by key')
        for (const row of rows) await writer?.tell<'delete'>({ do: 'delete', row });
      else
        await writer?.tell<'invalidate'>({
          do: 'invalidate',
          request: { tenant: 'north', tags: ['a0', 'a1', 'a2'] },
        });
      // reads the replica while it still lags, in the window, again and again
      for (let i = 0; i < 4; i++) {
        await load();
        await sleep(50);
      }
      await sleep(SETTLE_MS + 50);
      for (const seen of await fleet.all<'look'>(() => ({ do: 'look', rows }))) {
        seen.forEach((version, i) => {
          looked++;
          if (version !== undefined && version < (versions[i] ?? 0)) old++;
        });
      }
    }
    await fleet.all<'close'>(() => ({ do: 'close' }));
    figure(`replica ${String(LAG_MS)} ms behind, settle ${String(settle)} ms (${how})`, {
      'old beyond the window': old,
      looked,
    });
    // without the window the same run must find old values, or it would prove nothing
    if (settle > 0) expect(old).toBe(0);
    else expect(old).toBeGreaterThan(0);
  });
});
