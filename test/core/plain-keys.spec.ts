import { describe, expect, it } from 'vitest';
import { createCache } from '../../lib/create-cache.js';
import { CacheConfigError, CacheKeyError } from '../../lib/ports/errors.js';

describe('plain string keys', () => {
  it('stay apart, and the same, however many there are', async () => {
    const cache = createCache();
    const keys = Array.from({ length: 4_500 }, (_, i) => `page:${String(i)}`);
    for (const round of [0, 1]) {
      for (const key of keys)
        expect(await cache.getOrSet(key, () => `${key}/${String(round)}`)).toBe(`${key}/0`);
    }
    await cache.close();
  });

  it('belong to the tenant that the resolver gives at that moment, also when there was none before', async () => {
    let tenant: string | undefined;
    const cache = createCache({ tenant: () => tenant });
    const read = (): Promise<string> => cache.getOrSet('page:1', () => `of ${tenant ?? 'nobody'}`);
    expect(await read()).toBe('of nobody');
    tenant = 'ann';
    expect(await read()).toBe('of ann');
    tenant = undefined;
    expect(await read()).toBe('of nobody');
    await cache.close();
  });

  it('are refused every time when they cannot be keys', async () => {
    const cache = createCache({ tenancy: 'required' });
    for (let i = 0; i < 2; i++)
      await expect(cache.getOrSet('page:1', () => 1)).rejects.toBeInstanceOf(CacheConfigError);
    for (let i = 0; i < 2; i++)
      await expect(cache.getOrSet('', () => 1)).rejects.toBeInstanceOf(CacheKeyError);
    await cache.close();
  });
});
