import { describe, expect, it } from 'vitest';
import { CacheConfigError, CacheKeyError } from '../../../lib/ports/errors.js';
import { describeCache, placeOf } from '../../support/describe-cache.js';

describe('plain string keys', () => {
  it('stay apart, and the same, however many there are', async () => {
    const { cache } = placeOf('memory/copy').open();
    const keys = Array.from({ length: 4_500 }, (_, i) => `page:${String(i)}`);
    for (const round of [0, 1]) {
      for (const key of keys)
        expect(await cache.getOrSet(key, () => `${key}/${String(round)}`)).toBe(`${key}/0`);
    }
  });

  it('are refused every time when they cannot be keys', async () => {
    const { cache } = placeOf('memory/copy').open({ tenancy: 'required' });
    for (let i = 0; i < 2; i++)
      await expect(cache.getOrSet('page:1', () => 1)).rejects.toBeInstanceOf(CacheConfigError);
    for (let i = 0; i < 2; i++)
      await expect(cache.getOrSet('', () => 1)).rejects.toBeInstanceOf(CacheKeyError);
  });
});

describeCache(['memory/copy', 'shared', 'two methods'], ({ open }) => {
  it('puts plain string keys into the tenant that the resolver gives at that moment', async () => {
    let tenant: string | undefined;
    const { cache } = open({ tenant: () => tenant });
    const read = async (): Promise<string> => {
      const value = await cache.getOrSet('page:1', () => `of ${tenant ?? 'nobody'}`);
      await cache.drain();
      return value;
    };
    expect(await read()).toBe('of nobody');
    tenant = 'ann';
    expect(await read()).toBe('of ann');
    tenant = undefined;
    expect(await read()).toBe('of nobody');
  });
});
