import { beforeEach, describe, expect, it } from 'vitest';
import { type CacheService, createCache, MemoryBackend } from '../../lib/index.js';

const values = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
  );

describe('after close', () => {
  let backend: MemoryBackend;
  let closed: CacheService;
  let open: CacheService;

  beforeEach(async () => {
    backend = new MemoryBackend();
    closed = createCache({ backend });
    open = createCache({ backend });
    await open.set('k', 'stored', { tags: ['t'] });
    expect(await closed.get('k')).toBe('stored');
    await closed.close();
  });

  it('reads find nothing, and what is asked for is produced without caching', async () => {
    expect(await closed.get('k')).toBeUndefined();
    expect(await closed.getMany(['k', 'l'])).toEqual([undefined, undefined]);
    expect(await closed.getOrSet('k', () => 'made')).toBe('made');
    expect((await closed.getOrSetDetailed('k', () => 'made')).outcome).toBe('bypass');
    expect(await open.get('k')).toBe('stored');
    await open.close();
  });

  it('a batch is produced in one call, without caching', async () => {
    await open.invalidate({ tags: ['t'] });
    const calls: (readonly string[])[] = [];
    const load = (missing: readonly string[]) => {
      calls.push(missing);
      return missing.map((key) => (key === 'bad' ? new Error('no such row') : `made ${key}`));
    };
    expect(values(await closed.getOrSetMany(['k', 'bad', 'k', 'l'], load))).toEqual([
      'made k',
      'no such row',
      'made k',
      'made l',
    ]);
    expect(calls).toEqual([['k', 'bad', 'l']]);
    expect(closed.stats()).toMatchObject({ cache_bypassed: 3, flights: 0 });
    expect(await open.getMany(['k', 'l'])).toEqual([undefined, undefined]);
    await open.close();
  });

  it.each([
    ['set', (cache: CacheService) => cache.set('k', 'new')],
    ['setMany', (cache: CacheService) => cache.setMany([['k', 'new']])],
    ['delete', (cache: CacheService) => cache.delete('k')],
    ['deleteMany', (cache: CacheService) => cache.deleteMany(['k'])],
    ['invalidate', (cache: CacheService) => cache.invalidate({ tags: ['t'] })],
    ['clear', (cache: CacheService) => cache.clear()],
  ])('%s changes nothing, and says so', async (_, change) => {
    expect(await change(closed)).toEqual({ durable: false });
    expect(await open.get('k')).toBe('stored');
    expect(closed.stats().journal).toBe(0);
    await open.close();
  });

  it('a unit of work runs, and what it changes is not changed either', async () => {
    expect(await closed.unitOfWork(() => closed.delete('k'))).toEqual({
      durable: false,
      held: true,
    });
    expect(await open.get('k')).toBe('stored');
    await open.close();
  });

  it('a strict cache rejects what it cannot change', async () => {
    const strict = createCache({ strict: true });
    await strict.close();
    await expect(strict.delete('k')).rejects.toThrow(
      'The cache is closed, so nothing was changed.',
    );
    await expect(strict.set('k', 1)).rejects.toMatchObject({ code: 'CACHE_NOT_DURABLE' });
    await open.close();
  });
});
