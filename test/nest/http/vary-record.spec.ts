import { Controller, Get, Header, Headers, Post } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheBackend } from '../../../lib/backend.js';
import { ManualClock } from './manual-clock.js';
import { Cached, PLATFORMS, startApp, type TestApp } from './support.js';

const TTL = 10_000;
const WINDOW = 20_000;

let runs = 0;
let held: Promise<void> | undefined;

@Controller()
class Routes {
  @Get('page')
  @Header('vary', 'accept-language')
  @Cached({ ttl: TTL, staleWhileRevalidate: WINDOW })
  async page(@Headers('accept-language') language: string): Promise<string> {
    const run = ++runs;
    await held;
    return `${language} ${String(run)}`;
  }

  @Post('page')
  change(): void {}
}

describe.each(PLATFORMS)('the record of what a response varies by, on %s', (platform) => {
  let clock: ManualClock;
  let app: TestApp;
  const longest: number[] = [];
  const stored = new Map<string, Uint8Array>();
  const backend: CacheBackend = {
    get: (key) => Promise.resolve(stored.get(key)),
    set: (key, bytes, ttlMs) => {
      longest.push(ttlMs);
      return Promise.resolve(stored.set(key, bytes));
    },
  };
  const ask = async (language: string): Promise<string> => {
    const { body } = await app.get('/page', { 'accept-language': language });
    await app.cache.drain();
    return body;
  };

  beforeEach(() => {
    [runs, held] = [0, undefined];
    clock = new ManualClock();
  });
  afterEach(async () => {
    await app.close();
    stored.clear();
    longest.length = 0;
  });

  it('ends with the response, for which anybody can make up a URI', async () => {
    app = await startApp(platform, [Routes], { cache: { clock, backend } });
    await ask('de');
    await ask('en');
    expect(longest.length).toBeGreaterThan(2);
    expect(Math.max(...longest)).toBeLessThanOrEqual(TTL + WINDOW);
  });

  it('lives as long as the variants that are refreshed under it', async () => {
    app = await startApp(platform, [Routes], { cache: { clock } });
    await ask('de');
    await ask('en');
    for (let round = 0; round < 8; round++) {
      await clock.advance(TTL + 1_000);
      for (const language of ['de', 'en']) {
        const before = runs;
        // The stale one at once; the handler runs behind it.
        expect(await ask(language)).toBe(`${language} ${String(before - 1)}`);
        expect(runs).toBe(before + 1);
      }
    }
  });

  it('does not come back when a variant is stored after its URI was invalidated', async () => {
    app = await startApp(platform, [Routes], { cache: { clock } });
    await ask('de');
    let release: () => void = () => undefined;
    held = new Promise((resolve) => (release = resolve));
    const running = ask('en');
    while (runs < 2) await new Promise((resolve) => setImmediate(resolve));
    await app.send('POST', '/page');
    release();
    expect(await running).toBe('en 2');
    held = undefined;
    expect([await ask('de'), await ask('en')]).toEqual(['de 3', 'en 4']);
  });
});
