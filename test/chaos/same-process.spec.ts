import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import type { CacheOptions } from '../../lib/core/options/types.js';
import { createCache } from '../../lib/create-cache.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { Actor, type Report } from './actor.js';
import { assertNoStale, check, type Verdict } from './checker.js';
import { History } from './history.js';
import { figure, scaled, SEED } from './length.js';
import { MemorySource } from './memory-source.js';
import { World } from './world.js';

const ROWS = 48;

describe('in one process, no read that starts after an acknowledged invalidation is older than it', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it.each<[string, number, number, () => Partial<CacheOptions>]>([
    ['memory', 1_050_000, 4, () => ({})],
    [
      'memory that evicts all the time',
      100_000,
      2,
      () => ({ backend: new MemoryBackend({ maxEntries: 20 }) }),
    ],
    ['Redis', 500_000, 3, () => ({ backend: new RedisBackend({ url: redis.url }) })],
    [
      'Redis and L1',
      150_000,
      3,
      () => ({ backend: new RedisBackend({ url: redis.url }), l1: true }),
    ],
    [
      'Redis and a frozen L1',
      100_000,
      2,
      () => ({ backend: new RedisBackend({ url: redis.url }), l1: { isolation: 'freeze' } }),
    ],
  ])('%s', async (what, reads, seconds, optionsOf) => {
    const cache = createCache({ namespace: `same-${what.replaceAll(' ', '-')}`, ...optionsOf() });
    const source = new MemorySource();
    const history = new History();
    const actor = new Actor(0, cache, new World(ROWS, 1), source, history);
    const start = performance.now();
    // the short form ends by time, the long one by the number of reads
    const work = {
      users: scaled(32, 64),
      producerMs: 1,
      pauseMs: 0,
      changes: scaled(0.03, 0.01),
      failures: 0.01,
      seed: SEED,
    };
    const report = await actor.run({ ...work, ms: scaled(seconds * 1_000, 150_000), reads });
    const took = performance.now() - start;
    const verdict = check(history, () => 0);
    await cache.drain();
    figure(`same process, ${what}`, {
      reads: verdict.reads,
      stale: verdict.staleCount,
      invalidations: verdict.invalidations,
      seconds: took / 1_000,
    });
    expect(cache.stats()).toMatchObject({ flights: 0, journal: 0, background: 0 });
    await cache.close();
    expectSound(report, verdict);
  });
});

function expectSound(report: Report, verdict: Verdict): void {
  assertNoStale(verdict);
  expect(report).toMatchObject({ failed: 0, foreign: 0, errors: [] });
  expect(verdict.invalidations).toBeGreaterThan(100);
}
