import { describe, expect, it } from 'vitest';
import type { KeyLike } from '../../lib/core/options/types.js';
import { createCache } from '../../lib/create-cache.js';
import { Actor, type Cached, type Source } from './actor.js';
import { check } from './checker.js';
import { DURABLE, History, LOCAL, READ } from './history.js';
import { SEED } from './length.js';
import { MemorySource } from './memory-source.js';
import { World } from './world.js';

const MS = 1e6;
const everyone = (): number => 0;

function history(
  ...rows: readonly (readonly [number, number, number, number, number, number])[]
): History {
  const made = new History();
  for (const row of rows) made.add(...row);
  return made;
}

describe('the history checker', () => {
  it('accepts an old value read before the acknowledgement, and the new one after it', () => {
    const verdict = check(
      history(
        [0, DURABLE, 7, 2, 1 * MS, 2 * MS],
        [1, READ, 7, 1, 1.9 * MS, 9 * MS],
        [1, READ, 7, 2, 3 * MS, 4 * MS],
        [1, READ, 8, 0, 3 * MS, 4 * MS],
      ),
      everyone,
    );
    expect(verdict).toMatchObject({ staleCount: 0, reads: 3, invalidations: 1 });
  });

  it('flags an old value whose read started after the acknowledgement, by process, row and age', () => {
    const verdict = check(
      history([0, DURABLE, 7, 2, 1 * MS, 2 * MS], [1, READ, 7, 1, 5 * MS, 6 * MS]),
      everyone,
    );
    expect(verdict.stale).toMatchObject([
      { process: 1, row: 7, got: 1, expected: 2, ageMs: 3, by: 0 },
    ]);
  });

  it('gives other processes their bound, and the same process none', () => {
    const made = history(
      [0, DURABLE, 7, 2, 0, 2 * MS],
      [0, READ, 7, 1, 5 * MS, 6 * MS],
      [1, READ, 7, 1, 5 * MS, 6 * MS],
      [1, READ, 7, 1, 99 * MS, 100 * MS],
    );
    expect(check(made, () => 50).stale.map(({ process, ageMs }) => [process, ageMs])).toEqual([
      [0, 3],
      [1, 97],
    ]);
  });

  it('holds an invalidation that is not durable against its own process only', () => {
    const made = history(
      [0, LOCAL, 7, 2, 0, 2 * MS],
      [0, READ, 7, 1, 5 * MS, 6 * MS],
      [1, READ, 7, 1, 5 * MS, 6 * MS],
    );
    expect(check(made, everyone).stale.map(({ process }) => process)).toEqual([0]);
  });

  it('does not forget a newer invalidation that was acknowledged before an older one', () => {
    const made = history(
      [0, DURABLE, 7, 3, 0, 2 * MS],
      [1, DURABLE, 7, 2, 0, 3 * MS],
      [2, READ, 7, 2, 5 * MS, 6 * MS],
    );
    expect(check(made, everyone).stale).toMatchObject([{ got: 2, expected: 3 }]);
  });

  it('measures how long other processes went on seeing the old value', () => {
    const made = history(
      [0, DURABLE, 7, 2, 0, 2 * MS],
      [1, READ, 7, 1, 5 * MS, 6 * MS],
      [1, READ, 7, 1, 8 * MS, 9 * MS],
      [1, READ, 7, 2, 9 * MS, 9 * MS],
    );
    expect(check(made, () => 250)).toMatchObject({ staleCount: 0, lagMax: 6 });
  });

  it.each([
    ['a plain map that loads race into', (): Cached => mapCache(false)],
    ['a cache that forgets to detach loads at a delete', (): Cached => mapCache(true)],
    ['a cache whose tag invalidations do nothing', (): Cached => ignoring('invalidate')],
    ['a cache whose clear does nothing', (): Cached => ignoring('clear')],
    ['a cache whose deletes do nothing', (): Cached => ignoring('delete')],
  ])('flags %s within five seconds of acting', async (_what, make) => {
    const source: Source = new MemorySource();
    const made = new History();
    const actor = new Actor(0, make(), new World(24, 1), source, made);
    let verdict = check(made, everyone);
    for (let round = 0; round < 10 && verdict.staleCount === 0; round++) {
      await actor.run({
        ms: 500,
        users: 20,
        producerMs: 4,
        pauseMs: 1,
        changes: 0.2,
        failures: 0,
        seed: SEED + round,
      });
      verdict = check(made, everyone);
    }
    expect(verdict.staleCount).toBeGreaterThan(0);
  });
});

/** What people write first: look, load, store. */
function mapCache(shared: boolean): Cached {
  const values = new Map<string, unknown>();
  const loading = new Map<string, Promise<unknown>>();
  const nameOf = (key: KeyLike): string => String(key);
  const durable = Promise.resolve({ durable: true });
  const context = {
    signal: new AbortController().signal,
    stale: undefined,
    setTtl() {},
    addTags() {},
    skip() {},
  };
  return {
    async getOrSet<T>(key: KeyLike, producer: (given: never) => T | Promise<T>): Promise<T> {
      const name = nameOf(key);
      if (values.has(name)) return values.get(name) as T;
      const running = shared ? loading.get(name) : undefined;
      if (running !== undefined) return running as Promise<T>;
      const load = Promise.resolve(producer(context as never));
      loading.set(name, load);
      try {
        const value = await load;
        values.set(name, value);
        return value;
      } finally {
        loading.delete(name);
      }
    },
    get: async <T>(key: KeyLike) => values.get(nameOf(key)) as T | undefined,
    async set(key: KeyLike, value: unknown) {
      values.set(nameOf(key), value);
      return durable;
    },
    async delete(key: KeyLike) {
      values.delete(nameOf(key));
      return durable;
    },
    async invalidate() {
      values.clear();
      return durable;
    },
    async clear() {
      values.clear();
      return durable;
    },
  };
}

/** The real one, with one method that only says that it did it. */
function ignoring(method: 'delete' | 'invalidate' | 'clear'): Cached {
  const cache = createCache();
  const made: Cached = {
    getOrSet: (key, producer, options) => cache.getOrSet(key, producer, options),
    get: (key) => cache.get(key),
    set: (key, value, options) => cache.set(key, value, options),
    delete: (key) => cache.delete(key),
    invalidate: (request) => cache.invalidate(request),
    clear: (request) => cache.clear(request),
  };
  return { ...made, [method]: () => Promise.resolve({ durable: true }) };
}
