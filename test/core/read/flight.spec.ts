import { describe, expect, it } from 'vitest';
import { SharedValue } from '../../../lib/core/read/shared-value.js';
import type { GroupInvalidation } from '../../../lib/ports/groups.js';
import { callOf, entryOf, flightOf } from './support.js';
import { emptyLookup, type Lookup } from '../../../lib/core/read/lookup.js';

const of = (over: Partial<GroupInvalidation>): GroupInvalidation => ({
  scope: '',
  groups: ['t:a'],
  match: 'any',
  mode: 'hard',
  settleMs: 0,
  ...over,
});

function staleOf(tags: readonly string[]): Lookup {
  const call = callOf('k', { tags });
  const value = new SharedValue(1);
  return { ...emptyLookup(call, 'l2', 0, entryOf({ tags })), freshness: 'stale', value };
}

describe('a flight', () => {
  it('aborts its production when the last caller leaves, and not before', () => {
    const flight = flightOf('k');
    flight.addCaller();
    flight.addCaller();
    flight.removeCaller('one');
    expect([flight.signal.aborted, flight.callers]).toEqual([false, 1]);
    flight.removeCaller('two');
    expect([flight.signal.aborted, flight.signal.reason, flight.joinable]).toEqual([
      true,
      'two',
      false,
    ]);
    expect(() => {
      flight.throwIfAborted();
    }).toThrow('two');
  });

  it('in the background goes on when its callers leave', () => {
    const flight = flightOf('k', { kind: 'refresh' });
    flight.addCaller();
    flight.removeCaller('impatient');
    expect([flight.signal.aborted, flight.joinable, flight.storable]).toEqual([false, true, true]);
  });

  it('of a method takes no callers', () => {
    expect(flightOf('k', { kind: 'put' }).joinable).toBe(false);
  });

  it('tells of an abort that came before the producer asked for its signal', () => {
    const flight = flightOf('k');
    const aborts: string[] = [];
    flight.onAbort = () => aborts.push('released');
    flight.abort('first');
    flight.abort('second');
    expect([flight.signal.aborted, flight.signal.reason, aborts]).toEqual([
      true,
      'first',
      ['released'],
    ]);
  });

  it('settles before it is finished: its write may still be under way', async () => {
    const flight = flightOf('k');
    let isFinished = false;
    const finished = flight.whenFinished().then(() => (isFinished = true));
    flight.resolve({ kind: 'retry' });
    expect([await flight.result, flight.isSettled, isFinished]).toEqual([
      { kind: 'retry' },
      true,
      false,
    ]);
    flight.finish();
    await finished;
    await flight.whenFinished();
  });

  it('gives its stale value to nobody after its key was invalidated', () => {
    const flight = flightOf('k', { stale: staleOf([]) });
    flight.onKeyInvalidated();
    expect([flight.staleInvalidated, flight.joinable, flight.storable]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    ['a hard invalidation of a tag of the stale entry', of({}), true],
    ['a soft invalidation', of({ mode: 'soft' }), false],
    ['an invalidation of a tag that it does not have', of({ groups: ['t:b'] }), false],
    [
      'an invalidation of a combination that it is not in',
      of({ groups: ['t:a', 't:b'], match: 'all' }),
      false,
    ],
    ['an invalidation of another tenant', of({ scope: 'x', groups: ['*'] }), false],
  ])('takes %s for one of its stale value: %#', (_, invalidation, isInvalidated) => {
    const flight = flightOf('k', { stale: staleOf(['a']) });
    flight.onGroupsInvalidated(invalidation);
    expect(flight.staleInvalidated).toBe(isInvalidated);
  });
});

describe('flights that wait for each other', () => {
  it('are refused when they would wait in a circle, directly or through others', () => {
    const [a, b, c] = [flightOf('a'), flightOf('b'), flightOf('c')];
    expect(() => a.addDependency(a)).toThrow(expect.objectContaining({ code: 'CACHE_REENTRANT' }));
    a.addDependency(b);
    const arrived = b.addDependency(c);
    expect(() => c.addDependency(a)).toThrow(expect.objectContaining({ code: 'CACHE_REENTRANT' }));
    arrived();
    expect(() => c.addDependency(a)).not.toThrow();
  });
});
