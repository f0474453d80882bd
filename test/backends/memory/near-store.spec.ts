import { describe, expect, it } from 'vitest';
import { acquire, entryOf, nearOf, read, setUp } from './support.js';

describe('the near store', () => {
  it('returns no entry from the moment of its expiry', async () => {
    const { near, clock, later } = setUp();
    near.put('k', nearOf('k'), later(500));
    await clock.advance(499);
    expect(near.get('k')?.entry.key).toBe('k');
    await clock.advance(1);
    expect([near.get('k'), near.size]).toEqual([undefined, 0]);
  });

  it('keeps nothing that has expired already, and drops what was there', () => {
    const { near, later } = setUp();
    near.put('k', nearOf('k'), later());
    expect(near.put('k', nearOf('k'), later(0))).toBe(false);
    expect(near.get('k')).toBe(undefined);
  });

  it('hands the same object to every reader, and nothing is made for a hit', () => {
    const { near, later } = setUp();
    near.put('k', nearOf('k'), later());
    expect(near.get('k')).toBe(near.get('k'));
  });

  it('keeps the frozen value and the proof that were put with the entry', () => {
    const { near, later } = setUp();
    const [frozen, proof] = [{ value: {}, size: 1 }, {}];
    near.put('k', { ...nearOf('k'), frozen, stamp: proof }, later());
    expect(near.get('k')?.frozen).toBe(frozen);
    expect(near.get('k')?.stamp).toBe(proof);
  });

  it('holds an entry once, whether it was filled or put', async () => {
    const { near, store, later } = setUp();
    const entry = entryOf('k');
    const [frozen, proof] = [{ value: {}, size: 1 }, {}];
    await store.acquire(acquire('k', 'L1'));
    await store.fill('k', 'L1', entry, 1_000);
    expect(near.get('k')?.entry).toBe(entry);
    near.put('k', { entry, frozen, stamp: proof }, later());
    expect([near.size, near.get('k')?.frozen]).toEqual([1, frozen]);
    await store.set('k', entry, 1_000);
    expect([near.get('k')?.frozen, near.get('k')?.stamp]).toEqual([frozen, proof]);
    await store.set('k', entryOf('k'), 1_000);
    expect([near.size, near.get('k')?.frozen, near.get('k')?.stamp]).toEqual([
      1,
      undefined,
      undefined,
    ]);
    expect(near.get('k')?.entry).not.toBe(entry);
  });

  it('removes', () => {
    const { near, later } = setUp();
    near.put('k', nearOf('k'), later());
    near.remove('k');
    near.remove('never there');
    expect([near.get('k'), near.size]).toEqual([undefined, 0]);
  });

  it('is empty at once after clear, and takes new entries', () => {
    const { near, later } = setUp();
    for (let i = 0; i < 5_000; i++) near.put(`k${String(i)}`, nearOf('k'), later());
    near.clear();
    expect([near.size, near.get('k4999')]).toEqual([0, undefined]);
    near.put('k4998', nearOf('new'), later());
    near.put('k0', nearOf('new'), later());
    expect([near.size, near.get('k4998')?.entry.key, near.get('k0')?.entry.key]).toEqual([
      2,
      'new',
      'new',
    ]);
    near.clear();
    near.clear();
    expect([near.size, near.get('k0')]).toEqual([0, undefined]);
  });

  it('gives the memory of what was cleared or has expired back, a little with each put', async () => {
    const { near, backend, later, clock, open } = setUp();
    const { shelf } = near;
    for (let i = 0; i < 5_000; i++) near.put(`k${String(i)}`, nearOf('k'), later());
    near.clear();
    expect(shelf.slots.size).toBe(4_000);
    for (let i = 0; i < 2_001; i++) near.put('same', nearOf('same'), later());
    expect([shelf.slots.size, near.size]).toEqual([1, 1]);
    for (let i = 0; i < 100; i++) near.put(`short${String(i)}`, nearOf('k'), later(10));
    await clock.advance(10);
    for (let i = 0; i < 60; i++) near.put('same', nearOf('same'), later());
    expect([shelf.slots.size, near.size]).toEqual([1, 1]);
    expect(await backend.get('same')).toBe(undefined);
    expect(open('other').near.size).toBe(0);
  });

  it('keeps count whatever happens in whatever order', () => {
    const { near, store, open, later, clock } = setUp({ maxEntries: 40 });
    const other = open('other').near;
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 16_807) % 2_147_483_647) % n;
    for (let step = 0; step < 6_000; step++) {
      const key = `k${String(random(60))}`;
      const dice = random(40);
      if (dice < 20) near.put(key, nearOf(key), later(1 + random(50)));
      else if (dice < 28) near.get(key);
      else if (dice < 32) near.remove(key);
      else if (dice < 36) other.put(key, nearOf(key), later());
      else if (dice < 37) near.clear();
      else if (dice < 38) void store.set(key, entryOf(key), 5);
      else void clock.advance(1);
      expect(near.size).toBeGreaterThanOrEqual(0);
      expect(near.size + other.size).toBeLessThanOrEqual(near.shelf.slots.size);
    }
    near.clear();
    other.clear();
    expect([near.size, other.size, near.shelf.slots.size, near.shelf.slots.calculatedSize]).toEqual(
      [0, 0, 0, 0],
    );
  });

  it('is what the fenced store reads', async () => {
    const { near, store, later } = setUp();
    near.put('k', nearOf('k'), later());
    expect((await store.read(read('k'))).stored).toBe(near.get('k')?.entry);
  });
});
