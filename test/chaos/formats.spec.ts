import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { createCache } from '../../lib/create-cache.js';
import { createClient } from 'redis';
import { type RedisServer, startRedis } from '../support/redis.js';
import { assertNoStale } from './checker.js';
import { Fleet } from './fleet.js';
import { figure, scaled, SEED } from './length.js';
import { below, seeded } from './random.js';

const ROWS = 32;

describe('bytes in Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('are read by two deployments with two codecs at once: no call fails, no value is wrong', async () => {
    const fleet = await Fleet.start(4);
    try {
      await fleet.open(ROWS, (index) => ({
        url: redis.url,
        cache: { namespace: 'codecs', codec: index < 2 ? 'json' : 'cbor', l1: index % 2 === 1 },
      }));
      const reports = await fleet.all<'run'>(() => ({
        do: 'run',
        work: {
          ms: scaled(2_000, 30_000),
          users: 10,
          producerMs: 4,
          pauseMs: 4,
          changes: 0.05,
          failures: 0,
          seed: SEED,
        },
      }));
      const verdict = await fleet.check(() => 250);
      const states = await fleet.all<'state'>(() => ({ do: 'state' }));
      await fleet.all<'close'>(() => ({ do: 'close' }));
      figure('two codecs at once', {
        reads: verdict.reads,
        stale: verdict.staleCount,
        failed: reports.reduce((sum, { failed }) => sum + failed, 0),
        wrong: reports.reduce((sum, { foreign }) => sum + foreign, 0),
        corrupt: states.reduce((sum, { stats }) => sum + stats.cache_corrupt, 0),
      });
      assertNoStale(verdict);
      for (const report of reports)
        expect(report).toMatchObject({ failed: 0, foreign: 0, errors: [] });
      for (const { stats } of states) expect(stats.cache_corrupt).toBe(0);
      expect(fleet.unhandled).toEqual([]);
    } finally {
      await fleet.stop();
    }
  });

  it.each(['json', 'cbor'] as const)(
    'that are corrupt or foreign are a miss with an event, and are replaced (%s)',
    async (codec) => {
      const namespace = `corrupt-${codec}`;
      const cache = createCache({
        backend: new RedisBackend({ url: redis.url }),
        namespace,
        codec,
        ttl: '1h',
      });
      const other = createCache({
        backend: new RedisBackend({ url: redis.url }),
        namespace,
        codec,
        ttl: '1h',
      });
      const raw = createClient({ url: redis.url });
      raw.on('error', () => undefined);
      await raw.connect();
      try {
        const random = seeded(SEED);
        const value = { rows: [1, 'two', new Date(3), { four: null }], text: 'x'.repeat(50) };
        await other.set('swapped', { rows: 'of another key' });
        await cache.set('key', value);
        const whole = Buffer.from(
          await raw.sendCommand<string>(['GET', `${namespace}:{segment:key}`]),
          'latin1',
        );
        const name = `${namespace}:{segment:key}`;
        const swapped = await raw.sendCommand<string>(['GET', `${namespace}:{segment:swapped}`]);
        expect(whole.length).toBeGreaterThan(50);
        let corrupt = 0;
        cache.events.on((event) => {
          if (event.type === 'corrupt') corrupt++;
        });
        const foreign: (string | Buffer)[] = [
          '',
          '{',
          'null',
          '[1,2',
          'not ours',
          Buffer.alloc(1),
          Buffer.alloc(4_096, 0xff),
          Buffer.from([0xbf, 0x61]),
          swapped,
        ];
        let wrong = 0;
        for (const bytes of foreign) {
          const before = corrupt;
          await raw.sendCommand(['SET', name, bytes, 'PX', '3600000']);
          expect(await cache.get('key')).toBe(undefined);
          if (bytes.length > 0) expect(corrupt).toBeGreaterThan(before);
          expect(await cache.getOrSet('key', () => value)).toEqual(value);
          await cache.drain();
          expect(await other.get('key')).toEqual(value);
        }
        // flipped bits: whatever comes back must be a miss, or be a value and not throw; a flip
        // inside the value's own bytes cannot be told
        const flips = scaled(300, 10_000);
        let misses = 0;
        const pristine = (await raw
          .withTypeMapping({ 36: Buffer })
          .sendCommand(['GET', name])) as unknown as Buffer;
        for (let i = 0; i < flips; i++) {
          const bytes = Buffer.from(pristine);
          const at = below(random, bytes.length);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
          await raw.sendCommand(['SET', name, bytes, 'PX', '3600000']);
          const seen = await cache.get('key').catch(() => wrong++);
          if (seen === undefined) misses++;
        }
        figure(`corrupt bytes, ${codec}`, {
          foreign: foreign.length,
          'bit flips': flips,
          misses,
          thrown: wrong,
        });
        expect(wrong).toBe(0);
        await raw.sendCommand(['SET', name, pristine, 'PX', '3600000']);
        expect(await cache.get('key')).toEqual(value);
        expect(await cache.getOrSet('key', () => value)).toBeDefined();
        expect(cache.stats().cache_producer_err).toBe(0);
      } finally {
        raw.destroy();
        await Promise.all([cache.close(), other.close()]);
      }
    },
  );
});
