import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import type { CacheService } from '../../lib/core/cache.js';
import type { CacheOptions } from '../../lib/core/options/types.js';
import { createCache } from '../../lib/create-cache.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { freePort, type RedisServer, startRedis, startRedisOn, until } from '../support/redis.js';
import { compiled } from './compiled.js';
import { figure, quantile, scaled } from './length.js';

const PRODUCER_MS = 20;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function server(...args: string[]): Promise<RedisServer> {
  const redis = await startRedis(...args);
  endings.push(() => redis.stop());
  return redis;
}
async function proxyTo(redis: RedisServer): Promise<FaultProxy> {
  const proxy = await startFaultProxy(redis.port);
  endings.push(() => proxy.close());
  return proxy;
}
function open(url: string, options: CacheOptions = {}): CacheService {
  const cache = createCache({ backend: new RedisBackend({ url }), ...options });
  endings.push(() => cache.close());
  return cache;
}

/**
 * Calls that come all the time, of keys that are cold and of keys that are warm. Returns what each
 * took beyond its producer, in ms, sorted.
 */
async function calls(cache: CacheService, name: string, count: number): Promise<Float64Array> {
  const took = new Float64Array(count);
  await Promise.all(
    Array.from({ length: 20 }, async (_, lane) => {
      for (let i = lane; i < count; i += 20) {
        const start = performance.now();
        let produced = 0;
        const value = await cache.getOrSet(`${name}-${String(i % (count / 2))}`, async () => {
          const began = performance.now();
          await sleep(PRODUCER_MS);
          produced = performance.now() - began;
          return i % (count / 2);
        });
        expect(value).toBe(i % (count / 2));
        took[i] = performance.now() - start - produced;
      }
    }),
  );
  return took.sort();
}

/** How long until what one cache stores is what another reads: L2 is in use again. */
async function healing(cache: CacheService, since: number): Promise<number> {
  let round = 0;
  await until(async () => {
    const key = `healed-${String(round++)}`;
    await cache.getOrSet(key, () => 1);
    await cache.drain();
    return (await cache.get(key)) === 1;
  }, 'the use of Redis');
  return performance.now() - since;
}

interface Outage {
  readonly what: string;
  /**
   * Prepares what is wrong from the beginning, or makes it wrong (`strike`); `heal` puts it right.
   */
  prepare(): Promise<{ url: string; strike?: () => unknown; heal: () => unknown }>;
}

const outages: Outage[] = [
  {
    what: 'frozen (SIGSTOP)',
    async prepare() {
      const redis = await server();
      return { url: redis.url, strike: () => redis.freeze(), heal: () => redis.thaw() };
    },
  },
  {
    what: 'killed (SIGKILL)',
    async prepare() {
      const redis = await server();
      return { url: redis.url, strike: () => redis.kill(), heal: () => redis.restart() };
    },
  },
  {
    what: 'absent at the start',
    async prepare() {
      const port = await freePort();
      return {
        url: `redis://127.0.0.1:${String(port)}`,
        async heal() {
          const redis = await startRedisOn(port);
          endings.push(() => redis.stop());
        },
      };
    },
  },
  {
    what: 'refusing the password',
    async prepare() {
      const redis = await server('--requirepass', 'right');
      return {
        url: `redis://:wrong@127.0.0.1:${String(redis.port)}`,
        heal: () => redis.command('CONFIG', 'SET', 'requirepass', 'wrong'),
      };
    },
  },
  {
    what: 'behind a black hole',
    async prepare() {
      const redis = await server();
      const proxy = await proxyTo(redis);
      return { url: proxy.url, strike: () => proxy.swallow('both'), heal: () => proxy.pass() };
    },
  },
  {
    what: 'behind a black hole from the start',
    async prepare() {
      const redis = await server();
      const proxy = await proxyTo(redis);
      proxy.swallow('both');
      return { url: proxy.url, heal: () => proxy.pass() };
    },
  },
  {
    what: 'answering 400 ms late',
    async prepare() {
      const redis = await server();
      const proxy = await proxyTo(redis);
      return { url: proxy.url, strike: () => proxy.delay(400), heal: () => proxy.pass() };
    },
  },
];

describe('every call answers, and none fails, while Redis is', () => {
  it.each(outages)('$what', async ({ what, prepare }) => {
    const { url, strike, heal } = await prepare();
    const cache = open(url);
    if (strike !== undefined) {
      await calls(cache, 'before', 40);
      await strike();
    }
    const booted = performance.now();
    const first = await calls(cache, 'first', 20);
    const bootMs = performance.now() - booted;
    const during = await calls(cache, 'during', scaled(200, 2_000));
    const asked = performance.now();
    const { durable } = await cache.delete('during-1');
    const deleteMs = performance.now() - asked;
    await heal();
    const healedMs = await healing(cache, performance.now());
    await until(() => cache.stats().journal === 0, 'an empty journal');
    figure(`Redis ${what}`, {
      'first 20 calls done after ms': bootMs,
      'slowest beyond the producer, ms': Math.max(quantile(first, 1), quantile(during, 1)),
      'p99 ms': quantile(during, 0.99),
      'p50 ms': quantile(during, 0.5),
      'delete ms': deleteMs,
      'L2 used again after ms': healedMs,
    });
    expect(durable).toBe(false);
    expect(cache.stats().cache_producer_err).toBe(0);
  });
});

describe('invalidations during an outage', () => {
  it('hold here at once, are not called durable, and reach Redis before anything stored there is believed again', async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const here = open(proxy.url, { namespace: 'journal', l1: true });
    const there = open(redis.url, { namespace: 'journal' });
    const keys = Array.from({ length: 300 }, (_, i) => `key-${String(i)}`);
    const versions = new Map<string, number>();
    const load = (cache: CacheService, key: string): Promise<number> =>
      cache.getOrSet(key, () => versions.get(key) ?? 0, { tags: [`tag-${key}`], ttl: '1h' });
    await Promise.all([healing(here, 0), healing(there, 0)]);
    await until(async () => {
      await Promise.all(keys.map((key) => load(here, key)));
      await here.drain();
      return (await there.getMany(keys)).every((version) => version === 0);
    }, 'the storing of all keys');
    proxy.refuse();
    await until(async () => !(await here.delete('none')).durable, 'the loss of the connection');
    const order: string[] = [];
    here.events.on((event) => {
      if (event.type === 'journal_replayed') order.push(`replayed ${String(event.count)}`);
      if (event.type === 'backend_state') order.push(event.state);
    });
    const results = await Promise.all(
      keys.map((key, i) => {
        versions.set(key, 1);
        return i % 2 === 0 ? here.delete(key) : here.invalidate({ tags: [`tag-${key}`] });
      }),
    );
    expect(results.every(({ durable }) => !durable)).toBe(true);
    expect(await Promise.all(keys.map((key) => load(here, key)))).toEqual(keys.map(() => 1));
    // the other process still reads what nobody could tell it
    await until(async () => (await there.get('key-0')) === 0, 'the old value elsewhere');
    const healed = performance.now();
    proxy.pass();
    // reads all the time while it heals: never the old value
    const seen: number[] = [];
    await until(async () => {
      seen.push(...(await Promise.all(keys.map((key) => load(here, key)))));
      return here.stats().journal === 0;
    }, 'the replay');
    const replayMs = performance.now() - healed;
    expect(seen.every((version) => version === 1)).toBe(true);
    expect(await Promise.all(keys.map((key) => load(there, key)))).toEqual(keys.map(() => 1));
    figure('journal of 300 invalidations', { 'replayed after ms': replayMs });
    const replayed = order.findIndex((entry) => entry.startsWith('replayed'));
    expect(order.indexOf('up')).toBeGreaterThanOrEqual(0);
    expect(replayed).toBeGreaterThan(order.indexOf('up'));
  });

  it('move the whole namespace on when there were too many to keep', async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const here = open(proxy.url, { namespace: 'overflow' });
    const there = open(redis.url, { namespace: 'overflow' });
    for (let i = 0; i < 50; i++) await there.set(`key-${String(i)}`, 0, { ttl: '1h' });
    proxy.refuse();
    await until(async () => !(await here.delete('none')).durable, 'the loss of the connection');
    let overflowed = 0;
    here.events.on((event) => {
      if (event.type === 'journal_overflowed') overflowed++;
    });
    await Promise.all(Array.from({ length: 12_000 }, (_, i) => here.delete(`other-${String(i)}`)));
    expect(overflowed).toBe(1);
    expect(here.stats().journal).toBe(1);
    proxy.pass();
    await until(() => here.stats().journal === 0, 'the replay');
    expect(await there.getMany(Array.from({ length: 50 }, (_, i) => `key-${String(i)}`))).toEqual(
      new Array(50).fill(undefined),
    );
  });

  it('are repeated after a reconnection, because a promoted replica may not have had them', async () => {
    const master = await server('--repl-diskless-sync-delay', '0', '--dir', tmpdir());
    const replica = await server(
      '--repl-diskless-sync-delay',
      '0',
      '--repl-diskless-load',
      'swapdb',
      '--dir',
      tmpdir(),
    );
    await replica.command('REPLICAOF', '127.0.0.1', String(master.port));
    await until(
      async () =>
        String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
      'the replica',
    );
    const proxy = await startFaultProxy(master.port);
    const promoted = await startFaultProxy(replica.port);
    endings.push(
      () => proxy.close(),
      () => promoted.close(),
    );
    const cache = open(proxy.url, { namespace: 'failover' });
    await cache.set('row', 'old', { ttl: '1h' });
    await until(
      async () => (await replica.command('DBSIZE')) === (await master.command('DBSIZE')),
      'the copy',
    );
    // the replica hears nothing any more; the master acknowledges, and is lost
    await replica.command('REPLICAOF', 'NO', 'ONE');
    expect(await cache.delete('row')).toEqual({ durable: true });
    const failovers = open(promoted.url, { namespace: 'failover' });
    expect(await failovers.get('row')).toBe('old');
    await master.kill();
    const again = await startRedisOn(
      master.port,
      ...['--replicaof', '127.0.0.1', String(replica.port)],
      ...['--replica-read-only', 'no', '--dir', tmpdir()],
    );
    endings.push(() => again.stop());
    // it takes over with what the other had
    await until(
      async () =>
        String(await again.command('INFO', 'replication')).includes('master_link_status:up'),
      'the copy',
    );
    await again.command('REPLICAOF', 'NO', 'ONE');
    await until(async () => {
      const value = await cache.get('row');
      expect(value).not.toBe('old');
      await cache.getOrSet('probe', () => 1);
      await cache.drain();
      return (await cache.get('probe')) === 1;
    }, 'the use of Redis');
    expect(await cache.get('row')).toBe(undefined);
  });
});

describe('closing', () => {
  it.each([
    { what: 'with Redis', l1: '', strike: () => Promise.resolve() },
    { what: 'with Redis frozen', l1: '', strike: async (redis: RedisServer) => redis.freeze() },
    {
      what: 'with Redis frozen and L1',
      l1: 'l1',
      strike: async (redis: RedisServer) => redis.freeze(),
    },
    { what: 'with Redis killed and L1', l1: 'l1', strike: (redis: RedisServer) => redis.kill() },
  ])(
    'settles within two seconds, and the process ends by itself ($what)',
    async ({ what, l1, strike }) => {
      const redis = await server();
      const child = spawn(process.execPath, [compiled('closing-process.ts'), redis.url, l1], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      endings.push(() => child.kill('SIGKILL'));
      let output = '';
      child.stdout.on('data', (text: Buffer) => (output += text.toString()));
      await until(() => output.includes('ready'), 'the start of the process');
      await strike(redis);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.write('go\n');
      await until(() => output.includes('}'), 'the end of close()');
      const printed = performance.now();
      const code = await Promise.race([gone, sleep(60_000, 'still running')]);
      const result = JSON.parse(output.split('\n')[1] ?? '') as {
        durable: boolean;
        closeMs: number;
        slow: string;
        after: string;
      };
      figure(`close ${what}`, {
        'close ms': result.closeMs,
        'process gone after ms': performance.now() - printed,
      });
      expect(code).toBe(0);
      expect(result).toMatchObject({ durable: what === 'with Redis', after: 'bypass' });
      expect(result.slow).toContain('closed');
    },
  );
});
