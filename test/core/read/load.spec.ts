import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { CacheOptions, GetOrSetOptions } from '../../../lib/core/options/types.js';
import type { CacheEvent } from '../../../lib/core/observe/events.js';
import { CODECS, CONFIGURATIONS, describeCache, placeOf } from '../../support/describe-cache.js';

const ways = ['in a unit of work', 'after the cache was closed'] as const;

async function past(way: (typeof ways)[number]) {
  const { open } = placeOf('memory/copy');
  const { cache, clock } = open({ producerTimeout: { hard: 1_000 } });
  if (way === 'after the cache was closed') {
    await Promise.all([cache.close(), clock.advance(2_000)]);
  }
  const ask = <T>(
    producer: (context: { signal: AbortSignal }) => Promise<T>,
    options?: GetOrSetOptions<T>,
  ) =>
    way === 'in a unit of work'
      ? cache.unitOfWork(() => cache.getOrSet('k', producer, options))
      : cache.getOrSet('k', producer, options);
  return { clock, cache, ask };
}

const never = () => new Promise<string>(() => undefined);

describe.each(ways)('a producer that runs without the cache, %s,', (way) => {
  it('is ended by its hard timeout', async () => {
    const { clock, cache, ask } = await past(way);
    let seen: AbortSignal | undefined;
    const asked = ask(({ signal }) => {
      seen = signal;
      return never();
    });
    asked.catch(() => undefined);
    await setImmediate();
    await clock.advance(999);
    expect(seen?.aborted).toBe(false);
    await clock.advance(1);
    await expect(asked).rejects.toMatchObject({ code: 'CACHE_PRODUCER_TIMEOUT' });
    expect([seen?.aborted, clock.pending, cache.stats().cache_producer_timeouts]).toEqual([
      true,
      0,
      1,
    ]);
  });

  it('gives what it gives, and leaves no timer behind once the cache is closed', async () => {
    const { clock, cache, ask } = await past(way);
    const error = new Error('not found');
    expect(await ask(() => Promise.resolve('v'))).toBe('v');
    await expect(ask(() => Promise.reject(error))).rejects.toBe(error);
    await cache.close();
    expect(clock.pending).toBe(0);
  });

  it('is told when its caller has lost patience, who does not wait for it', async () => {
    const { clock, ask } = await past(way);
    const impatience = new AbortController();
    const heard = vi.fn();
    const asked = ask(
      ({ signal }) => {
        signal.addEventListener('abort', heard);
        return never();
      },
      { signal: impatience.signal },
    );
    await setImmediate();
    impatience.abort(new Error('no patience'));
    await expect(asked).rejects.toThrow('no patience');
    expect(heard).toHaveBeenCalledOnce();
    await expect(ask(never, { signal: impatience.signal })).rejects.toThrow('no patience');
    await clock.advance(1_000);
  });
});

describe('a producer that runs without the cache while it is closed', () => {
  it('is still ended by its hard timeout', async () => {
    const { cache, clock } = placeOf('memory/copy').open({ producerTimeout: { hard: 10_000 } });
    const asked = cache.unitOfWork(() => cache.getOrSet('k', never));
    asked.catch(() => undefined);
    await clock.advance(1);
    await Promise.all([cache.close(), clock.advance(5_000)]);
    await clock.advance(5_000);
    await expect(asked).rejects.toMatchObject({ code: 'CACHE_PRODUCER_TIMEOUT' });
  });
});

describeCache(CONFIGURATIONS, ({ open }) => {
  describe('a load', () => {
    const eventsOf = (options?: CacheOptions) => {
      const opened = open(options);
      const events: CacheEvent[] = [];
      opened.cache.events.on((event) => {
        if (event.type !== 'outcome') events.push(event);
      });
      return { ...opened, events };
    };

    it.each(CODECS)('stores what was produced with %s, for the next caller', async (codec) => {
      const { cache } = open({ codec });
      const value = { rows: [1, null, 'x'], at: new Date(0) };
      expect(await cache.getOrSet('k', async () => value)).toEqual(value);
      await cache.drain();
      expect(await cache.getOrSet('k', () => 'never produced')).toEqual(value);
      expect(cache.stats()).toMatchObject({ cache_productions: 1, cache_fills: 1, cache_hits: 1 });
    });

    it('returns undefined without storing it, and stores null', async () => {
      const { cache } = open();
      expect(await cache.getOrSet('none', () => undefined)).toBeUndefined();
      expect(await cache.getOrSet('null', () => null)).toBeNull();
      await cache.drain();
      expect([await cache.inspect('none'), await cache.inspect('null')]).toMatchObject([
        { freshness: 'absent' },
        { freshness: 'fresh' },
      ]);
    });

    it.each<[string, GetOrSetOptions<string>]>([
      ['the producer skips it', {}],
      ['unless says so', { unless: () => true }],
      ['its ttl is 0', { ttl: 0 }],
    ])('does not store a value when %s', async (why, options) => {
      const { cache, events } = eventsOf();
      const produce = ({ skip }: { skip: () => void }) => {
        if (why.includes('skips')) skip();
        return 'v';
      };
      expect(await cache.getOrSet('k', produce, options)).toBe('v');
      await cache.drain();
      expect([await cache.get('k'), events]).toEqual([undefined, []]);
    });

    it('passes the error of the producer on unchanged, stores nothing, and tells of it', async () => {
      const { cache, events } = eventsOf();
      const error = new Error('no such row');
      await expect(cache.getOrSet('k', () => Promise.reject(error))).rejects.toBe(error);
      await expect(
        cache.getOrSet('k', () => {
          throw error;
        }),
      ).rejects.toBe(error);
      await cache.drain();
      expect(events).toMatchObject([
        { type: 'producer_error', error },
        { type: 'producer_error', error },
      ]);
      expect(cache.stats()).toMatchObject({ cache_producer_err: 2, cache_fills: 0, flights: 0 });
    });

    it('returns a value that is too large, or that the codec cannot keep, without storing it', async () => {
      const { cache, events } = eventsOf({ maxValueBytes: 100 });
      const large = 'x'.repeat(200);
      expect(await cache.getOrSet('large', () => large)).toBe(large);
      const odd = () => 1;
      expect(await cache.getOrSet('odd', () => odd)).toBe(odd);
      await cache.drain();
      expect(events.map(({ type }) => type)).toEqual(['unstorable', 'unstorable']);
      expect(await cache.getMany(['large', 'odd'])).toEqual([undefined, undefined]);
    });

    it('does not fail when a callback of the options throws: the value is not stored, and an event tells', async () => {
      const { cache, events } = eventsOf();
      const fail = () => {
        throw new Error('a bad callback');
      };
      expect(await cache.getOrSet('k', () => 'v', { unless: fail })).toBe('v');
      expect(await cache.getOrSet('k', () => 'v', { ttl: fail })).toBe('v');
      expect(await cache.getOrSet('k', () => 'v', { resultTags: fail })).toBe('v');
      await cache.drain();
      expect(events).toMatchObject(
        ['unless', 'ttl', 'tags'].map((callback) => ({ type: 'callback_failed', callback })),
      );
      expect(await cache.get('k')).toBeUndefined();
    });

    it('that is aborted by its last caller leaves nothing, and the next caller loads anew', async () => {
      const { cache, clock } = open();
      const impatience = new AbortController();
      let seen: AbortSignal | undefined;
      const asked = cache.getOrSet(
        'k',
        ({ signal }) => {
          seen = signal;
          return new Promise<string>((_, reject) => {
            signal.addEventListener('abort', () => {
              reject(new Error('aborted'));
            });
          });
        },
        { signal: impatience.signal },
      );
      asked.catch(() => undefined);
      await clock.advance(1);
      impatience.abort(new Error('no patience'));
      await expect(asked).rejects.toThrow('no patience');
      await clock.advance(1);
      expect([seen?.aborted, cache.stats().flights]).toEqual([true, 0]);
      expect(await cache.getOrSet('k', () => 'anew')).toBe('anew');
    });

    it('has a caller whose signal aborted before it came rejected, and no unhandled rejection', async () => {
      const { cache, clock } = open();
      const signal = AbortSignal.abort(new Error('long ago'));
      await expect(cache.getOrSet('k', () => 'v', { signal })).rejects.toThrow('long ago');
      await expect(cache.getOrSet('l', never, { signal })).rejects.toThrow('long ago');
      await clock.advance(1);
    });
  });
});
