import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServerClock } from '../../../../lib/backends/redis/connection/server-clock.js';

describe('ServerClock', () => {
  it('prefers the reply that took least, lets it age, and follows a contradiction', () => {
    const time = new ServerClock();
    expect(time.now(5)).toBe(5);
    time.learn(1_000, 10, 5, 0);
    expect(time.now(5)).toBe(1_005);
    time.learn(1_090, 100, 100, 100);
    expect(time.now(5)).toBe(1_005);
    time.learn(1_101, 4, 100, 101);
    expect(time.now(100)).toBe(1_103);
    time.learn(500_000, 100, 200, 200);
    expect(time.now(200)).toBe(500_050);
    time.learn(NaN, 0, 0, 201);
    expect(time.now(200)).toBe(500_050);
  });

  it('is never further off than half the round trip of the reply it is computed from', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(fc.tuple(fc.nat(100), fc.nat(100)), { minLength: 1 }),
        (skew, answers) => {
          const time = new ServerClock();
          let local = 1e12;
          let least = Infinity;
          for (const [there, back] of answers) {
            local += there + back;
            least = Math.min(least, there + back);
            time.learn(local + skew - back, there + back, local, local);
          }
          expect(Math.abs(time.now(local) - local - skew)).toBeLessThanOrEqual(least / 2 + 1);
        },
      ),
    );
  });
});
