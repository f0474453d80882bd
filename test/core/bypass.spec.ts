import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { GetOrSetOptions } from '../../lib/core/options/types.js';
import { createCache } from '../../lib/create-cache.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';

const ways = ['in a unit of work', 'after the cache was closed'] as const;

async function past(way: (typeof ways)[number]) {
  const clock = new FakeClock();
  const cache = createCache({ clock, producerTimeout: { hard: 1_000 } });
  const closing = way === ways[0] ? undefined : cache.close();
  if (closing !== undefined) await Promise.all([closing, clock.advance(2_000)]);
  const ask = <T>(
    producer: (context: { signal: AbortSignal }) => Promise<T>,
    options?: GetOrSetOptions<T>,
  ) =>
    closing === undefined
      ? cache.unitOfWork(() => cache.getOrSet('k', producer, options))
      : cache.getOrSet('k', producer, options);
  return { clock, cache, ask };
}

describe.each(ways)('a producer that runs past the cache, %s', (way) => {
  it('is ended by its hard timeout', async () => {
    const { clock, cache, ask } = await past(way);
    let seen: AbortSignal | undefined;
    const asked = ask(({ signal }) => {
      seen = signal;
      return new Promise<string>(() => undefined);
    });
    asked.catch(() => undefined);
    await setImmediate();
    await clock.advance(999);
    expect(seen?.aborted).toBe(false);
    await clock.advance(1);
    await expect(asked).rejects.toMatchObject({ code: 'CACHE_PRODUCER_TIMEOUT' });
    expect([seen?.aborted, clock.pending, cache.stats().cache_producer_timeouts]).toEqual([
      true,
      0,
      1,
    ]);
  });

  it('gives what it gives, and leaves no timer behind', async () => {
    const { clock, ask } = await past(way);
    const error = new Error('not found');
    expect(await ask(() => Promise.resolve('v'))).toBe('v');
    await expect(ask(() => Promise.reject(error))).rejects.toBe(error);
    expect(clock.pending).toBe(0);
  });

  it('is told when its caller has lost patience, who does not wait for it', async () => {
    const { ask } = await past(way);
    const impatience = new AbortController();
    const heard = vi.fn();
    const asked = ask(
      ({ signal }) => {
        signal.addEventListener('abort', heard);
        return new Promise<string>(() => undefined);
      },
      { signal: impatience.signal },
    );
    await setImmediate();
    impatience.abort(new Error('no patience'));
    await expect(asked).rejects.toThrow('no patience');
    expect(heard).toHaveBeenCalledOnce();
    await expect(
      ask(() => new Promise<string>(() => undefined), { signal: impatience.signal }),
    ).rejects.toThrow('no patience');
  });
});
