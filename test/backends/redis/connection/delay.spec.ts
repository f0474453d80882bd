import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayBefore, ReplacementLimit } from '../../../../lib/backends/redis/connection/delay.js';

describe('delays', () => {
  it('keeps attempts 200 ms apart, and grows to 0.7 s at most unless the server refuses', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const pause = delayBefore(failures, performance.now(), new Error('x'), () => random);
          expect(pause).toBeGreaterThan(150);
          expect(pause).toBeLessThanOrEqual(700);
          expect(
            delayBefore(failures, performance.now() - 5_000, new Error('x'), () => random),
          ).toBeLessThanOrEqual(700);
        },
      ),
    );
    expect(delayBefore(0, performance.now() - 5_000, new Error('x'))).toBe(0);
    expect(delayBefore(1, 0, new Error('WRONGPASS invalid'))).toBeGreaterThanOrEqual(1_000);
  });
});

describe('the limit of replacements', () => {
  it('doubles its interval with each replacement, and starts small again after a while', () => {
    const limit = new ReplacementLimit();
    const at = [0, 4_999, 5_000, 9_999, 15_000, 200_000, 204_999, 205_000];
    expect(at.map((now) => limit.tryReplace(now))).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
      false,
      true,
    ]);
  });
});
