import { afterEach, describe, expect, it } from 'vitest';
import { createClient } from 'redis';
import type { SharedBackend } from '../../../lib/ports/shared-backend.js';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.js';
import {
  freePort,
  type RedisServer,
  startRedis,
  startRedisOn,
  until,
} from '../../support/redis.js';
import { freshNamespace, listen, open, type Opened } from './open.js';

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function server(...args: string[]): Promise<RedisServer> {
  const redis = await startRedis(...args);
  ends.push(() => redis.stop());
  return redis;
}
async function proxyTo(redis: RedisServer): Promise<FaultProxy> {
  const proxy = await startFaultProxy(redis.port);
  ends.push(() => proxy.close());
  return proxy;
}
function opened(...args: Parameters<typeof open>): Opened {
  const one = listen(...args);
  ends.push(one.close);
  return one;
}

/** Every operation of a store and of the simple backend, each at once; how each of them ended. */
async function everything({ store, backend }: Opened): Promise<string[]> {
  const scopes = [{ scope: '', groups: ['*'] }];
  const operations: Promise<unknown>[] = [
    store.read({ key: 'k', scopes, withLease: true, text: true }),
    store.read({ key: 'k', scopes, withLease: false, text: false }, 20),
    store.lease({ key: 'k', token: 'A', leaseMs: 1_000 }),
    store.renew('k', 'A', 1_000),
    store.release('k', 'A'),
    store.fill({ key: 'k', token: 'A', payload: 'v', ttlMs: 1_000 }),
    store.set('k', 'v', 1_000),
    store.delete(['k'], 100),
    store.ensure({ scopes, keepMs: 1_000 }),
    store.invalidate({ scope: '', groups: ['*'], match: 'any', mode: 'hard', settleMs: 0 }),
    store.reclaim('', new AbortController().signal),
    backend.get('k'),
    backend.set('k', Uint8Array.of(1), 1_000),
    backend.delete('k'),
  ];
  const ended = await Promise.allSettled(operations);
  return ended.map((one) =>
    one.status === 'fulfilled' ? 'done' : String((one.reason as { code?: unknown }).code),
  );
}
const AWAY = new Set(['CACHE_BACKEND_UNAVAILABLE', 'CACHE_BACKEND_TIMEOUT']);
const allAway = (ended: readonly string[]): boolean => ended.every((one) => AWAY.has(one));
const allDone = (ended: readonly string[]): boolean => ended.every((one) => one === 'done');
const works = (store: SharedBackend): Promise<boolean> =>
  store.set('probe', 'v', 1_000).then(
    () => true,
    () => false,
  );

describe('a Redis that is away', () => {
  it('lets nothing hang and is picked up when it comes, without a restart', async () => {
    const port = await freePort();
    const one = opened({ url: `redis://127.0.0.1:${String(port)}` });
    expect(allAway(await everything(one))).toBe(true);
    await until(() => one.store.state === 'down');
    const states: string[] = [];
    one.store.onState((state) => void states.push(state));
    const redis = await startRedisOn(port);
    ends.push(() => redis.stop());
    await until(() => works(one.store), 'working again');
    expect(allDone(await everything(one))).toBe(true);
    expect(states.at(-1)).toBe('up');
    expect(one.problems.map(({ operation: during, error }) => [during, error.message])).toEqual([
      ['connect', expect.stringContaining('keeps trying')],
    ]);
    expect(one.problems[0]?.error.message).toContain('keeps trying');
  });

  it('refuses at once while it is known to be away', async () => {
    const one = opened({
      url: `redis://127.0.0.1:${String(await freePort())}`,
      commandTimeout: '20s',
    });
    await until(() => one.store.state === 'down');
    // with a deadline of 20 s a call that waited for it would fail this test by its time limit
    for (let i = 0; i < 100; i++) expect(allAway(await everything(one))).toBe(true);
  });

  it('lets nothing hang when it is killed under load, and heals with a new one', async () => {
    const redis = await server();
    const one = opened({ url: redis.url });
    await until(() => works(one.store));
    const underWay = Array.from({ length: 50 }, () => everything(one));
    await redis.kill();
    const ended = (await Promise.all(underWay)).flat();
    expect(ended.every((end) => end === 'done' || end.startsWith('CACHE_BACKEND_'))).toBe(true);
    expect(allAway(await everything(one))).toBe(true);
    await redis.restart();
    await until(() => works(one.store));
    await until(() => one.store.isCoherent(), 'hearing again');
    expect(one.notices.filter((notice) => notice.kind === 'gap').length).toBeGreaterThan(0);
  });

  it('lets nothing hang when it is frozen, refuses at once from then on, and heals', async () => {
    const redis = await server();
    const one = opened({ url: redis.url });
    await until(() => works(one.store));
    await until(() => one.store.isCoherent());
    redis.freeze();
    ends.push(() => {
      redis.thaw();
    });
    expect(allAway(await everything(one))).toBe(true);
    await until(() => one.store.state === 'down');
    expect(new Set(await everything(one))).toEqual(new Set(['CACHE_BACKEND_UNAVAILABLE']));
    await until(() => !one.store.isCoherent(), 'not trusting what is not heard');
    redis.thaw();
    await until(() => works(one.store));
    await until(() => one.store.isCoherent());
  });

  it('says that the outcome of a write without an answer is unknown, of a refused one that it is not', async () => {
    const redis = await server();
    const { store } = opened({ url: redis.url });
    await until(() => works(store));
    // Nothing of the start is under way any more: it would miss its deadline before the delete
    // does, and end the link for both.
    await until(() => store.isCoherent());
    redis.freeze();
    await expect(store.delete(['k'], 0)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_TIMEOUT',
      unknownOutcome: true,
    });
    await until(() => store.state === 'down');
    await expect(store.delete(['k'], 0)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_UNAVAILABLE',
      unknownOutcome: false,
    });
    redis.thaw();
  });
});

describe('a bad link', () => {
  for (const direction of ['to server', 'to client', 'both'] as const) {
    it(`is replaced when bytes vanish (${direction})`, async () => {
      const proxy = await proxyTo(await server());
      const one = opened({ url: proxy.url });
      await until(() => works(one.store));
      await until(() => one.store.isCoherent());
      proxy.swallow(direction);
      expect(allAway(await everything(one))).toBe(true);
      const before = proxy.accepted;
      proxy.pass();
      await until(() => works(one.store));
      await until(() => one.store.isCoherent());
      expect(proxy.accepted).toBeGreaterThan(before);
      await until(() => proxy.open === 2, 'the stuck links being closed');
    });
  }

  it('is found when nobody uses it', async () => {
    const proxy = await proxyTo(await server());
    const { store } = opened({ url: proxy.url });
    await until(() => works(store));
    proxy.swallow();
    await until(() => store.state === 'down');
  });

  for (const [name, spoil] of [
    [
      'garbage',
      (proxy: FaultProxy) => {
        proxy.garbage();
      },
    ],
    [
      'a truncated answer',
      (proxy: FaultProxy) => {
        proxy.truncate(3);
      },
    ],
    [
      'a half-closed socket',
      (proxy: FaultProxy) => {
        proxy.halfClose();
      },
    ],
    [
      'a reset',
      (proxy: FaultProxy) => {
        proxy.reset();
      },
    ],
  ] as const) {
    it(`is replaced after ${name}`, async () => {
      const proxy = await proxyTo(await server());
      const one = opened({ url: proxy.url });
      await until(() => works(one.store));
      await until(() => one.store.isCoherent());
      const connects = one.backend.status().connects;
      spoil(proxy);
      const ended = await everything(one);
      expect(ended.every((end) => end === 'done' || end.startsWith('CACHE_BACKEND_'))).toBe(true);
      await until(() => one.backend.status().connects > connects, 'a new link');
      await until(() => works(one.store));
      await until(() => one.store.isCoherent());
    });
  }

  it('that is slow within the deadline is used as it is', async () => {
    const proxy = await proxyTo(await server());
    const one = opened({ url: proxy.url, commandTimeout: '5s', connectTimeout: '10s' });
    await until(() => works(one.store));
    proxy.delay(50);
    // the one call that was given 20 ms misses them
    expect((await everything(one)).filter((ended) => ended !== 'done')).toEqual([
      'CACHE_BACKEND_TIMEOUT',
    ]);
    expect(one.backend.status().connects).toBe(1);
  });

  it('that breaks all the time is not tried more than five times a second', async () => {
    const proxy = await proxyTo(await server());
    const { store } = open({ url: proxy.url });
    ends.push(() => store.close());
    await until(() => works(store));
    proxy.refuse();
    const before = proxy.accepted;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(proxy.accepted - before).toBeLessThanOrEqual(6);
    proxy.pass();
    await until(() => works(store));
  });
});

describe('a Redis that refuses', () => {
  it('because of the password is reported once, without the password, and tried again', async () => {
    const redis = await server('--requirepass', 'right');
    for (const [url, ...hidden] of [
      [
        `redis://:s%40cret-canary@127.0.0.1:${String(redis.port)}`,
        's@cret-canary',
        's%40cret-canary',
      ],
      [`redis://127.0.0.1:${String(redis.port)}`],
    ] as const) {
      const one = opened({ url });
      await until(() => one.problems.length > 0);
      expect(allAway(await everything(one))).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      expect(one.problems.length).toBe(1);
      expect(one.problems[0]?.error.message).toMatch(/WRONGPASS|NOAUTH/);
      const shown = JSON.stringify([
        one.problems.map(({ error }) => [error.message, error.stack, error.cause]),
        one.backend.status(),
      ]);
      for (const secret of hidden) expect(shown).not.toContain(secret);
    }
    const late = opened({ url: `redis://:new-password@127.0.0.1:${String(redis.port)}` });
    await until(() => late.problems.length > 0);
    await redis.command('CONFIG', 'SET', 'requirepass', 'new-password');
    await until(() => works(late.store));
  });

  it('because its memory is full still deletes and invalidates', async () => {
    const redis = await server('--maxmemory-policy', 'noeviction');
    const one = opened({ url: redis.url });
    await until(() => works(one.store));
    await one.store.set('k', 'v', 60_000);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await expect(one.store.set('k', 'w', 60_000)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_FAILED',
    });
    await one.store.invalidate({
      scope: '',
      groups: ['t:a'],
      match: 'any',
      mode: 'hard',
      settleMs: 0,
    });
    await one.store.delete(['k'], 1_000);
    await one.backend.delete('k');
    expect(
      (await one.store.read({ key: 'k', scopes: [], withLease: false, text: true })).stored,
    ).toBeUndefined();
    expect(one.store.state).toBe('up');
  });

  it('because it has become a replica is not read any more, until it is a master again', async () => {
    const [master, replica] = await Promise.all([
      server('--repl-diskless-sync-delay', '0'),
      server(),
    ]);
    const one = opened({ url: replica.url });
    await until(() => works(one.store));
    await one.store.set('k', 'v', 60_000);
    await replica.command('REPLICAOF', '127.0.0.1', String(master.port));
    await until(
      async () =>
        String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
      'replication',
    );
    // nobody writes: the heartbeat finds it
    await until(() => one.store.state === 'down', 'the replica being noticed');
    expect(allAway(await everything(one))).toBe(true);
    expect(
      one.problems.some(({ error }) => error.message.includes('the server is a replica')),
    ).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect([one.store.state, one.store.isCoherent()]).toEqual(['down', false]);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await until(() => works(one.store));
    await until(() => one.store.isCoherent());
  });

  it.each(['is silent', 'goes on speaking'])(
    'because it has become a replica is not believed although it %s',
    async (what) => {
      const redis = await server();
      const proxy = await proxyTo(redis);
      const namespace = freshNamespace();
      const one = opened({ url: proxy.url, commandTimeout: '5s' }, namespace);
      await until(() => one.store.isCoherent());
      // a server ends the reads that wait when it becomes a replica: it must be between two of
      // them, which the slow link makes long
      proxy.delay(300);
      const waiting = async (): Promise<boolean> =>
        String(await redis.command('CLIENT', 'LIST')).includes(' flags=b');
      await until(waiting);
      await until(async () => !(await waiting()));
      await redis.command('REPLICAOF', '127.0.0.1', String(await freePort()));
      await redis.command('CONFIG', 'SET', 'replica-read-only', 'no');
      const ticks = async (count: number, each: () => void): Promise<void> => {
        for (let i = 0; i < count; i++) {
          if (what === 'goes on speaking')
            await redis.command('XADD', `${namespace}:{~}:n`, '*', 'p', '0', 's', 'x', 'b', '{}');
          each();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      // what was proven before still counts
      await ticks(70, () => undefined);
      await ticks(30, () => {
        expect(one.store.isCoherent()).toBe(false);
      });
      proxy.pass();
      await redis.command('REPLICAOF', 'NO', 'ONE');
      await until(() => one.store.isCoherent());
    },
  );

  it.each(['NOPERM', 'ERR'])('only to tell its role is used as a master (%s)', async (code) => {
    const redis = await server(...(code === 'ERR' ? ['--rename-command', 'ROLE', 'HIDDEN'] : []));
    if (code === 'NOPERM') await redis.command('ACL', 'SETUSER', 'default', '-role');
    const one = opened({ url: redis.url });
    await until(() => works(one.store));
    await until(() => one.store.isCoherent());
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect([
      one.store.state,
      one.store.isCoherent(),
      one.backend.status().connects,
      one.problems,
    ]).toEqual(['up', true, 1, []]);
  });

  it('because a script of somebody else runs too long is away, and heals', async () => {
    const redis = await server('--busy-reply-threshold', '10');
    const one = opened({ url: redis.url });
    await until(() => works(one.store));
    const other = createClient({ url: redis.url, socket: { reconnectStrategy: false } });
    other.on('error', () => undefined);
    await other.connect();
    const loop = other.sendCommand(['EVAL', 'while true do end', '0']).catch(() => undefined);
    await until(() => one.store.state === 'down', 'noticing');
    expect(allAway(await everything(one))).toBe(true);
    await redis.command('SCRIPT', 'KILL');
    await loop;
    other.destroy();
    await until(() => works(one.store));
  });

  it('because of too many clients is away, and heals', async () => {
    const redis = await server();
    await redis.command('CONFIG', 'SET', 'maxclients', '1');
    const blocker = createClient({ url: redis.url });
    await blocker.connect();
    ends.push(() => {
      blocker.destroy();
    });
    const one = opened({ url: redis.url });
    await until(() => one.store.state === 'down');
    expect(allAway(await everything(one))).toBe(true);
    await blocker.sendCommand(['CONFIG', 'SET', 'maxclients', '100']);
    await until(() => works(one.store));
  });
});

describe('a busy process', () => {
  it('does not take its own slowness for that of the server', async () => {
    const redis = await server();
    const one = opened({ url: redis.url });
    await until(() => works(one.store));
    for (let i = 0; i < 3; i++) {
      const calls = everything(one);
      const end = performance.now() + 600;
      while (performance.now() < end);
      // the one call with a deadline of its own of 20 ms may miss it
      expect((await calls).filter((ended) => ended !== 'done').length).toBeLessThanOrEqual(1);
    }
    expect(one.backend.status().connects).toBe(1);
  });
});
