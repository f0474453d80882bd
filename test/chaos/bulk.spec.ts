import { afterEach, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { createCache } from '../../lib/create-cache.js';
import { startRedis, until } from '../support/redis.js';
import { figure, scaled } from './length.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function warm() {
  const redis = await startRedis();
  endings.push(() => redis.stop());
  const backend = new RedisBackend({ url: redis.url });
  const cache = createCache({ backend, ttl: '1h' });
  endings.push(() => cache.close());
  await until(async () => (await cache.set('precious', 1)).durable);
  return { backend, cache };
}
const keys = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `customer-${String(i)}-profile`);

describe('a bulk call on a healthy Redis keeps the link, is done to the last key, and leaves nothing in the journal', () => {
  it('when it sets', async () => {
    const { backend, cache } = await warm();
    const all = keys(scaled(3_000, 20_000));
    const began = performance.now();
    expect(await cache.setMany(all.map((key) => [key, 1] as const))).toEqual({ durable: true });
    figure(`setMany of ${String(all.length)}`, { ms: performance.now() - began });
    expect([await cache.get(all.at(-1) ?? ''), await cache.get('precious')]).toEqual([1, 1]);
    expect([cache.stats().journal, backend.status().connects]).toEqual([0, 1]);
  });

  it('when it produces', async () => {
    const { backend, cache } = await warm();
    const all = keys(scaled(3_000, 20_000));
    const began = performance.now();
    const results = await cache.getOrSetMany(all, (missing) => missing.map(() => 1));
    await cache.drain();
    figure(`getOrSetMany of ${String(all.length)}`, { ms: performance.now() - began });
    expect(results.every(({ status }) => status === 'fulfilled')).toBe(true);
    expect([cache.stats().cache_fills, backend.status().connects]).toEqual([all.length, 1]);
  });

  it('when it deletes', async () => {
    const { backend, cache } = await warm();
    const all = keys(150_000);
    const began = performance.now();
    expect(await cache.deleteMany(all)).toEqual({ durable: true });
    figure(`deleteMany of ${String(all.length)}`, { ms: performance.now() - began });
    expect(await cache.get('precious')).toBe(1);
    expect([cache.stats().journal, backend.status().connects]).toEqual([0, 1]);
  });
});
