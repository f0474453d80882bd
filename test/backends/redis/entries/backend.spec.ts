import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Payload } from '../../../../lib/ports/codec.js';
import type { GroupInvalidation, Marker } from '../../../../lib/ports/groups.js';
import type {
  LeaseRequest,
  ReadRequest,
  SharedBackend,
} from '../../../../lib/ports/shared-backend.js';
import { type RedisServer, startRedis, until } from '../../../support/redis.js';
import { freshNamespace, listen, open } from '../open.js';

let redis: RedisServer;
const ends: (() => Promise<void>)[] = [];
function fresh(namespace = freshNamespace()): SharedBackend {
  const opened = open({ url: redis.url, commandTimeout: '2s' }, namespace);
  ends.push(opened.close);
  return opened.store;
}

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  await redis.stop();
});

const plain = (key: string, more: Partial<ReadRequest> = {}): ReadRequest => ({
  key,
  scopes: [],
  withLease: false,
  text: true,
  ...more,
});
const lease = (key: string, token: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  key,
  token,
  leaseMs: 5_000,
  ...more,
});
const hard = (groups: string[], more: Partial<GroupInvalidation> = {}): GroupInvalidation => ({
  scope: '',
  groups,
  match: 'any',
  mode: 'hard',
  settleMs: 0,
  ...more,
});

describe('reading', () => {
  it('gives value, clock, markers and lease as they are', async () => {
    const store = fresh();
    await store.lease(lease('a', 'L1'));
    const scopes = [{ scope: '', groups: ['*', 't:x'] }];
    const [made] = await store.ensure({ scopes, keepMs: 1_000 });
    const reading = await store.read(
      plain('a', { scopes: [{ scope: '', groups: ['*', 't:none'] }], withLease: true }),
    );
    expect(reading).toEqual({
      stored: undefined,
      scopes: [{ clock: made?.clock, markers: [made?.markers[0], undefined] }],
      lease: 'L1',
    });
  });

  it('answers each of many reads of one tick with its own value, markers read once', async () => {
    const store = fresh();
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => store.set(`k${String(i)}`, `v${String(i)}`, 60_000)),
    );
    await store.ensure({ scopes: [{ scope: '', groups: ['*'] }], keepMs: 1_000 });
    await redis.command('CONFIG', 'RESETSTAT');
    const readings = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        store.read(plain(`k${String(i)}`, { scopes: [{ scope: '', groups: ['*'] }] })),
      ),
    );
    expect(readings.map((reading) => reading.stored)).toEqual(
      Array.from({ length: 300 }, (_, i) => `v${String(i)}`),
    );
    expect(readings.every((reading) => reading.scopes[0]?.markers[0] !== undefined)).toBe(true);
    const stats = String(await redis.command('INFO', 'commandstats'));
    expect(Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1])).toBeLessThanOrEqual(4);
  });

  it('gives bytes that are no text unharmed, whatever was expected', async () => {
    const store = fresh();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await store.set('b', bytes, 60_000);
    for (const text of [true, false])
      expect(Buffer.compare((await store.read(plain('b', { text }))).stored as Buffer, bytes)).toBe(
        0,
      );
  });

  it('gives text with U+FFFD and non-Latin letters as what was stored', async () => {
    const store = fresh();
    const text = 'äß 日本 🂡 \uFFFD \uFEFF end';
    await store.set('t', text, 60_000);
    expect((await store.read(plain('t'))).stored).toBe(text);
    await store.set('u', text.replace('\uFFFD', ''), 60_000);
    expect((await store.read(plain('u'))).stored).toBe(text.replace('\uFFFD', ''));
  });

  it('gives large values as text or bytes as they are, also among small ones', async () => {
    const store = fresh();
    const values: Payload[] = [];
    for (let i = 0; i < 60; i++)
      values.push(
        i % 3 === 0
          ? `small ${String(i)}`
          : i % 3 === 1
            ? 'é'.repeat(60_000 + i)
            : Buffer.alloc(100_000 + i, 255),
      );
    await Promise.all(values.map((value, i) => store.set(`k${String(i)}`, value, 60_000)));
    for (let round = 0; round < 3; round++) {
      const stored = await Promise.all(
        values.map(async (_, i) => (await store.read(plain(`k${String(i)}`))).stored),
      );
      expect(
        stored.every((value, i) =>
          typeof value === 'string'
            ? value === values[i]
            : Buffer.compare(Buffer.from(value ?? ''), Buffer.from(values[i] ?? '')) === 0,
        ),
      ).toBe(true);
      expect(stored.map((value) => typeof value)).toEqual(values.map((value) => typeof value));
    }
  });

  it('treats markers and clocks that cannot be read as missing, and makes them anew', async () => {
    const namespace = freshNamespace();
    const store = fresh(namespace);
    const scopes = [{ scope: '', groups: ['t:x', 't:y'] }];
    await redis.command('SET', `${namespace}:{~}:m:t:x`, '5 garbage');
    await redis.command('LPUSH', `${namespace}:{~}:m:t:y`, 'a list');
    await redis.command('SET', `${namespace}:{~}:c`, '-1');
    expect((await store.read(plain('a', { scopes }))).scopes[0]).toEqual({
      clock: undefined,
      markers: [undefined, undefined],
    });
    const [made] = await store.ensure({ scopes, keepMs: 1_000 });
    expect(made?.clock).toBeGreaterThan(1e15);
    expect(made?.markers.map((marker) => marker?.hard)).toEqual([made?.clock, made?.clock]);
  });
});

describe('leases', () => {
  it('gives one of two the lease and tells the other how long it lasts', async () => {
    const [a, b] = [fresh('two'), fresh('two')];
    const got = await Promise.all([a.lease(lease('k', 'A')), b.lease(lease('k', 'B'))]);
    expect(got.map((one) => one.state).sort()).toEqual(['held', 'leased']);
    const held = got.find((one) => one.state === 'held');
    expect(held?.state === 'held' && held.remainingMs > 4_000 && held.remainingMs <= 5_000).toBe(
      true,
    );
  });

  it('fills only with the lease that is still held', async () => {
    const store = fresh();
    await store.lease(lease('k', 'A'));
    expect(await store.fill({ key: 'k', token: 'B', payload: 'wrong', ttlMs: 1_000 })).toEqual({
      stored: false,
      settleUntil: 0,
    });
    expect(await store.fill({ key: 'k', token: 'A', payload: 'right', ttlMs: 60_000 })).toEqual({
      stored: true,
    });
    expect(await store.fill({ key: 'k', token: 'A', payload: 'again', ttlMs: 60_000 })).toEqual({
      stored: false,
      settleUntil: 0,
    });
    expect(await store.read(plain('k', { withLease: true }))).toEqual({
      stored: 'right',
      scopes: [],
      lease: undefined,
    });
  });

  it('refuses the fill after a delete, a set, a release and an expired lease', async () => {
    const store = fresh();
    const ends: Record<string, () => Promise<unknown>> = {
      delete: () => store.delete(['k'], 0),
      set: () => store.set('k', 'newer', 60_000),
      release: () => store.release('k', 'A'),
      expiry: () => new Promise((resolve) => setTimeout(resolve, 30)),
    };
    for (const [name, end] of Object.entries(ends)) {
      await store.delete(['k'], 0);
      await store.lease(lease('k', 'A', { leaseMs: name === 'expiry' ? 10 : 5_000 }));
      await end();
      expect(
        await store.fill({ key: 'k', token: 'A', payload: 'old', ttlMs: 60_000 }),
        name,
      ).toEqual({ stored: false, settleUntil: 0 });
      expect((await store.read(plain('k'))).stored, name).toBe(
        name === 'set' ? 'newer' : undefined,
      );
    }
  });

  it('takes over the lease that was overtaken, and no other one', async () => {
    const store = fresh();
    await store.lease(lease('k', 'A'));
    expect(await store.lease(lease('k', 'B', { overtaken: 'Z' }))).toMatchObject({
      state: 'held',
      token: 'A',
    });
    expect((await store.lease(lease('k', 'B', { overtaken: 'A' }))).state).toBe('leased');
    expect(await store.fill({ key: 'k', token: 'A', payload: 'late', ttlMs: 1_000 })).toEqual({
      stored: false,
      settleUntil: 0,
    });
  });

  it('renews only its own lease', async () => {
    const store = fresh();
    await store.lease(lease('k', 'A', { leaseMs: 50 }));
    expect(await store.renew('k', 'A', 60_000)).toBe(true);
    expect(await store.renew('k', 'B', 60_000)).toBe(false);
    expect(await store.lease(lease('k', 'C'))).toMatchObject({ state: 'held', token: 'A' });
  });

  it('tells loads that start in the settle window of a delete', async () => {
    const store = fresh();
    await store.delete(['k'], 5_000);
    const leased = await store.lease(lease('k', 'A'));
    expect(leased.state === 'leased' && leased.settleUntil - store.now()).toBeGreaterThan(4_000);
    await store.delete(['k'], 10);
    const again = await store.lease(lease('k', 'B'));
    expect(again.state === 'leased' && again.settleUntil - store.now()).toBeGreaterThan(3_000);
  });
});

describe('groups', () => {
  it('moves markers strictly forward, whatever is there', async () => {
    const store = fresh();
    const [first] = await store.ensure({ scopes: [{ scope: '', groups: ['t:a'] }], keepMs: 1_000 });
    const ticks = [
      await store.invalidate(hard(['t:a'])),
      await store.invalidate(hard(['t:a', 't:b'])),
    ];
    expect(ticks[0]).toBeGreaterThan(first?.clock ?? Infinity);
    expect(ticks[1]).toBeGreaterThan(ticks[0] ?? Infinity);
    const [after] = await store.ensure({
      scopes: [{ scope: '', groups: ['t:a', 't:b', 't:c'] }],
      keepMs: 1_000,
    });
    expect(after?.clock).toBe(ticks[1]);
    // a marker that was never there is as the clock is, not older
    expect(after?.markers.map((marker) => marker?.hard)).toEqual([ticks[1], ticks[1], ticks[1]]);
  });

  it('starts above everything it gave out when the clock was lost, or was set ahead', async () => {
    const namespace = freshNamespace();
    const store = fresh(namespace);
    const before = await store.invalidate(hard(['t:a']));
    await redis.command('DEL', `${namespace}:{~}:c`);
    expect(await store.invalidate(hard(['t:a']))).toBeGreaterThan(before);
    await redis.command('SET', `${namespace}:{~}:c`, '9007199254740000');
    expect(await store.invalidate(hard(['t:a']))).toBe(9_007_199_254_740_001);
    await redis.command('DEL', `${namespace}:{~}:c`);
    expect(await store.invalidate(hard(['t:a']))).toBe(9_007_199_254_740_002);
  });

  it('keeps soft and hard apart, and never takes a hard invalidation back', async () => {
    const store = fresh();
    const [made] = await store.ensure({ scopes: [{ scope: '', groups: ['t:a'] }], keepMs: 1_000 });
    const soft = await store.invalidate(hard(['t:a'], { mode: 'soft' }));
    const read = async (): Promise<unknown> =>
      (await store.read(plain('k', { scopes: [{ scope: '', groups: ['t:a'] }] }))).scopes[0]
        ?.markers[0];
    expect(await read()).toEqual({ hard: made?.clock, soft, settleUntil: 0, combinations: [] });
    const stronger = await store.invalidate(hard(['t:a']));
    const weaker = await store.invalidate(hard(['t:a'], { mode: 'soft' }));
    expect(await read()).toEqual({
      hard: stronger,
      soft: weaker,
      settleUntil: 0,
      combinations: [],
    });
  });

  it('lets a soft invalidation of a lost marker not revive what was hard invalidated before', async () => {
    const namespace = freshNamespace();
    const store = fresh(namespace);
    const tick = await store.invalidate(hard(['t:a']));
    await redis.command('DEL', `${namespace}:{~}:m:t:a`);
    await store.invalidate(hard(['t:a'], { mode: 'soft' }));
    const [reading] = await store.ensure({
      scopes: [{ scope: '', groups: ['t:a'] }],
      keepMs: 1_000,
    });
    expect(reading?.markers[0]?.hard).toBeGreaterThanOrEqual(tick);
  });

  it('keeps combinations at the first of their groups, one per set, and a bounded number', async () => {
    const store = fresh();
    const scopes = [{ scope: '', groups: ['t:a', 't:b'] }];
    await store.ensure({ scopes, keepMs: 1_000 });
    const one = await store.invalidate(hard(['t:b', 't:a'], { match: 'all', mode: 'soft' }));
    const read = async (): Promise<readonly (Marker | undefined)[]> =>
      (await store.read(plain('k', { scopes }))).scopes[0]?.markers ?? [];
    expect((await read())[0]?.combinations).toEqual([
      { groups: ['t:a', 't:b'], hard: 0, soft: one },
    ]);
    const two = await store.invalidate(hard(['t:a', 't:b'], { match: 'all' }));
    expect((await read())[0]?.combinations).toEqual([
      { groups: ['t:a', 't:b'], hard: two, soft: two },
    ]);
    expect((await read())[1]?.combinations).toEqual([]);
    let last = two;
    for (let i = 0; i < 32; i++)
      last = await store.invalidate(
        hard(['t:a', `t:z${String(i)}`], { match: 'all', mode: 'soft' }),
      );
    expect((await read())[0]).toEqual({ hard: two, soft: last, settleUntil: 0, combinations: [] });
  });

  it('keeps the longest settle window', async () => {
    const store = fresh();
    await store.invalidate(hard(['t:a'], { settleMs: 60_000 }));
    await store.invalidate(hard(['t:a'], { settleMs: 10 }));
    const [reading] = await store.ensure({
      scopes: [{ scope: '', groups: ['t:a'] }],
      keepMs: 1_000,
    });
    expect((reading?.markers[0]?.settleUntil ?? 0) - store.now()).toBeGreaterThan(50_000);
  });

  it('keeps scopes apart', async () => {
    const store = fresh();
    const scopes = [
      { scope: '', groups: ['t:a'] },
      { scope: '42', groups: ['t:a'] },
    ];
    const before = await store.ensure({ scopes, keepMs: 1_000 });
    const tick = await store.invalidate(hard(['t:a'], { scope: '42' }));
    const after = await store.ensure({ scopes, keepMs: 1_000 });
    expect(after[0]).toEqual(before[0]);
    expect(after[1]?.clock).toBe(tick);
  });

  it('lets markers live longer than the entries they guard, and not for ever', async () => {
    const namespace = freshNamespace();
    const store = fresh(namespace);
    const days = 86_400_000;
    const left = async (name: string): Promise<number> =>
      Number(await redis.command('PTTL', `${namespace}:{~}:${name}`));
    await store.ensure({ scopes: [{ scope: '', groups: ['t:a'] }], keepMs: 10 * days });
    await store.invalidate(hard(['t:a', 't:b']));
    await store.ensure({ scopes: [{ scope: '', groups: ['t:a'] }], keepMs: 1_000 });
    expect(await left('m:t:a')).toBeGreaterThan(9.9 * days);
    expect(await left('c')).toBeGreaterThan(10 * days);
    expect(await left('m:t:b')).toBeLessThanOrEqual(3_000);
    await store.ensure({ scopes: [{ scope: '', groups: ['t:b'] }], keepMs: 30 * days });
    expect(await left('m:t:b')).toBeGreaterThan(29 * days);
    expect(await left('m:t:b')).toBeLessThanOrEqual(30 * days);
  });

  it('keeps the marker of each tag as long as its own entry, and others for a day', async () => {
    const namespace = freshNamespace();
    const store = fresh(namespace);
    const left = async (name: string): Promise<number> =>
      Number(await redis.command('PTTL', `${namespace}:{~}:${name}`));
    await Promise.all([
      store.ensure({ scopes: [{ scope: '', groups: ['*', 't:a'] }], keepMs: 20_000 }),
      store.ensure({ scopes: [{ scope: '', groups: ['*', 's:s', 't:b'] }], keepMs: 3_600_000 }),
    ]);
    expect(await left('m:t:a')).toBeLessThanOrEqual(20_000);
    expect(await left('m:t:b')).toBeGreaterThan(3_000_000);
    for (const name of ['c', 'm:*', 'm:s:s'])
      expect(await left(name)).toBeGreaterThan(47 * 3_600_000);
    await store.invalidate({ ...hard(['t:c']), settleMs: 60_000 });
    expect(await left('m:t:c')).toBeGreaterThan(50_000);
  });
});

describe('deleting and sweeping', () => {
  it('deletes hundreds of keys with their leases', async () => {
    const store = fresh();
    const keys = Array.from({ length: 450 }, (_, i) => `k${String(i)}`);
    await Promise.all(keys.map((key) => store.set(key, 'v', 60_000)));
    await store.lease(lease('k449', 'A'));
    await store.delete(keys, 0);
    const left = await Promise.all(keys.map((key) => store.read(plain(key, { withLease: true }))));
    expect(
      left.every((reading) => reading.stored === undefined && reading.lease === undefined),
    ).toBe(true);
  });

  it('sweeps exactly the values of a scope', async () => {
    const namespace = freshNamespace();
    const store = fresh(namespace);
    const other = fresh(`${namespace}2`);
    const glob = 'a%2A*?[b]^-\\';
    for (const key of ['tenant:42/x', 'tenant:42/y', 'tenant:421/x', 'free', `tenant:${glob}/x`])
      await store.set(key, 'v', 60_000);
    await other.set('tenant:42/x', 'v', 60_000);
    await store.ensure({ scopes: [{ scope: '42', groups: ['*'] }], keepMs: 1_000 });
    await store.lease(lease('tenant:42/x', 'A'));
    expect(await store.reclaim(glob, new AbortController().signal)).toBe(1);
    expect(await store.reclaim('42', new AbortController().signal)).toBe(2);
    expect((await store.read(plain('tenant:421/x'))).stored).toBe('v');
    expect(await store.reclaim('', new AbortController().signal)).toBe(2);
    const reading = await store.read(
      plain('tenant:42/x', { scopes: [{ scope: '42', groups: ['*'] }], withLease: true }),
    );
    expect(reading.lease).toBe('A');
    expect(reading.scopes[0]?.markers[0]).toBeDefined();
    expect((await other.read(plain('tenant:42/x'))).stored).toBe('v');
  });

  it('sweeps a large namespace in steps and stops on request', async () => {
    const store = fresh();
    await Promise.all(
      Array.from({ length: 5_000 }, (_, i) => store.set(`k${String(i)}`, 'v', 60_000)),
    );
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort();
    }, 30);
    const some = await store.reclaim('', stop.signal);
    expect(some).toBeLessThan(5_000);
    expect(some + (await store.reclaim('', new AbortController().signal))).toBe(5_000);
  });
});

describe('scripts', () => {
  it('go on after the server forgot them', async () => {
    const store = fresh();
    await store.lease(lease('k', 'A'));
    await redis.command('SCRIPT', 'FLUSH');
    expect(await store.fill({ key: 'k', token: 'A', payload: 'v', ttlMs: 60_000 })).toEqual({
      stored: true,
    });
  });
});

describe('shared time', () => {
  it('follows the server within the length of a round trip', async () => {
    const store = fresh();
    const asked = performance.now();
    await store.ensure({ scopes: [{ scope: '', groups: [] }], keepMs: 1_000 });
    const roundTrip = performance.now() - asked;
    const before = store.now();
    const [seconds, micros] = (await redis.command('TIME')) as [string, string];
    const time = Number(seconds) * 1_000 + Number(micros) / 1_000;
    expect(time).toBeGreaterThan(before - roundTrip - 1);
    expect(time).toBeLessThan(store.now() + roundTrip + 1);
  });
});

describe('simple use', () => {
  it('keeps bytes for milliseconds and removes them', async () => {
    const { backend, close } = listen({ url: redis.url, commandTimeout: '2s' });
    ends.push(close);
    await backend.set('simple', Uint8Array.of(0, 255, 128), 60_000);
    expect([...((await backend.get('simple')) ?? [])]).toEqual([0, 255, 128]);
    await backend.delete('simple');
    expect(await backend.get('simple')).toBeUndefined();
    await backend.set('simple', Uint8Array.of(1), 30);
    await until(async () => (await backend.get('simple')) === undefined, 'the expiry');
    await expect(backend.set('simple', Uint8Array.of(1), 0.5)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
    });
  });
});
