import { describe, expect, it } from 'vitest';
import { UnshareableKeys } from '../../../lib/nest/http/observations.js';

describe('unshareable keys', () => {
  it('reports a key for five seconds, and then lets one caller try again', () => {
    const passes = new UnshareableKeys();
    passes.add('a', 0);
    expect([passes.has(() => 'a', 4_999), passes.has(() => 'b', 0)]).toEqual([true, false]);
    expect([
      passes.has(() => 'a', 5_000),
      passes.has(() => 'a', 5_000),
      passes.has(() => 'a', 10_000),
    ]).toEqual([false, true, false]);
    passes.remove(() => 'a');
    expect(passes.has(() => 'a', 5_000)).toBe(false);
  });

  it('builds no name while there are no keys, and bounds their number and length', () => {
    const passes = new UnshareableKeys();
    passes.has(() => {
      throw new Error('asked');
    }, 0);
    for (let i = 0; i < 1_001; i++) passes.add(String(i), 0);
    passes.add('x'.repeat(1_001), 0);
    expect(['0', '1', '1000', 'x'.repeat(1_001)].map((name) => passes.has(() => name, 0))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
