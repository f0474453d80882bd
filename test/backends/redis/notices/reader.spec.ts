import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notice } from '../../../../lib/ports/shared-backend.js';
import { type RedisServer, startRedis, until } from '../../../support/redis.js';
import { freshNamespace, listen, type Opened } from '../open.js';

let redis: RedisServer;
let namespace: string;
const ends: (() => Promise<void>)[] = [];
beforeEach(async () => {
  redis = await startRedis();
  namespace = freshNamespace();
});
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
  await redis.stop();
});

async function hearing(noticesKept = 10_000): Promise<Opened> {
  const one = listen({ url: redis.url, commandTimeout: '2s', noticesKept }, namespace);
  ends.push(one.close);
  await until(() => one.store.isCoherent(), 'hearing');
  await until(() => one.notices.length === 1, 'the first gap');
  one.notices.length = 0;
  return one;
}
const gaps = (notices: readonly Notice[]): number =>
  notices.filter((notice) => notice.kind === 'gap').length;
const stream = (): string => `${namespace}:{~}:n`;

describe('notices', () => {
  it('reach the other users of the namespace in order, and nobody else', async () => {
    const [a, b] = [await hearing(), await hearing()];
    namespace = freshNamespace();
    const stranger = await hearing();
    await a.store.set('k', 'v', 60_000);
    await a.store.delete(['k', 'l'], 0);
    const tick = await a.store.invalidate({
      scope: '42',
      groups: ['t:b', 't:a'],
      match: 'all',
      mode: 'soft',
      settleMs: 0,
    });
    await until(() => b.notices.length === 3);
    expect(b.notices).toEqual([
      { kind: 'keys', keys: ['k'] },
      { kind: 'keys', keys: ['k', 'l'] },
      {
        kind: 'groups',
        invalidation: {
          scope: '42',
          groups: ['t:a', 't:b'],
          match: 'all',
          mode: 'soft',
          settleMs: 0,
        },
        tick,
        settleUntil: 0,
      },
    ]);
    expect([a.notices, stranger.notices]).toEqual([[], []]);
  });

  it('wake those who wait for a lease, and only when somebody waits', async () => {
    const [a, b] = [await hearing(), await hearing()];
    const lease = { key: 'k', leaseMs: 5_000 };
    await a.store.lease({ ...lease, token: 'A' });
    await a.store.fill({ key: 'k', token: 'A', payload: 'v', ttlMs: 60_000 });
    await a.store.lease({ ...lease, token: 'A' });
    await b.store.lease({ ...lease, token: 'B' });
    await a.store.release('k', 'A');
    await until(() => a.notices.length === 1 && b.notices.length === 1);
    expect([a.notices, b.notices]).toEqual([
      [{ kind: 'released', key: 'k' }],
      [{ kind: 'released', key: 'k' }],
    ]);
  });

  it('are split when they name many keys', async () => {
    const [a, b] = [await hearing(), await hearing()];
    const keys = Array.from({ length: 1_000 }, (_, i) => `${'k'.repeat(100)}${String(i)}`);
    await a.store.delete(keys, 0);
    const heard = (): readonly string[] =>
      b.notices.flatMap((notice) => (notice.kind === 'keys' ? notice.keys : []));
    await until(() => heard().length === keys.length);
    expect(new Set(heard())).toEqual(new Set(keys));
    const lengths = (
      (await redis.command('XRANGE', stream(), '-', '+')) as [string, string[]][]
    ).map(([, fields]) => fields[5]?.length ?? 0);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(8 * 1_024);
  });

  it('take away more rather than less when a combination is too large for one', async () => {
    const [a, b] = [await hearing(), await hearing()];
    const groups = Array.from({ length: 64 }, (_, i) => `t:${'x'.repeat(250)}${String(i)}`).sort();
    await a.store.invalidate({ scope: '', groups, match: 'all', mode: 'hard', settleMs: 0 });
    await until(() => b.notices.length === 1);
    expect(b.notices[0]).toMatchObject({
      kind: 'groups',
      invalidation: { match: 'any', groups: groups.slice(0, 1) },
    });
  });
});

describe('a reader that may have missed something', () => {
  it('says so after FLUSHALL, and hears again', async () => {
    const [a, b] = [await hearing(), await hearing()];
    await redis.command('FLUSHALL');
    await until(() => gaps(a.notices) > 0 && gaps(b.notices) > 0, 'the gap');
    await until(() => a.store.isCoherent() && b.store.isCoherent());
    await a.store.delete(['k'], 0);
    await until(() => b.notices.some((notice) => notice.kind === 'keys'));
  });

  it('says so when FLUSHALL is followed by new notices at once', async () => {
    const [a, b] = [await hearing(), await hearing()];
    await redis.command('FLUSHALL');
    await a.store.delete(['k'], 0);
    await until(() => gaps(b.notices) > 0, 'the gap');
  });

  it('says so when the stream was cut while it was away, and only then', async () => {
    const [a, b] = [await hearing(100), await hearing(100)];
    const cut = async (times: number): Promise<void> => {
      await redis.command('CLIENT', 'PAUSE', '1', 'WRITE');
      for (const id of await readers()) await redis.command('CLIENT', 'KILL', 'ID', id);
      await Promise.all(
        Array.from({ length: times }, (_, i) => a.store.delete([`k${String(i)}`], 0)),
      );
    };
    await cut(20);
    await until(
      () => b.notices.filter((notice) => notice.kind === 'keys').length === 20,
      'the replay',
    );
    expect(gaps(b.notices)).toBe(0);
    await cut(1_000);
    await until(
      () =>
        gaps(b.notices) > 0 ||
        b.notices.filter((notice) => notice.kind === 'keys').length === 1_020,
    );
    const keys = b.notices.filter((notice) => notice.kind === 'keys').length;
    expect(gaps(b.notices) > 0 || keys === 1_020).toBe(true);
  });

  it('says so when entries were removed from the middle', async () => {
    const [a, b] = [await hearing(), await hearing()];
    await redis.command('CLIENT', 'PAUSE', '100', 'WRITE');
    const removed = String(
      await redis.command('XADD', stream(), '*', 'p', 'x', 's', 'x', 'b', '{}'),
    );
    await redis.command('XDEL', stream(), removed);
    await a.store.delete(['k'], 0);
    await until(() => gaps(b.notices) > 0 && b.notices.some((notice) => notice.kind === 'keys'));
  });

  it('is not trusted while its link is down, and replays what was said meanwhile', async () => {
    const [a, b] = [await hearing(), await hearing()];
    for (const id of await readers()) await redis.command('CLIENT', 'KILL', 'ID', id);
    await a.store.delete(['k'], 0);
    await until(() => b.notices.length > 0 && b.store.isCoherent());
    expect(b.notices).toEqual([{ kind: 'keys', keys: ['k'] }]);
  });

  it('says so for what it cannot read', async () => {
    const one = await hearing();
    await say({ v: 1, kind: 'groups', scope: '', groups: [] });
    await until(() => gaps(one.notices) > 0);
    await until(() => one.store.isCoherent());
  });

  it('says so for a change of names that are too long to be told, and never misses one of names that are just long', async () => {
    const [a, b] = [await hearing(), await hearing()];
    const [long, tooLong] = ['%E6%BC%A2'.repeat(1_800), '%E6%BC%A2'.repeat(2_000)];
    await a.store.invalidate({
      scope: long,
      groups: [`s:${long}`],
      match: 'any',
      mode: 'hard',
      settleMs: 0,
    });
    await a.store.delete([`tenant:${long}/k`], 0);
    await until(() => b.notices.length === 2);
    expect(b.notices.map((notice) => notice.kind)).toEqual(['groups', 'keys']);
    for (const strike of [
      () =>
        a.store.invalidate({
          scope: tooLong,
          groups: ['*'],
          match: 'any',
          mode: 'hard',
          settleMs: 0,
        }),
      () =>
        a.store.invalidate({
          scope: '',
          groups: ['*', `s:${tooLong}`],
          match: 'all',
          mode: 'hard',
          settleMs: 0,
        }),
      () => a.store.delete(['k', `tenant:${tooLong}/k`], 0),
      () => a.store.set(`tenant:${tooLong}/k`, 'v', 60_000),
    ]) {
      await until(() => b.store.isCoherent());
      b.notices.length = 0;
      await strike();
      await until(() => gaps(b.notices) > 0);
    }
    expect(gaps(a.notices)).toBe(0);
    await a.store.lease({ key: `tenant:${tooLong}/l`, token: 'A', leaseMs: 5_000 });
    await a.store.release(`tenant:${tooLong}/l`, 'A');
  });

  it('says so for a notice of a newer version, which it cannot understand', async () => {
    const one = await hearing();
    await say({ v: 2, kind: 'something' });
    await until(() => gaps(one.notices) > 0);
  });
});

describe('forged notices', () => {
  it('change nothing but cause misses, however they look', async () => {
    const one = await hearing();
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '{"v":1}',
      '{"v":"1"}',
      '{"v":1,"kind":"keys"}',
      '{"v":1,"kind":"keys","keys":[1]}',
      '{"v":1,"kind":"set","key":"k","value":"x"}',
    ];
    bodies.push(
      '{"v":1,"kind":"groups","scope":"","groups":["*"],"match":"any","mode":"hard","settleMs":0,"tick":1e99,"until":0}',
      `{"v":1,"kind":"released","key":"${'x'.repeat(70_000)}"}`,
    );
    for (const body of bodies) await redis.command('XADD', stream(), '*', 'b', body, 's', 'forger');
    for (let i = 0; i < 50; i++) await redis.command('XADD', stream(), '*', 'x', 'y');
    await until(() => gaps(one.notices) > 0);
    await until(() => one.store.isCoherent(), 'hearing again');
    expect(one.notices.every((notice) => notice.kind === 'gap')).toBe(true);
    expect(gaps(one.notices)).toBeLessThanOrEqual(8);
    expect(one.problems.length).toBeLessThanOrEqual(1);
  });

  it('under another type of key are replaced', async () => {
    const one = await hearing();
    await redis.command('DEL', stream());
    await redis.command('SET', stream(), 'no stream');
    await one.store.delete(['k'], 0);
    await until(() => gaps(one.notices) > 0);
    await until(() => one.store.isCoherent());
  });
});

async function readers(): Promise<string[]> {
  const list = String(await redis.command('CLIENT', 'LIST'));
  return list
    .split('\n')
    .flatMap((line) => (line.includes('cmd=xread') ? [/id=(\d+)/.exec(line)?.[1] ?? ''] : []));
}

async function say(body: unknown): Promise<void> {
  const last = (await redis.command('XREVRANGE', stream(), '+', '-', 'COUNT', '1')) as [
    string,
    string[],
  ][];
  await redis.command(
    'XADD',
    stream(),
    '*',
    'p',
    last[0]?.[0] ?? '0',
    's',
    'somebody',
    'b',
    JSON.stringify(body),
  );
}
