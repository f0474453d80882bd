import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CachedEntry, EntryLru, type EntryOwner } from '../../../lib/backends/memory/lru.js';
import { entryOf } from './support.js';

class Owner implements EntryOwner {
  epoch = 0;
  readonly evicted: string[] = [];

  onEvicted({ name }: CachedEntry): void {
    this.evicted.push(name);
  }
}

function setUp(maxEntries = 100, maxBytes = 1_000_000) {
  const owner = new Owner();
  const lru = new EntryLru(maxEntries, maxBytes);
  const cached = (name: string, { body = '', expiresAt = Infinity } = {}) =>
    new CachedEntry(owner, owner.epoch, name, entryOf(name, body), undefined, expiresAt, undefined);
  const set = (name: string, more?: { body?: string; expiresAt?: number }) =>
    lru.set(cached(name, more));
  return { owner, lru, cached, set, names: () => [...lru.names()].sort() };
}

describe('the least recently used entries', () => {
  it('give way to new ones when there are too many', () => {
    const { owner, lru, set, names } = setUp(3);
    for (const name of ['a', 'b', 'c']) set(name);
    lru.get('a');
    set('d');
    expect([names(), owner.evicted]).toEqual([['a', 'c', 'd'], ['b']]);
    lru.get('never there');
    set('c');
    set('e');
    expect(names()).toEqual(['c', 'd', 'e']);
  });

  it('give way to a large one until the bytes suffice', () => {
    const { owner, lru, set } = setUp(100, 5_000);
    for (const name of ['a', 'b', 'c', 'd'])
      expect(set(name, { body: 'x'.repeat(500) })).toBe(true);
    expect(set('large', { body: 'x'.repeat(4_000) })).toBe(true);
    expect([lru.size, owner.evicted]).toEqual([1, ['a', 'b', 'c', 'd']]);
  });

  it('stay when a new one is larger than all may be together, which takes its own old value away', () => {
    const { owner, lru, set, names } = setUp(100, 5_000);
    for (const name of ['a', 'b']) set(name);
    expect(set('a', { body: 'x'.repeat(5_000) })).toBe(false);
    expect([names(), owner.evicted, lru.get('a')]).toEqual([['b'], ['a'], undefined]);
  });

  it('leave one by one when they are deleted', () => {
    const { lru, set, names } = setUp();
    for (const name of ['a', 'b', 'c']) set(name);
    expect([lru.delete('b'), lru.delete('b'), names()]).toEqual([true, false, ['a', 'c']]);
    expect([lru.delete('a'), lru.delete('c'), lru.size]).toEqual([true, true, 0]);
    set('d');
    expect(names()).toEqual(['d']);
  });
});

describe('a purge', () => {
  it('looks at so many entries and goes on where it stopped', () => {
    const { lru, set, names } = setUp();
    for (let i = 0; i < 6; i++) set(String(i), { expiresAt: i < 5 ? 10 : 100 });
    lru.purgeSome(2, 10);
    expect(names()).toEqual(['2', '3', '4', '5']);
    lru.purgeSome(2, 9);
    expect(names()).toEqual(['2', '3', '4', '5']);
    lru.purgeSome(1, 10);
    expect(names()).toEqual(['2', '3', '5']);
    lru.purgeSome(1, 10);
    lru.purgeSome(2, 10);
    expect(names()).toEqual(['5']);
  });

  it('takes entries of an epoch that has ended away', () => {
    const { owner, lru, set, names } = setUp();
    for (const name of ['a', 'b']) set(name);
    owner.epoch++;
    set('c');
    lru.purgeSome(10, 0);
    expect(names()).toEqual(['c']);
  });

  it('ends when nothing is left, and starts anew with new entries', () => {
    const { lru, set } = setUp();
    lru.purgeSome(10, 0);
    set('a', { expiresAt: 1 });
    lru.purgeSome(10, 1);
    set('b', { expiresAt: 1 });
    lru.purgeSome(10, 1);
    expect(lru.size).toBe(0);
  });

  it('goes on behind an entry that was used or removed while it was next', () => {
    const { lru, set, names } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) set(name, { expiresAt: name === 'a' ? 100 : 10 });
    lru.purgeSome(1, 10);
    lru.delete('b');
    lru.get('c');
    lru.purgeSome(2, 10);
    expect(names()).toEqual(['a']);
  });
});

describe('the size of an entry', () => {
  it('counts text as it is written, its key, its tags, and a decoded value', () => {
    const { owner } = setUp();
    const size = (name: string, body: string | Uint8Array, tags: string[] = [], frozen = 0) =>
      new CachedEntry(
        owner,
        0,
        name,
        entryOf('k', body, tags),
        frozen === 0 ? undefined : { value: body, size: frozen },
        0,
        undefined,
      ).size;
    const base = size('k', '');
    expect(size('k', 'x'.repeat(100))).toBe(base + 100);
    expect(size('k', '€'.repeat(100))).toBe(base + 300);
    expect(size('k', new Uint8Array(100))).toBe(base + 100);
    expect(size('kk', '')).toBe(base + 2);
    expect(size('k', '', ['tag'])).toBe(base + 27);
    expect(size('k', '', [], 50)).toBe(base + 50);
  });
});

describe('any sequence of uses', () => {
  it('keeps what a naive list keeps, in the same order', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          op: fc.constant('set' as const),
          name: names,
          length: fc.nat(1_200),
        }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('get' as const), name: names }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), name: names }) },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('purge' as const), count: fc.nat(8) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const max = { entries: 4, bytes: 4_000 };
        const { owner, lru, cached } = setUp(max.entries, max.bytes);
        let model: { name: string; size: number }[] = [];
        let evicted: string[] = [];
        const drop = (name: string): boolean => {
          const there = model.some((one) => one.name === name);
          if (there) evicted.push(name);
          model = model.filter((one) => one.name !== name);
          return there;
        };
        for (const one of steps) {
          if (one.op === 'set') {
            const entry = cached(one.name, { body: 'x'.repeat(one.length) });
            drop(one.name);
            const fits = entry.size <= max.bytes;
            expect(lru.set(entry)).toBe(fits);
            if (fits) model.push({ name: one.name, size: entry.size });
            const bytes = () => model.reduce((sum, { size }) => sum + size, 0);
            while (model.length > max.entries || bytes() > max.bytes) drop(model[0]?.name ?? '');
          } else if (one.op === 'get') {
            const found = model.find(({ name }) => name === one.name);
            expect(lru.get(one.name)?.name).toBe(found?.name);
            if (found !== undefined) model = [...model.filter((other) => other !== found), found];
          } else if (one.op === 'delete') {
            expect(lru.delete(one.name)).toBe(drop(one.name));
          } else {
            // Nothing has expired, and all are of this epoch.
            lru.purgeSome(one.count, 0);
          }
          expect(lru.size).toBe(model.length);
          expect([...lru.names()].sort()).toEqual(model.map(({ name }) => name).sort());
          expect(owner.evicted).toEqual(evicted);
        }
        evicted = [];
      }),
    );
  });
});
