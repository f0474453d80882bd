import { describe, expect, it } from 'vitest';
import {
  escapeGlob,
  hashTag,
  RedisKeys,
  slotOf,
} from '../../../../lib/backends/redis/entries/redis-keys.js';

describe('RedisKeys', () => {
  it('puts a value with its lease, and a clock with its markers, into one slot', () => {
    const names = new RedisKeys('ns');
    expect(
      new Set(
        [names.value('k'), names.lease('k'), names.waiters('k'), names.settle('k')].map(slotOf),
      ).size,
    ).toBe(1);
    expect(
      new Set([names.clock('42'), names.marker('42', '*'), names.marker('42', 't:a')].map(slotOf))
        .size,
    ).toBe(1);
    expect([names.value('k'), names.marker('', '*'), names.stream]).toEqual([
      'ns:{k}',
      'ns:{~}:m:*',
      'ns:{~}:n',
    ]);
  });

  it('computes the slots of the cluster specification', () => {
    expect([
      slotOf('123456789'),
      slotOf('foo{bar}baz'),
      slotOf('bar'),
      slotOf('foo{}{bar}'),
    ]).toEqual([12739, 5061, 5061, slotOf('foo{}{bar}')]);
    expect([hashTag('foo{}{bar}'), hashTag('a{b}c{d}'), hashTag('a{b'), hashTag('{{a}}')]).toEqual([
      'foo{}{bar}',
      'b',
      'a{b',
      '{a',
    ]);
  });

  it('escapes what Redis would take for a pattern', () => {
    expect(escapeGlob('a*b?c[d]e\\f^g-h')).toBe('a\\*b\\?c\\[d\\]e\\\\f\\^g\\-h');
  });
});
