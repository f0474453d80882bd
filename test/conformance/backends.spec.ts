import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import { systemClock } from '../../lib/clock.js';
import type { CacheBackend } from '../../lib/ports/backend.js';
import { RedisBackend } from '../../lib/redis.js';
import { describeBackend, describeSharedBackend, FakeClock } from '../../lib/testing.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { SimulatedLink } from '../support/simulated-backend.js';
import { SimulatedServer } from '../support/simulated-server.js';

const report = (): void => undefined;

describe('memory', () => {
  const clock = new FakeClock();
  const wait = (ms: number) => clock.advance(ms);
  describeBackend({
    describe,
    it,
    name: 'MemoryBackend',
    open: () => new MemoryBackend({ clock }),
    canDelete: true,
    wait,
  });
});

describe('Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  describeBackend({
    describe,
    it,
    name: 'RedisBackend',
    open: () => new RedisBackend({ url: redis.url, commandTimeout: '2s' }),
    canDelete: true,
  });

  const backends: RedisBackend[] = [];
  describeSharedBackend({
    describe,
    it,
    name: 'RedisBackend',
    open: (namespace) => {
      // each user of the namespace with connections of its own, as in processes of their own
      const backend = new RedisBackend({ url: redis.url, commandTimeout: '2s' });
      backends.push(backend);
      return backend.openShared({ namespace, clock: systemClock, report });
    },
    close: () => Promise.all(backends.splice(0).map((backend) => backend.close())),
  });
});

describe('the backend that the schedules simulate', () => {
  const clock = new FakeClock();
  describe.each([
    ['one server', false],
    ['a cluster', true],
  ])('as %s', (name, scattered) => {
    const servers = new Map<string, SimulatedServer>();
    let links = 0;
    describeSharedBackend({
      describe,
      it,
      name: `SimulatedLink of ${name}`,
      open: (namespace) => {
        const server = servers.get(namespace) ?? new SimulatedServer(clock);
        servers.set(namespace, server);
        const step = (): Promise<void> => Promise.resolve();
        return new SimulatedLink(server, `p${String(++links)}`, step, () => 'answered', scattered);
      },
      wait: (ms) => clock.advance(ms),
    });
  });
});

/** What the documentation shows as a backend of one's own. */
class MapBackend implements CacheBackend {
  readonly #kept = new Map<string, { bytes: Uint8Array; until: number }>();
  constructor(readonly now: () => number = Date.now) {}
  async get(key: string): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.until > this.now() ? Uint8Array.from(kept.bytes) : undefined;
  }
  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    this.#kept.set(key, { bytes: Uint8Array.from(bytes), until: this.now() + ttlMs });
  }
}

describe('a backend of two methods', () => {
  describeBackend({ describe, it, name: 'MapBackend', open: () => new MapBackend(), ttlMs: 40 });
});

/** Runs the suite as another runner would, and says which of its tests fail. */
async function failures(
  open: () => CacheBackend,
  wait: (ms: number) => Promise<unknown>,
  canDelete = false,
): Promise<string[]> {
  const tests: { title: string; body: () => Promise<void> }[] = [];
  const runner = {
    describe: (_title: string, body: () => void) => body(),
    it: (title: string, body: () => Promise<void>) => void tests.push({ title, body }),
  };
  describeBackend({ ...runner, name: 'broken', open, wait, canDelete });
  const failed: string[] = [];
  for (const { title, body } of tests) await body().catch(() => failed.push(title));
  return failed;
}

describe('the conformance suite', () => {
  const clock = new FakeClock();
  const wait = (ms: number) => clock.advance(ms);
  const now = () => clock.now();

  it.each<[string, () => CacheBackend, string]>([
    [
      'ignores the time',
      () => new MapBackend(() => 0),
      'forgets a value when its time is over, and not before',
    ],
    [
      'takes milliseconds for seconds',
      () => {
        const map = new MapBackend(now);
        return {
          get: (key) => map.get(key),
          set: (key, bytes, ttlMs) => map.set(key, bytes, ttlMs * 1_000),
        };
      },
      'forgets a value when its time is over, and not before',
    ],
    [
      'keeps text instead of bytes',
      () => {
        const map = new MapBackend(now);
        return {
          get: (key) => map.get(key),
          set: (key, bytes, ttlMs) =>
            map.set(key, Buffer.from(Buffer.from(bytes).toString()), ttlMs),
        };
      },
      'gives back the bytes that were set, whatever they are',
    ],
    [
      'shares its bytes with callers',
      () => {
        const kept = new Map<string, Uint8Array>();
        return {
          get: async (key) => kept.get(key),
          set: async (key, bytes) => kept.set(key, bytes),
        };
      },
      'keeps its own copy of what it was given and gives out',
    ],
    [
      'cuts keys',
      () => {
        const map = new MapBackend(now);
        return {
          get: (key) => map.get(key.slice(0, 250)),
          set: (key, bytes, ttlMs) => map.set(key.slice(0, 50), bytes, ttlMs),
        };
      },
      'takes keys as they are, and never one for another',
    ],
    [
      'has a delete that nobody tests',
      () => {
        const map = new MapBackend(now);
        return {
          get: (key) => map.get(key),
          set: (key, bytes, ttlMs) => map.set(key, bytes, ttlMs),
          delete: async () => undefined,
        };
      },
      'says that it cannot delete, by having no such method',
    ],
  ])('catches a backend that %s', async (_title, open, test) => {
    expect(await failures(open, wait)).toContain(test);
  });

  it('catches a delete that does nothing', async () => {
    const map = new MapBackend(now);
    const open = (): CacheBackend => ({
      get: (key) => map.get(key),
      set: (key, bytes, ttlMs) => map.set(key, bytes, ttlMs),
      delete: async () => undefined,
    });
    expect(await failures(open, wait, true)).toEqual([
      'has nothing under a key that was deleted, and takes it again',
    ]);
  });
});
