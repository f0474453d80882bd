import { describe, expect, it } from 'vitest';
import { Leases } from '../../../lib/backends/memory/leases.js';
import { Latest } from '../../../lib/backends/memory/bounded-map.js';
import { Markers } from '../../../lib/backends/memory/markers.js';
import type { GroupInvalidation, Notice } from '../../../lib/ports/shared-backend.js';
import { acquire, entryOf, nearOf, read, setUp } from './support.js';

const hard = (
  groups: readonly string[],
  more: Partial<GroupInvalidation> = {},
): GroupInvalidation => ({
  scope: '',
  groups,
  match: 'any',
  mode: 'hard',
  settleMs: 0,
  ...more,
});

describe('the fenced store in memory', () => {
  it('has taken effect and told everyone when it returns its promise', () => {
    const { store, near, open } = setUp();
    const heard: Notice[] = [];
    open().store.subscribe((notice) => heard.push(notice));
    store.subscribe((notice) => heard.push(notice));
    void store.set('k', entryOf('k'), 1_000);
    expect([near.get('k')?.entry.key, heard]).toEqual([
      'k',
      [
        { kind: 'keys', keys: ['k'] },
        { kind: 'keys', keys: ['k'] },
      ],
    ]);
    void store.delete(['k'], 0);
    expect([near.get('k'), heard.length]).toEqual([undefined, 4]);
    void store.invalidate(hard(['t:a']));
    expect(heard.length).toBe(6);
    void store.acquire(acquire('k', 'L1'));
    void store.acquire(acquire('k', 'L2'));
    void store.fill('k', 'L1', entryOf('k'), 1_000);
    expect([near.get('k')?.entry.key, heard.at(-1)]).toEqual(['k', { kind: 'released', key: 'k' }]);
  });

  it('tells nobody of a lease that nobody waited for', () => {
    const { store } = setUp();
    const heard: Notice[] = [];
    store.subscribe((notice) => heard.push(notice));
    void store.acquire(acquire('k', 'L1'));
    void store.release('k', 'L1');
    expect(heard).toEqual([]);
  });

  it('reports a listener that fails, and tells the others all the same', async () => {
    const { store, problems } = setUp();
    const heard: string[] = [];
    store.subscribe(() => {
      throw new Error('broken listener');
    });
    store.subscribe((notice) => heard.push(notice.kind));
    await store.delete(['k'], 0);
    expect(heard).toEqual(['keys']);
    expect(problems).toEqual([{ operation: 'listen', error: new Error('broken listener') }]);
  });

  it('tells a closed store nothing more', async () => {
    const { store, open } = setUp();
    const heard: string[] = [];
    const end = store.subscribe((notice) => heard.push(notice.kind));
    await store.close();
    await store.close();
    end();
    await open().store.delete(['k'], 0);
    expect(heard).toEqual([]);
  });

  it('is always there and always hears', () => {
    const { store, clock } = setUp();
    expect([store.state, store.isCoherent(), store.now()]).toEqual(['up', true, clock.now()]);
    expect(() => {
      store.onState()();
    }).not.toThrow();
  });

  it('sweeps in slices between which others have their turn, and ends when told to', async () => {
    const { store, near, later } = setUp();
    for (let i = 0; i < 5_000; i++) near.put(`tenant:t/k${String(i)}`, nearOf('k'), later());
    const controller = new AbortController();
    const sweeping = store.reclaim('t', controller.signal);
    const left: number[] = [];
    const watch = setImmediate(() => {
      left.push(near.size);
      controller.abort();
    });
    const removed = await sweeping;
    clearImmediate(watch);
    expect(left[0]).toBeGreaterThan(2_000);
    expect([removed, near.size]).toEqual([5_000 - near.size, 5_000 - removed]);
    expect(near.size).toBeGreaterThan(1_000);
    expect(await store.reclaim('t', controller.signal)).toBe(0);
    expect(await store.reclaim('', new AbortController().signal)).toBe(5_000 - removed);
  });

  it('keeps what is put while it sweeps', async () => {
    const { store, near, later } = setUp();
    for (let i = 0; i < 2_500; i++) near.put(`tenant:t/k${String(i)}`, nearOf('k'), later());
    const sweeping = store.reclaim('t', new AbortController().signal);
    near.put('tenant:t/new', nearOf('new'), later());
    await sweeping;
    expect([near.size, near.get('tenant:t/new')?.entry.key]).toEqual([1, 'new']);
  });

  it('keeps a lease that was replaced from waking anybody twice', async () => {
    const { store, clock } = setUp();
    const heard: Notice[] = [];
    store.subscribe((notice) => heard.push(notice));
    await store.acquire(acquire('k', 'L1'));
    await store.acquire(acquire('k', 'L2'));
    await clock.advance(1_000);
    await store.acquire(acquire('k', 'L3'));
    await store.release('k', 'L1');
    expect(heard).toEqual([]);
    await store.release('k', 'L3');
    expect((await store.read({ ...read('k'), withLease: true })).lease).toBe(undefined);
  });
});

describe('leases', () => {
  it('forgets what has ended, so that keys nobody asks for again do not pile up', () => {
    const leases = new Leases();
    for (let i = 0; i < 10_000; i++) {
      leases.take(`k${String(i)}`, 'L', i + 10, i);
      leases.settle(`k${String(i)}`, i + 10, i);
    }
    expect(leases.size).toBeLessThanOrEqual(24);
  });
});

describe('the values that were kept last', () => {
  it('are those of the names that were kept last', () => {
    const latest = new Latest<number>(5);
    const order: string[] = [];
    for (let i = 0; i < 5_000; i++) {
      const id = `n${String((i * i) % 11)}`;
      if (order.includes(id)) order.splice(order.indexOf(id), 1);
      order.push(id);
      const gone = order.length > 5 ? order.shift() : undefined;
      const before = gone === undefined ? undefined : latest.get(gone);
      expect(latest.keep(id, i)).toBe(before);
      expect(order.map((one) => latest.get(one) !== undefined)).toEqual(order.map(() => true));
      if (gone !== undefined) expect(latest.get(gone)).toBeUndefined();
    }
  });

  it('are found as soon among many as among few', () => {
    const timeOf = (most: number): number => {
      const latest = new Latest<number>(most);
      for (let i = 0; i < most; i++) latest.keep(String(i), i);
      const began = performance.now();
      for (let i = 0; i < 20_000; i++) latest.keep(`n${String(i)}`, i);
      return performance.now() - began;
    };
    const best = (most: number): number => Math.min(...[1, 2, 3].map(() => timeOf(most)));
    expect(best(300_000) / best(100)).toBeLessThan(25);
  });
});

describe('markers', () => {
  it('are bounded: the one kept longest ago is forgotten, and made anew it revives nothing', () => {
    const markers = new Markers(10);
    const scope = { scope: '', groups: ['t:0'] };
    const start = markers.ensure(scope, 1).clock ?? NaN;
    markers.invalidate(hard(['t:0']), 1);
    for (let i = 1; i <= 9; i++) markers.ensure({ scope: '', groups: [`t:${String(i)}`] }, 1);
    expect(markers.read(scope).markers[0]?.hard).toBeGreaterThan(start);
    markers.ensure({ scope: '', groups: ['t:10'] }, 1);
    expect(markers.read(scope).markers).toEqual([undefined]);
    expect(markers.ensure(scope, 1).markers[0]?.hard).toBeGreaterThan(start);
  });

  it('keeps those that are used', () => {
    const markers = new Markers(10);
    for (let i = 0; i < 100; i++) {
      markers.ensure({ scope: '', groups: ['*'] }, 1);
      markers.ensure({ scope: '', groups: [`t:${String(i)}`] }, 1);
    }
    expect(markers.read({ scope: '', groups: ['*'] }).markers[0]).toBeDefined();
  });

  it('begins a forgotten clock above everything its scope gave out, even when time stands still or goes back', () => {
    const markers = new Markers(2);
    let last = 0;
    for (let i = 0; i < 50; i++) last = markers.invalidate(hard(['*'], { scope: 'a' }), 1_000).tick;
    for (const scope of ['b', 'c', 'd']) markers.ensure({ scope, groups: ['*'] }, 1_000);
    expect(markers.read({ scope: 'a', groups: ['*'] })).toEqual({
      clock: undefined,
      markers: [undefined],
      forgotten: last,
    });
    expect(markers.ensure({ scope: 'a', groups: ['*'] }, 500).clock).toBeGreaterThanOrEqual(last);
    expect(markers.invalidate(hard(['*'], { scope: 'e' }), 500).tick).toBeGreaterThan(last);
  });

  it('says how far back what it has forgotten reaches, in each scope', () => {
    const markers = new Markers(3);
    const quiet = markers.invalidate(hard(['t:q'], { scope: 'quiet' }), 1).tick;
    const [first = 0, second = 0] = [1_000, 2_000, 3_000, 4_000, 5_000].map(
      (now) => markers.invalidate(hard([`t:${String(now)}`]), now).tick,
    );
    const forgotten = (scope: string) => markers.read({ scope, groups: ['*'] }).forgotten;
    expect([forgotten(''), first < second]).toEqual([second, true]);
    expect(forgotten('quiet')).toBe(quiet);
    expect(new Markers().read({ scope: '', groups: ['*'] })).toEqual({
      clock: undefined,
      markers: [undefined],
    });
  });

  it('folds combinations into the marker when there are too many to keep apart', () => {
    const markers = new Markers();
    const start = markers.ensure({ scope: '', groups: ['t:a'] }, 1).clock ?? NaN;
    for (let i = 0; i < 65; i++)
      markers.invalidate(
        hard(['t:a', `t:z${String(i)}`], { match: 'all', mode: i === 3 ? 'hard' : 'soft' }),
        1,
      );
    const { clock, markers: read } = markers.read({ scope: '', groups: ['t:a'] });
    expect(read[0]).toEqual({ hard: start + 4, soft: clock, settleUntil: 0, combinations: [] });
  });

  it('takes a combination of one for what it is', () => {
    const markers = new Markers();
    const { tick } = markers.invalidate(hard(['t:a'], { match: 'all' }), 1);
    expect(markers.read({ scope: '', groups: ['t:a'] }).markers).toEqual([
      { hard: tick, soft: tick, settleUntil: 0, combinations: [] },
    ]);
  });
});
