import { describe, expect, it } from 'vitest';
import { mapInChunks, MAX_CONCURRENT_KEYS } from '../../../lib/core/read/map-in-chunks.js';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('mapInChunks', () => {
  it('gives the results in the order of the items, with at most 1,000 tasks at a time', async () => {
    let running = 0;
    let most = 0;
    const results = await mapInChunks(numbers(2_500), async (i) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return 2 * i;
    });
    expect(results).toEqual(numbers(2_500).map((i) => 2 * i));
    expect(most).toBe(MAX_CONCURRENT_KEYS);
  });

  it('throws the first error when everything has settled', async () => {
    let settled = 0;
    const running = mapInChunks(numbers(1_500), async (i) => {
      await Promise.resolve();
      settled++;
      if (i === 7 || i === 1_200) throw new Error(`item ${String(i)}`);
      return i;
    });
    await expect(running).rejects.toThrow('item 7');
    expect(settled).toBe(1_500);
  });

  it('gives nothing for nothing', async () => {
    expect(await mapInChunks([], () => Promise.reject(new Error('never called')))).toEqual([]);
  });
});
