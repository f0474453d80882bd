import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FillRequest, SharedBackend } from '../../../../lib/ports/shared-backend.js';
import { type RedisServer, startRedis } from '../../../support/redis.js';
import { open } from '../open.js';

let redis: RedisServer;
const ends: (() => Promise<void>)[] = [];

function fresh(): SharedBackend {
  const { store, close } = open({ url: redis.url, commandTimeout: '5s' });
  ends.push(close);
  return store;
}

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
  await redis.stop();
});

const leaseOf = (key: string, token: string) => ({ key, token, leaseMs: 60_000 });
const fillOf = (key: string, token: string, payload = 'v'): FillRequest => ({
  key,
  token,
  payload,
  ttlMs: 60_000,
});

/** What is stored, and the lease that is held. */
async function stateOf(store: SharedBackend, key: string) {
  const { stored, lease } = await store.read({ key, scopes: [], withLease: true, text: true });
  return [stored, lease];
}

describe('the fills of one tick', () => {
  const ensure = { scopes: [{ scope: '', groups: ['*'] }], keepMs: 60_000 };

  it.each([undefined, ensure])(
    'are stored or refused each by the lease of its own key, ensuring %o',
    async (ensuring) => {
      const store = fresh();
      await Promise.all(['a', 'b', 'c'].map((key) => store.lease(leaseOf(key, `of ${key}`))));
      const requests = [fillOf('a', 'of a'), fillOf('b', 'of a'), fillOf('c', 'of c')];
      const replies = await Promise.all(
        requests.map((request) =>
          store.fill(ensuring === undefined ? request : { ...request, ensure: ensuring }),
        ),
      );
      expect(replies.map(({ stored }) => stored)).toEqual([true, false, true]);
      expect(await stateOf(store, 'b')).toEqual([undefined, 'of b']);
    },
  );

  it('use up a lease: the second fill by the same one is refused', async () => {
    const store = fresh();
    await store.lease(leaseOf('k', 'A'));
    const replies = await Promise.all(
      ['first', 'second'].map((payload) => store.fill(fillOf('k', 'A', payload))),
    );
    expect(replies.map(({ stored }) => stored)).toEqual([true, false]);
    expect(await stateOf(store, 'k')).toEqual(['first', undefined]);
  });
});

describe('a lease', () => {
  it('is released and renewed by its holder only, in a batch as well', async () => {
    const store = fresh();
    await Promise.all(['a', 'b'].map((key) => store.lease(leaseOf(key, `of ${key}`))));
    const renewals = ['a', 'b'].map((key) => store.renew(key, 'of a', 60_000));
    expect(await Promise.all(renewals)).toEqual([true, false]);
    await Promise.all(['a', 'b'].map((key) => store.release(key, 'of a')));
    expect(await stateOf(store, 'a')).toEqual([undefined, undefined]);
    expect(await stateOf(store, 'b')).toEqual([undefined, 'of b']);
  });

  it('is needed for a set that names one, and ended by every set', async () => {
    const store = fresh();
    await store.lease(leaseOf('k', 'A'));
    expect(await store.set('k', 'fenced', 60_000, 'B')).toBe(false);
    expect(await stateOf(store, 'k')).toEqual([undefined, 'A']);
    expect(await store.set('k', 'fenced', 60_000, 'A')).toBe(true);
    expect(await stateOf(store, 'k')).toEqual(['fenced', undefined]);
    await store.lease(leaseOf('k', 'B'));
    expect(await store.set('k', 'whatever was there', 60_000)).toBe(true);
    expect(await stateOf(store, 'k')).toEqual(['whatever was there', undefined]);
  });
});
