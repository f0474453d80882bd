import { describe, expect, it } from 'vitest';
import { CONFIGURATIONS, describeCache, placeOf } from '../../support/describe-cache.js';
import { deferred } from '../../support/fleet.js';

describeCache(CONFIGURATIONS, ({ open }) => {
  describe('callers who wait for one load', () => {
    it('leave it one by one, and end it with the last', async () => {
      const { cache, clock } = open();
      const [one, two] = [new AbortController(), new AbortController()];
      let seen: AbortSignal | undefined;
      const read = ({ signal }: AbortController) => {
        const asked = cache.getOrSet(
          'k',
          (context) => {
            seen = context.signal;
            return new Promise<string>((_, reject) => {
              seen?.addEventListener('abort', () => {
                reject(new Error('ended'));
              });
            });
          },
          { signal },
        );
        asked.catch(() => undefined);
        return asked;
      };
      const [first, second] = [read(one), read(two)];
      await clock.advance(1);
      one.abort(new Error('one leaves'));
      await expect(first).rejects.toThrow('one leaves');
      expect(seen?.aborted).toBe(false);
      two.abort(new Error('two leaves'));
      await expect(second).rejects.toThrow('two leaves');
      await clock.advance(1);
      expect([seen?.aborted, cache.stats().flights]).toEqual([true, 0]);
    });

    it('may be producers that wait for each other, which are refused without an unhandled rejection', async () => {
      const { cache, clock } = open();
      // Each asks for the other's key at once: the load that is refused was started for it alone.
      const asked = cache.getOrSet('a', () =>
        cache.getOrSet('b', () => cache.getOrSet('a', () => 'never')),
      );
      await expect(asked).rejects.toMatchObject({ code: 'CACHE_REENTRANT' });
      await clock.advance(1);
      expect(cache.stats().flights).toBe(0);
    });
  });
});

describe('caches that share their loads in one memory', () => {
  it('load again when the cache that ran the load is closed', async () => {
    const { open, clock } = placeOf('memory/copy');
    const [closing, other] = [open(), open()];
    const { promise } = deferred<string>();
    const first = closing.cache.getOrSet('k', () => promise);
    first.catch(() => undefined);
    const second = other.cache.getOrSet('k', () => 'by the other');
    await Promise.all([closing.cache.close(), clock.advance(2_000)]);
    await expect(first).rejects.toMatchObject({ code: 'CACHE_CLOSED' });
    expect(await second).toBe('by the other');
  });
});
