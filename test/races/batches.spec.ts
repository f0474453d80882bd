import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CacheOptions } from '../../lib/core/options/types.js';
import {
  type BatchContext,
  CacheKey,
  type CacheService,
  createCache,
  type KeyLike,
} from '../../lib/index.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { HeldSteps } from '../support/held-steps.js';
import { SimulatedLink } from '../support/simulated-backend.js';
import { SimulatedServer } from '../support/simulated-server.js';
import { wiredCache } from '../support/wired-cache.js';

const WINDOWS: CacheOptions = {
  jitter: 0,
  ttl: 1_000,
  staleWhileRevalidate: '1h',
  producerTimeout: { hard: 5_000 },
};

function fleet() {
  const clock = new FakeClock();
  const server = new SimulatedServer(clock);
  const steps = new HeldSteps();
  const open = (holder: string) => {
    const store = new SimulatedLink(server, holder, steps.step, () => 'answered', false);
    return wiredCache({ clock, holder, store, options: WINDOWS }).cache;
  };
  return { clock, steps, first: open('p0'), second: open('p1') };
}

function told(results: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as { code: string }).code,
  );
}

describe('a batch of very many keys', () => {
  async function busiest(
    command: string,
    run: (cache: CacheService) => Promise<void>,
  ): Promise<number> {
    const clock = new FakeClock();
    let reading = 0;
    let most = 0;
    const step = async (label: string) => {
      if (!label.includes(`: ${command} `)) return;
      reading += label.endsWith('>') ? 1 : 0;
      most = Math.max(most, reading);
      await setImmediate();
      reading -= label.endsWith('<') ? 1 : 0;
    };
    const store = new SimulatedLink(
      new SimulatedServer(clock),
      'p0',
      step,
      () => 'answered',
      false,
    );
    const { cache } = wiredCache({ clock, holder: 'p0', store, options: WINDOWS });
    await run(cache);
    await cache.close();
    return most;
  }
  const keys = Array.from({ length: 2_500 }, (_, i) => `k${String(i)}`);

  it('a batch of very many keys is looked up in chunks, and still produced in one call', async () => {
    const most = await busiest('read', async (cache) => {
      const calls: number[] = [];
      const load = (missing: readonly string[]) => {
        calls.push(missing.length);
        return [...missing];
      };
      expect(told(await cache.getOrSetMany([...keys, 'k0'], load))).toEqual([...keys, 'k0']);
      await cache.drain();
      expect(told(await cache.getOrSetMany(keys, load))).toEqual(keys);
      expect(calls).toEqual([2_500]);
    });
    expect(most).toBe(1_000);
  });

  it('a batch of very many keys is read and stored in chunks', async () => {
    expect(
      await busiest('read', async (cache) =>
        expect(await cache.getMany(keys)).toEqual(keys.map(() => undefined)),
      ),
    ).toBe(1_000);
    const setting = async (cache: CacheService) => {
      const entries = keys.map((key) => [key, key] as const);
      await cache.awaitInvalidations(() => void cache.setMany(entries));
      expect(await cache.getMany(keys)).toEqual(keys);
    };
    expect(await busiest('set', setting)).toBe(1_000);
  });

  it('a batch stores what can be stored when one value cannot', async () => {
    await busiest('set', async (cache) => {
      const entries = keys.map((key, i) => [key, i === 3 ? () => 'a function' : key] as const);
      await expect(cache.setMany(entries)).rejects.toMatchObject({ code: 'CACHE_CODEC' });
      expect(await cache.getMany(['k2', 'k3', 'k2499'])).toEqual(['k2', undefined, 'k2499']);
    });
  });
});

describe('a batch of stale keys', () => {
  it('a batch of stale keys is answered at once and refreshed in one call', async () => {
    const clock = new FakeClock();
    const cache = createCache({ clock, ...WINDOWS });
    const keys = Array.from({ length: 100 }, (_, i) => `k${String(i)}`);
    const calls: number[] = [];
    const load = (missing: readonly string[]) => {
      calls.push(missing.length);
      return missing.map(() => calls.length);
    };
    await cache.getOrSetMany(keys, load);
    await clock.advance(1_100);
    expect(new Set(told(await cache.getOrSetMany(keys, load)))).toEqual(new Set([1]));
    await cache.drain();
    expect(calls).toEqual([100, 100]);
    expect(new Set(await cache.getMany(keys))).toEqual(new Set([2]));
    await cache.close();
  });

  it('a batch of stale keys does not wait for the refreshes that another process has begun', async () => {
    const { clock, first, second } = fleet();
    await first.getOrSetMany(['a', 'b', 'c'], (missing) => missing.map(() => 'old'));
    await first.drain();
    await clock.advance(1_100);
    let finish = (_value: string): void => undefined;
    await second.getOrSet('b', () => new Promise<string>((resolve) => (finish = resolve)));
    await setImmediate();
    const asked: (readonly string[])[] = [];
    const load = (missing: readonly string[]) => {
      asked.push(missing);
      return missing.map(() => 'new');
    };
    expect(told(await first.getOrSetMany(['a', 'b', 'c'], load))).toEqual(['old', 'old', 'old']);
    await setImmediate();
    expect(asked).toEqual([['a', 'c']]);
    finish('of the other');
    await Promise.all([first.drain(), second.drain()]);
    expect(await first.getMany(['a', 'b', 'c'])).toEqual(['new', 'of the other', 'new']);
    await Promise.all([first.close(), second.close()]);
  });

  it('a batch of stale keys is refreshed apart from the production of missing keys, which callers wait for', async () => {
    const { clock, steps, first } = fleet();
    await first.getOrSet('stale', () => 'old');
    await first.drain();
    await clock.advance(1_100);
    const calls: unknown[] = [];
    const load = (missing: readonly string[], { background }: BatchContext) => {
      calls.push([missing, background]);
      return missing.map(() => 'new');
    };
    steps.hold('lease segment:stale');
    expect(told(await first.getOrSetMany(['stale', 'missing'], load))).toEqual(['old', 'new']);
    expect(calls).toEqual([[['missing'], false]]);
    steps.release('lease segment:stale');
    await first.drain();
    expect(calls.slice(1)).toEqual([[['stale'], true]]);
    await first.close();
  });
});

describe('what a refresh in the background asks for', () => {
  it.each(['one key', 'a batch'])(
    'is of the tenant that is refreshed, whatever the resolver says there: %s',
    async (what) => {
      const clock = new FakeClock();
      const als = new AsyncLocalStorage<string>();
      const cache = createCache({ clock, ...WINDOWS, tenant: () => als.getStore() ?? 'public' });
      const inner = (tenant: string | undefined) =>
        cache.getOrSet('inner', () => `of ${String(tenant)}`, { ttl: '1h' });
      const read = () =>
        what === 'one key'
          ? cache.getOrSet('k', ({ background, tenant }) => (background ? inner(tenant) : ''))
          : cache.getOrSetMany(['k', 'l'], async (missing, { background, tenant }) => {
              const made = background ? await inner(tenant) : '';
              return missing.map(() => made);
            });
      await als.run('acme', read);
      await clock.advance(1_100);
      await als.run('acme', read);
      await cache.drain();
      expect([await als.run('acme', () => cache.get('inner')), await cache.get('inner')]).toEqual([
        'of acme',
        undefined,
      ]);
      expect(await als.run('acme', () => cache.get('k'))).toBe('of acme');
      await cache.close();
    },
  );

  it('what a refresh asks for is of its own tenant when a batch has keys of several', async () => {
    const clock = new FakeClock();
    const cache = createCache({ clock, ...WINDOWS, tenant: () => 'public' });
    const tenants = ['acme', 'bolt'];
    const keys = tenants.map((tenant) => CacheKey.builder().tenant(tenant).segment('k').build());
    const read = () =>
      cache.getOrSetMany(keys, async (missing, { background, tenant }) => {
        const made = background
          ? await cache.getOrSet('inner', () => `of ${String(tenant)}`, { ttl: '1h' })
          : '';
        return missing.map(() => made);
      });
    await read();
    await clock.advance(1_100);
    await read();
    await cache.drain();
    const inner = (tenant: string) =>
      cache.get(CacheKey.builder().tenant(tenant).segment('inner').build());
    expect(await Promise.all(keys.map((key) => cache.get(key)))).toEqual(['of acme', 'of bolt']);
    expect(await Promise.all([...tenants, 'public'].map(inner))).toEqual([
      'of acme',
      'of bolt',
      undefined,
    ]);
    await cache.close();
  });
});

describe('a refresh of a batch in the background', () => {
  const tenantOf = (key: KeyLike) => (key as CacheKey).tenantName;

  it('a refresh of a batch in the background is told the tenant of its keys, which no resolver could tell there', async () => {
    const clock = new FakeClock();
    const als = new AsyncLocalStorage<string>();
    const cache = createCache({ clock, ...WINDOWS, tenant: () => als.getStore() });
    const load = (missing: readonly string[], { tenant, background }: BatchContext) => {
      expect(als.getStore()).toBe(background ? undefined : 'acme');
      return missing.map(() => `of ${String(tenant)}, ${background ? 'refreshed' : 'produced'}`);
    };
    const read = async () =>
      told(await als.run('acme', () => cache.getOrSetMany(['k', 'l'], load)));
    expect(await read()).toEqual(['of acme, produced', 'of acme, produced']);
    await clock.advance(1_100);
    await read();
    await cache.drain();
    expect(await read()).toEqual(['of acme, refreshed', 'of acme, refreshed']);
    await cache.close();
  });

  it('a refresh of a batch in the background is one call for each tenant', async () => {
    const clock = new FakeClock();
    const cache = createCache({ clock, ...WINDOWS });
    const keys = ['acme', 'umbrella', 'acme'].map((tenant, i) =>
      CacheKey.builder().tenant(tenant).segment('s').param('i', i).build(),
    );
    const calls: unknown[] = [];
    const load = (missing: readonly CacheKey[], { tenant, background }: BatchContext) => {
      calls.push([background, tenant, missing.map(tenantOf)]);
      return missing.map(() => 1);
    };
    await cache.getOrSetMany(keys, load);
    await clock.advance(1_100);
    await cache.getOrSetMany(keys, load);
    await cache.drain();
    expect(calls).toEqual([
      [false, undefined, ['acme', 'umbrella', 'acme']],
      [true, 'acme', ['acme', 'acme']],
      [true, 'umbrella', ['umbrella']],
    ]);
    await cache.close();
  });

  it('a refresh of a batch in the background has a signal that aborts at the hard timeout', async () => {
    const clock = new FakeClock();
    const cache = createCache({ clock, ...WINDOWS });
    const keys = ['a', 'b'];
    await cache.getOrSetMany(keys, () => [1, 2]);
    await clock.advance(1_100);
    const signals: AbortSignal[] = [];
    let end = (): void => undefined;
    await cache.getOrSetMany(keys, (_missing, { signal }) => {
      signals.push(signal);
      return new Promise<never[]>((resolve) => (end = () => resolve([])));
    });
    await clock.advance(4_900);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await clock.advance(200);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    end();
    await cache.drain();
    await cache.close();
  });
});

describe('a batch whose production asks for a key of the batch', () => {
  it.each([[['b', 'a']], [['a', 'b']]])(
    'is refused at once when a hit is the last to be known: %s',
    async (keys) => {
      const { steps, first } = fleet();
      await first.set('b', 'stored');
      const load = (missing: readonly string[]) =>
        Promise.all(missing.map((key) => first.getOrSet(key, () => 'inner')));
      steps.hold('read segment:b <');
      const results = first.getOrSetMany(keys, load);
      await setImmediate();
      steps.release('read segment:b <');
      expect(told(await results).sort()).toEqual(['CACHE_REENTRANT', 'stored']);
      await first.close();
    },
  );

  it('a batch whose production asks for a key of its own is refused at once, also when another process holds its last key', async () => {
    const { clock, first, second } = fleet();
    let finish = (_value: string): void => undefined;
    const held = second.getOrSet('h', () => new Promise<string>((resolve) => (finish = resolve)));
    await setImmediate();
    const load = (missing: readonly string[]) =>
      Promise.all(missing.map((key) => first.getOrSet(key, () => 'inner')));
    const results = first.getOrSetMany(['a', 'h'], load);
    await setImmediate();
    finish('held');
    await held;
    await clock.advance(200);
    expect(told(await results)).toEqual(['CACHE_REENTRANT', 'held']);
    await Promise.all([first.close(), second.close()]);
  });
});
