import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../../lib/backends/redis/redis-backend.js';
import type { CacheService } from '../../../lib/core/cache.js';
import { createCache } from '../../../lib/create-cache.js';
import { type CommandCounter, countCommands } from '../../support/count-commands.js';
import { countPromises } from '../../support/count-promises.js';
import { type RedisServer, startRedis } from '../../support/redis.js';

let server: RedisServer;
let counter: CommandCounter;
let redis: CacheService;
let n = 0;
const fresh = () => `fresh-${String(n++)}`;
const value = () => 1;

beforeAll(async () => {
  server = await startRedis();
  counter = await countCommands(server.port);
  redis = createCache({ backend: new RedisBackend({ url: counter.url }), jitter: 0 });
  // Connects, loads the scripts, and makes the markers that all calls need.
  for (let i = 0; i < 10; i++) {
    await redis.getOrSet(fresh(), value);
    await redis.getOrSet(fresh(), value, { tags: [fresh()], resultTags: () => [fresh()] });
  }
  await redis.set('stored', 1);
  await redis.invalidate({ tags: ['first'] });
  await redis.delete('nothing');
  await redis.drain();
});
afterAll(async () => {
  await redis.close();
  await counter.close();
  await server.stop();
});

/** Other work of the process counts too, so the median of several counts is the call's own. */
async function promisesOf(call: () => unknown): Promise<number> {
  const counts: number[] = [];
  for (let i = 0; i < 7; i++) counts.push(await countPromises(call, { warmCalls: 20 }));
  return counts.sort((a, b) => a - b)[3] ?? Infinity;
}

describe('the promises of a call', () => {
  it('are its answer alone for a hit in memory', async () => {
    const cache = createCache({ jitter: 0 });
    await cache.set('stored', 1);
    expect(await promisesOf(() => cache.getOrSet('stored', value))).toBeLessThanOrEqual(1);
    await cache.close();
  });

  it('are at most ten for a miss in memory: today those of the flight, the producer and the answer', async () => {
    const cache = createCache({ jitter: 0 });
    expect(await promisesOf(() => cache.getOrSet(fresh(), value))).toBeLessThanOrEqual(4);
    await cache.close();
  });

  it('are five for a hit in Redis, those of the client and of the answer included', async () => {
    expect(await promisesOf(() => redis.getOrSet('stored', value))).toBeLessThanOrEqual(5);
  });

  it('are 26 for a miss in Redis: four commands, each with a promise of the client', async () => {
    expect(await promisesOf(() => redis.getOrSet(fresh(), value))).toBeLessThanOrEqual(26);
    await redis.drain();
  });
});

describe('the commands and round trips of an operation', () => {
  const costOf = (work: () => Promise<unknown>) =>
    counter.count(async () => {
      await work();
      await redis.drain();
    });

  const newTag = () => ({ tags: [fresh()] });

  it.each<[string, () => Promise<unknown>, string[], number]>([
    ['a hit', () => redis.getOrSet('stored', value), ['MGET'], 1],
    ['a get', () => redis.get('stored'), ['MGET'], 1],
    [
      'a miss: lookup; lease and second lookup; fill',
      () => redis.getOrSet(fresh(), value),
      ['MGET', 'EVALSHA', 'MGET', 'EVALSHA'],
      3,
    ],
    [
      'a miss with a new tag, whose marker is made together with the lease',
      () => redis.getOrSet(fresh(), value, newTag()),
      ['MGET', 'EVALSHA', 'EVALSHA', 'MGET', 'EVALSHA'],
      3,
    ],
    [
      'a miss with a new tag of its result, whose marker is made by the fill',
      () => redis.getOrSet(fresh(), value, { resultTags: () => [fresh()] }),
      ['MGET', 'EVALSHA', 'MGET', 'EVALSHA'],
      3,
    ],
    ['a set', () => redis.set('other', 1), ['EVALSHA', 'EVALSHA'], 2],
    ['a set with a new tag', () => redis.set('other', 1, newTag()), ['EVALSHA', 'EVALSHA'], 2],
    ['a delete', () => redis.delete('other'), ['EVALSHA'], 1],
    ['an invalidation', () => redis.invalidate({ tags: ['first'] }), ['EVALSHA'], 1],
    [
      '64 misses of 64 keys in one tick',
      () => Promise.all(Array.from({ length: 64 }, () => redis.getOrSet(fresh(), value))),
      ['MGET', 'EVALSHA', 'MGET', 'EVALSHA'],
      3,
    ],
    [
      '64 misses of one key in one tick',
      () => {
        const key = fresh();
        return Promise.all(Array.from({ length: 64 }, () => redis.getOrSet(key, value)));
      },
      ['MGET', 'EVALSHA', 'MGET', 'EVALSHA'],
      3,
    ],
  ])('are as pinned for %s', async (_, work, commands, roundTrips) => {
    expect(await costOf(work)).toEqual({ commands, roundTrips });
  });
});

describe('the bytes of an entry in Redis', () => {
  it('are at most 96 more than those of the encoded value alone, under the same key', async () => {
    const text = 'x'.repeat(198);
    await redis.set('sized', text, { ttl: '1h' });
    const key = 'cache:{segment:sized}';
    const plain = key.replace('sized', 'plain');
    await server.command('SET', plain, JSON.stringify(text), 'PX', '3600000');
    const [entry, value] = [key, plain].map((name) =>
      server.command('MEMORY', 'USAGE', name).then(Number),
    );
    expect(((await entry) ?? Infinity) - ((await value) ?? 0)).toBeLessThanOrEqual(96);
    expect(Number(await server.command('STRLEN', key)) - (text.length + 2)).toBeLessThanOrEqual(93);
  });
});
