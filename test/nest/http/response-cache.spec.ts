import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { CacheKey, CacheService } from '../../../lib/index.js';
import type { CacheBackend } from '../../../lib/backend.js';
import { type Codec, jsonCodec } from '../../../lib/codec.js';
import { envelope } from '../../../lib/codecs/envelope.js';
import { deferred } from '../../support/fleet.js';
import { listen, start } from '../http-application.js';

const own: Codec = { id: 'own', encode: jsonCodec.encode, decode: jsonCodec.decode };

@Injectable()
class Rates {
  constructor(@Inject(CacheService) readonly cache: CacheService) {}

  value(): Promise<{ euro: number }> {
    return this.cache.getOrSet('rates', async () => ({ euro: 1 }));
  }
}

let runs = 0;

@Controller()
class RatesController {
  @Get('rates')
  @CacheKey('rates')
  async rates(): Promise<{ run: number }> {
    return { run: ++runs };
  }
}

describe.each(['express', 'fastify'] as const)(
  'a route and a service that use one key, on %s',
  (platform) => {
    it.each<[string, 'json' | 'cbor' | Codec]>([
      ['json', 'json'],
      ['cbor', 'cbor'],
      ['its own', own],
    ])('keeps response and value apart in a cache whose codec is %s', async (_, codec) => {
      runs = 0;
      const { app, get } = await start({
        platform,
        cache: { codec },
        controllers: [RatesController],
        providers: [Rates],
      });
      const visit = await listen(app);
      const ask = async (): Promise<string> => (await visit('/rates')).text;
      const cache = get(CacheService);
      const rates = get(Rates);
      expect([await ask(), await ask()]).toEqual(['{"run":1}', '{"run":1}']);
      expect((await visit('/rates', { method: 'HEAD' })).headers.get('cache-status')).toContain(
        'hit',
      );
      expect([await rates.value(), await rates.value()]).toEqual([{ euro: 1 }, { euro: 1 }]);
      await cache.drain();
      expect([await ask(), await ask()]).toEqual(['{"run":2}', '{"run":2}']);
      await cache.drain();
      await cache.delete('rates');
      expect([await ask(), await ask()]).toEqual(['{"run":3}', '{"run":3}']);
      expect(cache.stats()).toMatchObject({ cache_corrupt: 0, cache_unstorable: 0 });
    });

    it('keeps response and value apart when both are loaded at once', async () => {
      const gates = [deferred<undefined>(), deferred<undefined>()] as const;
      @Controller()
      class SlowController {
        @Get('rates')
        @CacheKey('rates')
        async rates(): Promise<object> {
          await gates[0].promise;
          return { page: 'for clients' };
        }

        @Get('nothing')
        @CacheKey('nothing')
        nothing(): object {
          return { page: 'nothing' };
        }
      }
      const { app, get } = await start({ platform, controllers: [SlowController] });
      const visit = await listen(app);
      const cache = get(CacheService);
      const page = visit('/rates');
      await vi.waitFor(() => {
        expect(cache.stats().flights).toBe(1);
      });
      const value = cache.getOrSet('rates', () => ({ euro: 1 }));
      gates[0].resolve(undefined);
      expect([(await page).text, await value]).toEqual(['{"page":"for clients"}', { euro: 1 }]);

      const nothing = cache.getOrSet('nothing', () => gates[1].promise.then(() => null));
      // Neither load waits for the other.
      const { status, text } = await visit('/nothing');
      gates[1].resolve(undefined);
      expect([status, text, await nothing]).toEqual([200, '{"page":"nothing"}', null]);
    });

    it.each([
      ['a vary record without names', '{"kind":"vary"}'],
      ['a response without a status', '{"kind":"response"}\nx'],
      ['what is never stored', '{"kind":"unshared"}'],
    ])('answers by the handler, and says so, when there is %s', async (_what, body) => {
      const stored = new Map<string, Uint8Array>();
      const backend: CacheBackend = {
        get: (key) => Promise.resolve(stored.get(key)),
        set: (key, bytes) => Promise.resolve(stored.set(key, bytes)),
      };
      const { app, get } = await start({
        platform,
        cache: { backend },
        controllers: [RatesController],
      });
      const visit = await listen(app);
      const cache = get(CacheService);
      await visit('/rates');
      await cache.drain();
      const [[key, bytes] = []] = stored;
      const entry = envelope.unpack(bytes ?? '');
      stored.set(key ?? '', Buffer.from(envelope.pack({ ...entry, body })));
      runs = 6;
      const answer = await visit('/rates');
      await cache.drain();
      expect([answer.status, answer.text]).toEqual([200, '{"run":7}']);
      expect((await visit('/rates')).text).toBe('{"run":7}');
      expect(cache.stats().cache_corrupt).toBeGreaterThan(0);
    });

    it('answers by the handler when the codec decodes something that is not a response', async () => {
      const odd: Codec = { id: 'odd', encode: jsonCodec.encode, decode: () => null };
      const { app } = await start({
        platform,
        cache: { codec: odd },
        controllers: [RatesController],
      });
      const visit = await listen(app);
      runs = 0;
      expect([(await visit('/rates')).text, (await visit('/rates')).text]).toEqual([
        '{"run":1}',
        '{"run":2}',
      ]);
    });
  },
);
