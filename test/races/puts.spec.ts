import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CacheService } from '../../lib/core/cache.js';
import type { CacheOptions, SetOptions } from '../../lib/core/options/types.js';
import { createCache } from '../../lib/create-cache.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { HeldSteps } from '../support/held-steps.js';
import { type Fate, SimulatedLink } from '../support/simulated-backend.js';
import { SimulatedServer } from '../support/simulated-server.js';
import { wiredCache } from '../support/wired-cache.js';

function fleet(l1 = false) {
  const clock = new FakeClock();
  const server = new SimulatedServer(clock);
  const steps = new HeldSteps();
  const fates: { next: Fate } = { next: 'answered' };
  const open = (name: string) => {
    const link = new SimulatedLink(server, name, steps.step, () => fates.next, false);
    return {
      link,
      ...wiredCache({ clock, holder: name, store: link, l1, options: { jitter: 0, ttl: 60_000 } }),
    };
  };
  return { clock, server, steps, fates, first: open('p0'), second: open('p1') };
}

function memory() {
  const clock = new FakeClock();
  return wiredCache({ clock, holder: 'm', options: { jitter: 0, ttl: 60_000 } });
}

/** As `@CachePut` does it. */
async function put<T>(
  cache: CacheService,
  method: () => Promise<T> | T,
  options: SetOptions<T> = {},
): Promise<T> {
  const { tags } = options;
  const pending = await cache.puts.begin('k', typeof tags === 'object' ? tags : []);
  try {
    const value = await method();
    await cache.puts.store(pending, 'k', value, options);
    return value;
  } finally {
    cache.puts.end(pending);
  }
}

/** A put whose method has read the database and is slow. */
async function slowPut(cache: CacheService, options: SetOptions<string> = {}) {
  let finish: (value: string) => void = () => undefined;
  const working = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const putting = put(cache, () => working, options);
  await setImmediate();
  return async (value: string): Promise<void> => {
    finish(value);
    await putting;
  };
}

const both = [
  ['in memory', () => ((one) => [one, one] as const)(memory().cache)],
  ['in the same process', () => ((one) => [one, one] as const)(fleet().first.cache)],
  [
    'in another process',
    () => (({ first, second }) => [first.cache, second.cache] as const)(fleet()),
  ],
] as const;

describe('the result of a method', () => {
  it('replaces what is stored, also for processes that have it in L1', async () => {
    const { first, second, steps } = fleet(true);
    await first.cache.set('k', 'old');
    expect(await second.cache.get('k')).toBe('old');
    await put(first.cache, () => 'new');
    await setImmediate();
    steps.hold('p1: read');
    steps.hold('p0: read');
    expect([await first.cache.get('k')]).toEqual(['new']);
    steps.release('p1: read');
    expect(await second.cache.get('k')).toBe('new');
  });

  describe.each(both)('%s', (where, open) => {
    it.each([
      ['its key was deleted', (cache: CacheService) => cache.delete('k')],
      ['its tag was invalidated', (cache: CacheService) => cache.invalidate({ tags: ['rows'] })],
      ['everything was cleared', (cache: CacheService) => cache.clear()],
    ])('is not kept when %s while the method ran', async (_what, change) => {
      const [here, there] = open();
      const finish = await slowPut(here, { tags: ['rows'] });
      expect(await change(there)).toEqual({ durable: true });
      await finish('v1');
      expect(await there.getOrSet('k', () => 'v2', { tags: ['rows'] })).toBe('v2');
      expect(await here.getOrSet('k', () => 'v3', { tags: ['rows'] })).toBe('v2');
    });

    it('leaves nothing when another method was put beside it', async () => {
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        const [here, there] = open();
        const ends = [await slowPut(here), await slowPut(there)];
        for (const i of order) await ends[i]?.(`v${String(i)}`);
        expect([await here.get('k'), await there.get('k')]).toEqual([undefined, undefined]);
      }
    });

    // In memory nothing can be missed, so only what is known to be newer keeps the result out.
    const isMemory = where === 'in memory';

    it('leaves nothing when the key was set meanwhile, or loaded by a process that may know more', async () => {
      for (const [act, left] of [
        [(cache: CacheService) => cache.set('k', 'other'), undefined],
        [
          (cache: CacheService) => cache.getOrSet('k', () => 'other').finally(() => cache.drain()),
          isMemory ? 'v1' : undefined,
        ],
      ] as const) {
        const [here, there] = open();
        const finish = await slowPut(here);
        await act(there);
        expect(await there.get('k')).toBe('other');
        await finish('v1');
        expect([await here.get('k'), await there.get('k')]).toEqual([left, left]);
      }
    });

    it('keeps a load that was under way from being stored, and is itself kept in memory only', async () => {
      const [here, there] = open();
      let land: (value: string) => void = () => undefined;
      const loading = there.getOrSet('k', () => new Promise<string>((resolve) => (land = resolve)));
      await setImmediate();
      await (
        await slowPut(here)
      )('v2');
      land('v1');
      expect(await loading).toBe('v1');
      await there.drain();
      const left = isMemory ? 'v2' : undefined;
      expect([await here.get('k'), await there.get('k')]).toEqual([left, left]);
    });

    it('lets the old value be a hit, and no caller wait who has to load', async () => {
      const [here, there] = open();
      await there.set('k', 'old');
      const finish = await slowPut(here);
      expect(await there.getOrSet('k', () => 'not asked')).toBe('old');
      await finish('new');
      expect(await there.getOrSet('k', () => 'not asked')).toBe('new');
    });
  });

  it('does not hinder a method that asks for its own key', async () => {
    const { cache } = memory();
    await put(cache, async () => `${await cache.getOrSet('k', () => 'old')} and new`);
    expect(await cache.get('k')).toBe('old and new');
    await put(cache, async () => `${await cache.getOrSet('k', () => 'not asked')}er`);
    expect(await cache.get('k')).toBe('old and newer');
  });

  it('is stored however long the method takes, and a refresh in the background leaves the key to it', async () => {
    const { first, second, clock } = fleet();
    const options = { ttl: 1_000, staleWhileRevalidate: 60_000 };
    await second.cache.set('k', 'old', options);
    const finish = await slowPut(first.cache);
    await clock.advance(20_000);
    expect(await second.cache.getOrSet('k', () => 'refreshed', options)).toBe('old');
    await second.cache.drain();
    expect(second.cache.stats().cache_productions).toBe(0);
    await finish('new');
    expect(await second.cache.get('k')).toBe('new');
  });

  it('leaves the old value, and no lease, when the method fails', async () => {
    const { first, server } = fleet();
    await first.cache.set('k', 'old');
    await expect(put(first.cache, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await first.cache.drain();
    expect(await first.cache.get('k')).toBe('old');
    expect([...server.leases]).toEqual([]);
  });

  it('does not wait for a backend that is away, which deletes the old value when it is back', async () => {
    const { first, second, clock } = fleet();
    await first.cache.set('k', 'old');
    first.link.change('down');
    await put(first.cache, () => 'new');
    expect(first.cache.stats().journal).toBe(1);
    first.link.change('up');
    await clock.advance(1_000);
    expect(await second.cache.get('k')).toBeUndefined();
  });

  it('is not stored, and the old value is deleted, when the backend did not answer before the method', async () => {
    const { first, second, fates, server } = fleet();
    await first.cache.set('k', 'old');
    fates.next = 'unanswered';
    await put(first.cache, () => {
      fates.next = 'answered';
      return 'new';
    });
    await first.cache.drain();
    expect([await second.cache.get('k'), [...server.leases]]).toEqual([undefined, []]);
  });

  it('becomes a deferred delete in a unit of work', async () => {
    const { cache } = memory();
    await cache.set('k', 'old');
    await cache.unitOfWork(async () => {
      await put(cache, () => 'new');
      expect(cache.stats().cache_invalidations).toBe(1);
    });
    expect(await cache.get('k')).toBeUndefined();
  });

  it('is stored no longer than a settle window in which the method began', async () => {
    const { cache, clock } = memory();
    await cache.invalidate({ keys: ['k'], settle: '2s' });
    await put(cache, () => 'new');
    await clock.advance(1_999);
    expect(await cache.get('k')).toBe('new');
    await clock.advance(1);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('is not stored when that window has ended, because the method may have read before it did', async () => {
    const { cache, clock } = memory();
    await cache.invalidate({ keys: ['k'], settle: '2s' });
    const finish = await slowPut(cache);
    await clock.advance(2_000);
    await finish('new');
    expect(await cache.get('k')).toBeUndefined();
  });

  it('is not undone by a set that was called before it and is still under way', async () => {
    const { first, second, steps } = fleet();
    steps.hold('ensure * t:slow');
    const early = first.cache.set('k', 'old', { tags: ['slow'] });
    const putting = put(first.cache, () => 'new');
    await setImmediate();
    steps.release('ensure * t:slow');
    expect(await early).toEqual({ durable: true });
    await putting;
    expect(await second.cache.get('k')).toBeUndefined();
  });

  it('is fenced over a backend of two methods as well, among the callers of one process', async () => {
    const bytes = new Map<string, Uint8Array>();
    const cache = createCache({
      backend: {
        get: async (key) => bytes.get(key),
        set: async (key, value) => void bytes.set(key, value),
      },
    });
    await cache.set('k', 'old');
    await put(cache, () => 'new');
    expect(await cache.get('k')).toBe('new');
    const finish = await slowPut(cache);
    await cache.delete('k');
    await finish('old');
    expect(await cache.get('k')).toBeUndefined();
    await cache.close();
  });

  it('is not stored after the cache was closed', async () => {
    const { first, clock, server } = fleet();
    const finish = await slowPut(first.cache);
    const closing = first.cache.close();
    await clock.advance(5_000);
    await closing;
    expect([...server.leases]).toEqual([]);
    await finish('late');
    expect(server.value('segment:k')).toBeUndefined();
  });
});

describe('what one process calls for one key', () => {
  const places = [
    ['in memory', () => memory().cache],
    ['at a server', () => fleet().first.cache],
    ['in a backend of two methods', () => simple()],
  ] as const;
  const simple = (options: CacheOptions = {}): CacheService => {
    const bytes = new Map<string, Uint8Array>();
    const backend = {
      get: async (key: string) => bytes.get(key),
      set: async (key: string, value: Uint8Array) => void bytes.set(key, value),
    };
    return createCache({ backend, ...options });
  };

  it.each(places)(
    'what one process calls for one key takes effect in the order of the calls, %s',
    async (_where, open) => {
      const cache = open();
      const options = { tags: ['t'] };
      await Promise.all([cache.set('a', 'old', options), cache.delete('a')]);
      await Promise.all([cache.set('b', 'old', options), cache.set('b', undefined)]);
      await Promise.all([cache.set('c', 'old', options), cache.invalidate({ tags: ['t'] })]);
      await Promise.all([cache.set('d', 'old', options), cache.clear()]);
      expect(await cache.getMany(['a', 'b', 'c', 'd'])).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      await Promise.all([cache.delete('e'), cache.set('e', 'new', options)]);
      await Promise.all([cache.set('f', 'old', options), cache.delete('f'), cache.set('f', 'new')]);
      await Promise.all([
        cache.set('g', 'old', options),
        cache.set('g', 'older', { tags: ['u', 'v'] }),
        cache.set('g', 'new'),
      ]);
      expect(await cache.getMany(['e', 'f', 'g'])).toEqual(['new', 'new', 'new']);
    },
  );

  it('what one process calls for one key keeps its order when the first set is slow to read its clocks', async () => {
    for (const change of ['delete', 'set', 'both'] as const) {
      const { first, second, steps } = fleet();
      steps.hold('ensure * t:slow');
      const early = first.cache.set('k', 'old', { tags: ['slow'] });
      const later: Promise<unknown>[] = [];
      if (change !== 'set') later.push(first.cache.delete('k'));
      if (change !== 'delete') later.push(first.cache.set('k', 'new'));
      await setImmediate();
      steps.release('ensure * t:slow');
      for (const result of await Promise.all([early, ...later])) {
        expect(result).toEqual({ durable: true });
      }
      expect(await second.cache.get('k')).toBe(change === 'delete' ? undefined : 'new');
    }
  });

  it('what one process calls for one key keeps its order when what was sent first would arrive last', async () => {
    const { first, second, steps } = fleet();
    steps.hold('set segment:k >');
    const early = first.cache.set('k', 'old');
    await setImmediate();
    const deleting = first.cache.delete('k');
    steps.letPass('set segment:k >');
    const late = first.cache.set('k', 'new');
    await setImmediate();
    steps.release('set segment:k >');
    for (const result of await Promise.all([early, deleting, late])) {
      expect(result).toEqual({ durable: true });
    }
    expect(await second.cache.get('k')).toBe('new');

    steps.hold('set segment:k >');
    const last = first.cache.set('k', 'old');
    await setImmediate();
    const removing = first.cache.delete('k');
    steps.release('set segment:k >');
    await Promise.all([last, removing]);
    expect(await second.cache.get('k')).toBeUndefined();
  });

  it('what one process calls for one key is remembered no longer than it runs', async () => {
    const { first } = fleet();
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => first.cache.set(`k${String(i % 7)}`, i)),
    );
    for (let i = 0; i < 7; i++)
      expect(first.engine.order.hasPendingSet(`segment:k${String(i)}`)).toBe(false);
  });
});

describe('a value that was stored', () => {
  it.each(['set', 'put'] as const)(
    'by a %s and lost in a failover does not leave the one before',
    async (how) => {
      const { first, second, server, clock } = fleet();
      await first.cache.set('k', 'old');
      const replica = new Map(server.values);
      await clock.advance(20_000);
      if (how === 'set') expect(await first.cache.set('k', 'new')).toEqual({ durable: true });
      else await put(first.cache, () => 'new');
      first.link.change('down');
      for (const [key, value] of replica) server.values.set(key, value);
      first.link.change('up');
      await clock.advance(1_000);
      expect(await second.cache.get('k')).toBeUndefined();
    },
  );
});

describe('a value that cannot be stored', () => {
  it.each([
    ['tags', { tags: [''] }],
    ['tags made from it', { tags: () => Array.from({ length: 65 }, (_, i) => `t${String(i)}`) }],
    ['a ttl made from it', { ttl: () => -1 }],
    ['a ttl', { ttl: 'soon' as never }],
    ['a codec', { codec: 'xml' as never }],
  ])('for its %s throws, and leaves no old one', async (_what, options) => {
    const { cache } = memory();
    await cache.set('k', 'old');
    await expect(cache.set('k', 'new', options)).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
    expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
  });
});
