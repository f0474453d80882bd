import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { CacheService } from '../../lib/core/cache.js';
import { responseCodec } from '../../lib/http/response-codec.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { deferred } from '../support/fleet.js';
import { SimulatedLink } from '../support/simulated-backend.js';
import { SimulatedServer } from '../support/simulated-server.js';
import { wiredCache } from '../support/wired-cache.js';

const response = { kind: 'response', status: 200, body: 'the page' };
const asResponse = { codec: responseCodec };

function caches() {
  const clock = new FakeClock();
  const server = new SimulatedServer(clock);
  const link = () =>
    new SimulatedLink(
      server,
      'p',
      () => Promise.resolve(),
      () => 'answered',
      false,
    );
  return {
    memory: wiredCache({ clock, holder: 'm' }).cache,
    shared: wiredCache({ clock, holder: 'p', store: link() }).cache,
    'shared with L1': wiredCache({ clock, holder: 'p', store: link(), l1: true }).cache,
  };
}

describe('an entry of an exclusive codec', () => {
  it.each(['memory', 'shared', 'shared with L1'] as const)(
    'and other values under the same key are misses to each other, in %s',
    async (where) => {
      const cache = caches()[where];
      const seen: unknown[] = [];
      for (let round = 0; round < 2; round++) {
        seen.push(await cache.getOrSet<object>('rates', () => response, asResponse));
        await cache.drain();
        seen.push(await cache.get('rates', asResponse), await cache.get('rates'));
        seen.push(await cache.getOrSet<object>('rates', () => ({ euro: 1 })));
        await cache.drain();
        seen.push(await cache.get('rates', asResponse), await cache.get('rates'));
      }
      const round = [response, response, undefined, { euro: 1 }, undefined, { euro: 1 }];
      expect(seen).toEqual([...round, ...round]);
      expect(cache.stats()).toMatchObject({
        cache_corrupt: 0,
        cache_unstorable: 0,
        cache_productions: 4,
        cache_fills: 4,
      });
    },
  );

  it('goes away with a delete of its key, whoever asks for it', async () => {
    const { memory } = caches();
    await memory.getOrSet<object>('rates', () => response, asResponse);
    await memory.drain();
    await memory.delete('rates');
    expect(await memory.get('rates', asResponse)).toBeUndefined();
  });

  it('leaves codecs that are not exclusive readable by each other', async () => {
    const { memory } = caches();
    await memory.getOrSetCbor('k', () => 'by cbor');
    await memory.drain();
    expect(await memory.getOrSetJson('k', () => 'by json')).toBe('by cbor');
  });
});

describe('a load of an exclusive codec', () => {
  const value = { euro: 1 };

  for (const where of ['memory', 'shared', 'shared with L1'] as const) {
    const ask = (cache: CacheService) => ({
      response: (produce: () => object | Promise<object>) =>
        cache.getOrSet<object>('rates', produce, asResponse),
      value: (produce: () => object | Promise<object>) => cache.getOrSet<object>('rates', produce),
    });

    it(`is not shared with a call of the same tick that uses another one, ${where}`, async () => {
      const cache = caches()[where];
      const asked = ask(cache);
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

    it(`is not joined by a call that uses another one, which is joined by its like, ${where}`, async () => {
      const cache = caches()[where];
      const asked = ask(cache);
      const produce = { response: vi.fn(() => first.promise), value: vi.fn(() => value) };
      const first = deferred<object>();
      const early = asked.response(produce.response);
      await setImmediate();
      const others = [asked.value(produce.value)];
      await setImmediate();
      others.push(asked.response(produce.response), asked.value(produce.value));
      await setImmediate();
      expect(produce.value).not.toHaveBeenCalled();
      first.resolve(response);
      expect(await early).toEqual(response);
      expect(await Promise.all(others)).toEqual([value, response, value]);
      await cache.drain();
      expect([produce.response, produce.value].map(({ mock }) => mock.calls.length)).toEqual([
        1, 1,
      ]);
      expect([await cache.get('rates'), cache.stats().flights]).toEqual([value, 0]);
    });
  }

  it('does not stand in for a production of another one', async () => {
    const { memory } = caches();
    const windows = { ttl: 1, staleIfError: '1h', staleWhileRevalidate: '1h' } as const;
    await memory.getOrSet<object>('rates', () => response, { ...asResponse, ...windows });
    await memory.drain();
    await expect(
      memory.getOrSet<object>('rates', () => Promise.reject(new Error('down')), windows),
    ).rejects.toThrow('down');
  });
});

describe('an entry of an immutable codec', () => {
  it.each(['memory', 'shared with L1'] as const)(
    'is decoded once in %s, and handed to everyone deeply frozen',
    async (where) => {
      const cache = caches()[where];
      const read = () =>
        cache.getOrSet<object>('rates', () => ({ ...response, headers: [['a', 'b']] }), asResponse);
      await read();
      await cache.drain();
      const [one, two] = [await read(), await read()];
      expect(one).toEqual({ ...response, headers: [['a', 'b']] });
      expect(two).toBe(one);
      expect(Object.isFrozen((one as { headers: [object] }).headers[0])).toBe(true);
    },
  );

  it('is copied for everyone when it is not', async () => {
    const { memory } = caches();
    const read = () => memory.getOrSet<object>('rates', () => response);
    await read();
    await memory.drain();
    expect(await read()).not.toBe(await read());
  });
});
