import { describe, expect, it, vi } from 'vitest';
import type { CacheService } from '../../../lib/core/cache.js';
import { responseCodec } from '../../../lib/http/response-codec.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { deferred } from '../../support/fleet.js';

const response = {
  kind: 'response',
  status: 200,
  headers: [],
  body: 'the page',
  json: false,
  storedAt: 0,
  initialAge: 0,
  freshMs: 1_000,
  staleMs: 0,
  fallbackMs: 0,
};
const asResponse = { codec: responseCodec };
const value = { euro: 1 };

type Produce = () => object | Promise<object>;
const askOf = (cache: CacheService) => ({
  response: (produce: Produce) => cache.getOrSet<object>('rates', produce, asResponse),
  value: (produce: Produce) => cache.getOrSet<object>('rates', produce),
});

describeCache(CONFIGURATIONS, ({ open, isShared }) => {
  describe('an entry of an exclusive codec', () => {
    it('is a miss to callers of another codec under the same key, as theirs are to its callers', async () => {
      const { cache } = open();
      const seen: unknown[] = [];
      for (let round = 0; round < 2; round++) {
        seen.push(await cache.getOrSet<object>('rates', () => response, asResponse));
        await cache.drain();
        seen.push(await cache.get('rates', asResponse), await cache.get('rates'));
        seen.push(await cache.getOrSet<object>('rates', () => value));
        await cache.drain();
        seen.push(await cache.get('rates', asResponse), await cache.get('rates'));
      }
      const round = [response, response, undefined, value, undefined, value];
      expect(seen).toEqual([...round, ...round]);
      expect(cache.stats()).toMatchObject({
        cache_corrupt: 0,
        cache_unstorable: 0,
        cache_productions: 4,
        cache_fills: 4,
      });
    });

    it('goes away with a delete of its key, whoever asks for it', async () => {
      const { cache } = open();
      await cache.getOrSet<object>('rates', () => response, asResponse);
      await cache.drain();
      await cache.delete('rates');
      expect(await cache.get('rates', asResponse)).toBeUndefined();
    });

    it('leaves codecs that are not exclusive readable by each other', async () => {
      const { cache } = open();
      await cache.getOrSetCbor('k', () => 'by cbor');
      await cache.drain();
      expect(await cache.getOrSetJson('k', () => 'by json')).toBe('by cbor');
    });
  });

  describe('a load of an exclusive codec', () => {
    it('is not shared with a call of the same tick that uses another one', async () => {
      const { cache } = open();
      const asked = askOf(cache);
      const produce = { response: vi.fn(() => response), value: vi.fn(() => value) };
      const all = [1, 2, 3].flatMap(() => [
        asked.response(produce.response),
        asked.value(produce.value),
      ]);
      expect(await Promise.all(all)).toEqual([response, value, response, value, response, value]);
      await cache.drain();
      expect([produce.response, produce.value].map(({ mock }) => mock.calls.length)).toEqual([
        1, 1,
      ]);
    });

    it('is joined by calls of its codec, and each codec is produced once', async () => {
      const { cache, clock } = open();
      const asked = askOf(cache);
      const first = deferred<object>();
      const produce = { response: vi.fn(() => first.promise), value: vi.fn(() => value) };
      const early = asked.response(produce.response);
      await clock.advance(0);
      const others = [asked.value(produce.value)];
      await clock.advance(0);
      others.push(asked.response(produce.response));
      await clock.advance(0);
      // One process of a fleet produces at a time, whatever the codec.
      expect(produce.value).toHaveBeenCalledTimes(isShared ? 0 : 1);
      first.resolve(response);
      expect(await early).toEqual(response);
      expect(await Promise.all(others)).toEqual([value, response]);
      await cache.drain();
      expect([produce.response, produce.value].map(({ mock }) => mock.calls.length)).toEqual([
        1, 1,
      ]);
      expect(cache.stats().flights).toBe(0);
    });

    it('does not stand in for a production of another one', async () => {
      const { cache } = open();
      const windows = { ttl: 1, staleIfError: '1h', staleWhileRevalidate: '1h' } as const;
      await cache.getOrSet<object>('rates', () => response, { ...asResponse, ...windows });
      await cache.drain();
      await expect(
        cache.getOrSet<object>('rates', () => Promise.reject(new Error('down')), windows),
      ).rejects.toThrow('down');
    });
  });
});

describeCache(['memory/copy', 'memory/freeze', 'shared + L1'], ({ open }) => {
  it('decodes an entry of an immutable codec once, and gives every caller the same frozen object', async () => {
    const { cache } = open();
    const read = () =>
      cache.getOrSet<object>('rates', () => ({ ...response, headers: [['a', 'b']] }), asResponse);
    await read();
    await cache.drain();
    const [one, two] = [await read(), await read()];
    expect(one).toEqual({ ...response, headers: [['a', 'b']] });
    expect(two).toBe(one);
    expect(Object.isFrozen((one as { headers: [object] }).headers[0])).toBe(true);
  });
});

describeCache(['memory/copy', 'shared', 'shared + L1', 'two methods'], ({ open }) => {
  it('copies an entry of another codec for every caller', async () => {
    const { cache } = open();
    const read = () => cache.getOrSet<object>('rates', () => response);
    await read();
    await cache.drain();
    expect(await read()).not.toBe(await read());
  });
});
