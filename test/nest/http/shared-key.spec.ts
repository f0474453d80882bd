import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { CacheKey, CacheService, type Codec, jsonCodec } from '../../../lib/index.js';
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

describe.each(['express', 'fastify'] as const)('a route and a service that use one key, on %s', (platform) => {
  it.each<[string, 'json' | 'cbor' | Codec]>([
    ['json', 'json'],
    ['cbor', 'cbor'],
    ['its own', own],
  ])('each get what is theirs, in a cache whose codec is %s', async (_, codec) => {
    runs = 0;
    const { app, get } = await start({ platform, cache: { codec }, controllers: [RatesController], providers: [Rates] });
    const visit = await listen(app);
    const ask = async (): Promise<string> => (await visit('/rates')).text;
    const cache = get(CacheService);
    const rates = get(Rates);
    expect([await ask(), await ask()]).toEqual(['{"run":1}', '{"run":1}']);
    expect((await visit('/rates', { method: 'HEAD' })).headers.get('cache-status')).toContain('hit');
    expect([await rates.value(), await rates.value()]).toEqual([{ euro: 1 }, { euro: 1 }]);
    await cache.drain();
    expect([await ask(), await ask()]).toEqual(['{"run":2}', '{"run":2}']);
    await cache.drain();
    await cache.delete('rates');
    expect([await ask(), await ask()]).toEqual(['{"run":3}', '{"run":3}']);
    expect(cache.stats()).toMatchObject({ cache_corrupt: 0, cache_unstorable: 0 });
  });
});
