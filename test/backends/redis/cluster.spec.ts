import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCluster } from 'redis';
import { slotOf } from '../../../lib/backends/redis/entries/redis-keys.js';
import type { RedisBackendOptions } from '../../../lib/redis.js';
import { type RedisCluster, startRedisCluster, until } from '../../support/redis.js';
import { freshNamespace, listen, open, type Opened } from './open.js';

let cluster: RedisCluster;
const ends: (() => Promise<unknown>)[] = [];
const rootNodes = (): { url: string }[] => cluster.nodes.map(({ url }) => ({ url }));
async function ready(options: RedisBackendOptions, namespace = freshNamespace()): Promise<Opened> {
  const one = listen({ commandTimeout: '1s', connectTimeout: '3s', ...options }, namespace);
  ends.push(one.close);
  await until(() => one.store.isCoherent(), 'hearing');
  return one;
}

beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  await cluster.stop();
});

const keys = Array.from({ length: 60 }, (_, i) => `k${String(i)}`);
const scopes = [
  { scope: '', groups: ['*'] },
  { scope: '42', groups: ['*', 't:a'] },
];

describe('a cluster', () => {
  it('keeps values, leases, markers and notices over all slots', async () => {
    const namespace = freshNamespace();
    const [a, b] = [
      await ready({ cluster: { rootNodes: rootNodes() } }, namespace),
      await ready({ cluster: { rootNodes: rootNodes() } }, namespace),
    ];
    b.notices.length = 0;
    const made = await a.store.ensure({ scopes, keepMs: 10_000 });
    await Promise.all(
      keys.map(async (key) => {
        expect((await a.store.lease({ key, token: 'A', leaseMs: 5_000 })).state).toBe('leased');
        expect((await b.store.lease({ key, token: 'B', leaseMs: 5_000 })).state).toBe('held');
        expect(await a.store.fill({ key, token: 'A', payload: `v-${key}`, ttlMs: 60_000 })).toEqual(
          { stored: true },
        );
      }),
    );
    const readings = await Promise.all(
      keys.map((key) => b.store.read({ key, scopes, withLease: true, text: true })),
    );
    expect(readings.map((reading) => reading.stored)).toEqual(keys.map((key) => `v-${key}`));
    expect(readings[0]?.scopes).toEqual(made);
    await until(
      () => b.notices.filter((notice) => notice.kind === 'released').length === keys.length,
      'waking',
    );

    const tick = await a.store.invalidate({
      scope: '42',
      groups: ['t:a'],
      match: 'any',
      mode: 'hard',
      settleMs: 0,
    });
    await a.store.delete(keys, 1_000);
    await until(
      () =>
        b.notices.some((notice) => notice.kind === 'groups' && notice.tick === tick) &&
        b.notices.some((notice) => notice.kind === 'keys'),
    );
    const after = await Promise.all(
      keys.map((key) => b.store.read({ key, scopes, withLease: true, text: false })),
    );
    expect(
      after.every(
        (reading) =>
          reading.stored === undefined &&
          reading.lease === undefined &&
          reading.scopes[1]?.markers[1]?.hard === tick,
      ),
    ).toBe(true);

    await Promise.all(keys.map((key) => a.store.set(key, 'v', 60_000)));
    expect(await a.store.reclaim('', new AbortController().signal)).toBe(keys.length);
  });

  it('takes a first command that comes before any connection', async () => {
    for (const strike of [
      (one: Opened) => one.store.delete(['a', 'b'], 0),
      (one: Opened) => one.store.set('k', 'v', 60_000),
      (one: Opened) =>
        one.store.invalidate({
          scope: '',
          groups: ['t:a', 't:b'],
          match: 'any',
          mode: 'hard',
          settleMs: 0,
        }),
    ]) {
      const one = open({
        cluster: { rootNodes: rootNodes() },
        commandTimeout: '5s',
        connectTimeout: '5s',
      });
      ends.push(one.close);
      await strike(one);
    }
  });

  it('that was given is used, and open and unharmed after close', async () => {
    const client = createCluster({ rootNodes: rootNodes() });
    client.on('error', () => undefined);
    await client.connect();
    ends.push(() => client.close());
    const one = await ready({ client });
    await one.store.set('k', 'v', 60_000);
    await one.backend.set('raw', Uint8Array.of(1), 60_000);
    expect(
      (await one.store.read({ key: 'k', scopes: [], withLease: false, text: true })).stored,
    ).toBe('v');
    await one.close();
    expect(await client.get('nothing')).toBeNull();
  });

  it('tells of a node that took the place of another although nobody used it meanwhile', async () => {
    await until(async () => {
      const slots = (await cluster.nodes[0]?.command('CLUSTER', 'SLOTS')) as unknown[][];
      return slots.every(([, , ...nodes]) => nodes.length === 2);
    }, 'the replicas being known');
    // no client of replicas may be there already, whatever is asked for: its promotion would go
    // unnoticed
    const one = await ready({ cluster: { rootNodes: rootNodes(), useReplicas: true } });
    const nodes = String(await cluster.nodes[0]?.command('CLUSTER', 'NODES'))
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    const master = nodes.find(
      (fields) => fields[2]?.includes('master') === true && !fields[8]?.startsWith('0-'),
    );
    const replica = nodes.find((fields) => fields[3] === master?.[0]);
    const server = (fields: string[] | undefined) =>
      cluster.nodes.find(({ port }) => fields?.[1]?.includes(`:${String(port)}@`));
    const states: string[] = [];
    one.store.onState((state) => void states.push(state));
    await server(master)?.kill();
    await until(
      async () => String(await server(replica)?.command('ROLE')).startsWith('master'),
      'the failover',
    );
    await until(() => states.includes('up'), 'being told');
    await server(master)?.restart();
    await until(
      async () => String(await server(master)?.command('ROLE')).startsWith('slave'),
      'the old master following',
    );
  });

  it('lets nothing hang while a master is frozen, answers for the others, and heals by failover', async () => {
    const one = await ready({ cluster: { rootNodes: rootNodes() }, commandTimeout: '250ms' });
    const states: string[] = [];
    one.store.onState((state) => void states.push(state));
    const [master] = cluster.nodes;
    if (master === undefined) throw new Error('no nodes');
    // the first master serves the slots 0 to 5460
    const isIts = (key: string): boolean => slotOf(key) <= 5_460;
    const [its, others] = [keys.filter((key) => isIts(key)), keys.filter((key) => !isIts(key))];
    master.freeze();
    const outcome = (key: string): Promise<string> =>
      one.store.set(key, 'v', 60_000).then(
        () => 'done',
        (error: unknown) => String((error as { code?: unknown }).code),
      );
    await Promise.all(its.map(outcome));
    expect(new Set(await Promise.all(its.map(outcome)))).toEqual(
      new Set(['CACHE_BACKEND_UNAVAILABLE']),
    );
    await until(async () =>
      (
        await Promise.all(others.map((key) => one.backend.get(key).then(() => 'done', String)))
      ).includes('done'),
    );
    await until(
      async () => (await Promise.all(keys.map(outcome))).every((ended) => ended === 'done'),
      'the failover',
    );
    await until(() => one.store.isCoherent());
    expect(states.at(-1)).toBe('up');
    master.thaw();
  });
});
