import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../lib/core/read/backoff.js';

describe('the pauses after failures', () => {
  it('double from one second to thirty', () => {
    const backoff = new Backoff();
    const lengths: number[] = [];
    for (let i = 0; i < 7; i++) {
      backoff.onFailure('k', 0);
      let length = 0;
      while (backoff.isPaused('k', length)) length += 500;
      lengths.push(length);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('are for one key, and end with a success', () => {
    const backoff = new Backoff();
    backoff.onFailure('k', 0);
    expect([backoff.isPaused('k', 0), backoff.isPaused('other', 0)]).toEqual([true, false]);
    backoff.onSuccess('k');
    expect(backoff.isPaused('k', 0)).toBe(false);
    backoff.onFailure('k', 0);
    expect([backoff.isPaused('k', 999), backoff.isPaused('k', 1_000)]).toEqual([true, false]);
  });

  it('are remembered for 10,000 keys, the ones that failed last', () => {
    const backoff = new Backoff();
    for (let i = 0; i < 10_000; i++) backoff.onFailure(String(i), 0);
    backoff.onFailure('0', 0);
    backoff.onFailure('10000', 0);
    expect(['0', '1', '2', '10000'].map((key) => backoff.isPaused(key, 0))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});
