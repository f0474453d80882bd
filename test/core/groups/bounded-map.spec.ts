import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../../lib/core/groups/bounded-map.js';

describe('a bounded map', () => {
  it('keeps the most recently written values, and returns the one that gives way', () => {
    const map = new BoundedMap<number>(5);
    const order: string[] = [];
    for (let i = 0; i < 5_000; i++) {
      const id = `n${String((i * i) % 11)}`;
      if (order.includes(id)) order.splice(order.indexOf(id), 1);
      order.push(id);
      const dropped = order.length > 5 ? order.shift() : undefined;
      const before = dropped === undefined ? undefined : map.get(dropped);
      expect(map.set(id, i)).toBe(before);
      expect(order.map((one) => map.get(one) !== undefined)).toEqual(order.map(() => true));
      if (dropped !== undefined) expect(map.get(dropped)).toBeUndefined();
      expect(map.size).toBe(order.length);
    }
  });

  it('does not count a read as a use', () => {
    const map = new BoundedMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    expect(map.set('c', 3)).toBe(1);
  });

  it('replaces a value in its place when it is the newest already', () => {
    const map = new BoundedMap<number>(2);
    map.set('a', 1);
    for (let i = 0; i < 10; i++) expect(map.set('b', i)).toBeUndefined();
    expect([map.size, map.get('a'), map.get('b')]).toEqual([2, 1, 9]);
    expect(map.set('c', 3)).toBe(1);
  });

  it('drops the oldest among many as soon as among few', () => {
    /** Steps of the iterator that a map of this size takes for 20,000 writes. */
    const stepsOf = (max: number): number => {
      let steps = 0;
      const iterator = Object.getPrototypeOf(new Map().entries()) as { next: () => unknown };
      const { next } = iterator;
      try {
        iterator.next = function (this: unknown) {
          steps++;
          return Reflect.apply(next, this, []);
        };
        const map = new BoundedMap<number>(max);
        for (let i = 0; i < max; i++) map.set(String(i), i);
        for (let i = 0; i < 20_000; i++) map.set(`n${String(i)}`, i);
      } finally {
        iterator.next = next;
      }
      return steps;
    };
    expect(stepsOf(300_000)).toBe(stepsOf(100));
  });
});
