import { describe, expect, it } from 'vitest';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';

describeCache(CONFIGURATIONS, ({ open }) => {
  describe('a method whose result is put', () => {
    it('replaces what is stored with its result', async () => {
      const { cache } = open();
      await cache.set('k', 'old');
      const put = await cache.beginPut('k', ['t']);
      expect(await cache.storePut(put, 'k', 'new', { tags: ['t'] })).toEqual({ durable: true });
      cache.endPut(put);
      expect(await cache.get('k')).toBe('new');
      await cache.invalidate({ tags: ['t'] });
      expect(await cache.get('k')).toBeUndefined();
    });

    it.each([
      ['its key is deleted', 'delete'],
      ['one of its tags is invalidated', 'invalidate'],
      ['its key is set', 'set'],
    ])('leaves nothing of its own when %s meanwhile', async (_, what) => {
      const { cache } = open();
      const put = await cache.beginPut('k', ['t']);
      if (what === 'delete') await cache.delete('k');
      else if (what === 'set') await cache.set('k', 'set');
      else await cache.invalidate({ tags: ['t'] });
      await cache.storePut(put, 'k', 'of the method', { tags: ['t'] });
      cache.endPut(put);
      await cache.drain();
      expect(await cache.get('k')).toBeUndefined();
    });

    it('leaves the old value when it fails', async () => {
      const { cache } = open();
      await cache.set('k', 'old');
      const put = await cache.beginPut('k', []);
      cache.endPut(put);
      await cache.drain();
      expect(await cache.get('k')).toBe('old');
    });

    it('does not keep callers waiting, who produce for themselves', async () => {
      const { cache } = open();
      const put = await cache.beginPut('k', []);
      expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded');
      cache.endPut(put);
    });

    it('deletes both keys when it has changed the arguments that its key is made of', async () => {
      const { cache } = open();
      await cache.setMany([
        ['k', 1],
        ['l', 2],
      ]);
      const put = await cache.beginPut('k', []);
      await expect(cache.storePut(put, 'l', 'new', {})).rejects.toMatchObject({
        code: 'CACHE_KEY',
      });
      cache.endPut(put);
      expect(await cache.getMany(['k', 'l'])).toEqual([undefined, undefined]);
    });
  });
});
