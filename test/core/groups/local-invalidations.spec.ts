import { describe, expect, it } from 'vitest';
import { NearFences } from '../../../lib/core/groups/local-invalidations.js';
import type { Entry } from '../../../lib/ports/entry.js';
import type { GroupInvalidation, MemoryEntry } from '../../../lib/ports/shared-backend.js';

const groups = [{ scope: 'x', groups: ['*', 't:a', 't:b'] }];
const move = (over: Partial<GroupInvalidation> = {}): GroupInvalidation => ({
  scope: 'x',
  groups: ['t:a'],
  match: 'any',
  mode: 'hard',
  settleMs: 0,
  ...over,
});
const learned = (fences: NearFences, began = fences.moment()): MemoryEntry => ({
  entry: {} as Entry,
  frozen: undefined,
  stamp: fences.prove(began),
});

describe('what this process knows of invalidations', () => {
  it('proves an entry without looking while nothing moves', () => {
    const fences = new NearFences();
    expect(fences.isProven(learned(fences))).toBe(true);
  });

  it('kills what was learned before a move of one of its groups, and not what was learned after', () => {
    const fences = new NearFences();
    const before = learned(fences);
    fences.groupsMoved(move());
    expect([fences.isProven(before), fences.standing(before, groups)]).toEqual([false, 'dead']);
    expect(fences.standing(learned(fences), groups)).toBe('current');
  });

  it('proves an entry again once it was found unconcerned', () => {
    const fences = new NearFences();
    const entry = learned(fences);
    fences.groupsMoved(move({ groups: ['t:other'] }));
    fences.groupsMoved(move({ scope: 'y' }));
    expect(fences.isProven(entry)).toBe(false);
    expect(fences.standing(entry, groups)).toBe('current');
    expect(fences.isProven(entry)).toBe(true);
  });

  it('does not mistake an answer that was under way for one that began later', () => {
    const fences = new NearFences();
    const began = fences.moment();
    fences.groupsMoved(move());
    expect(fences.quietSince(began)).toBe(false);
    expect(fences.standing(learned(fences, began), groups)).toBe('dead');
  });

  it('softens by soft moves until a hard one', () => {
    const fences = new NearFences();
    const entry = learned(fences);
    fences.groupsMoved(move({ mode: 'soft' }));
    expect(fences.standing(entry, groups)).toBe('soft');
    fences.groupsMoved(move());
    expect(fences.standing(entry, groups)).toBe('dead');
  });

  it('kills by a combination only what is in all of its groups', () => {
    const fences = new NearFences();
    const entry = learned(fences);
    fences.groupsMoved(move({ groups: ['t:a', 't:c'], match: 'all' }));
    expect(fences.standing(entry, groups)).toBe('current');
    fences.groupsMoved(move({ groups: ['t:a', 't:b'], match: 'all', mode: 'soft' }));
    expect(fences.standing(entry, groups)).toBe('soft');
    fences.groupsMoved(move({ groups: ['t:a', 't:b'], match: 'all' }));
    expect(fences.standing(entry, groups)).toBe('dead');
  });

  it('kills everything when it has to forget: after a gap, after too many moves, after too many combinations', () => {
    const fences = new NearFences();
    const first = learned(fences);
    fences.forget();
    expect(fences.standing(first, groups)).toBe('dead');
    const second = learned(fences);
    for (let i = 0; i <= 10_000; i++) fences.groupsMoved(move({ groups: [`t:${String(i)}`] }));
    expect(fences.standing(second, groups)).toBe('dead');
    const third = learned(fences);
    for (let i = 0; i <= 64; i++)
      fences.groupsMoved(move({ groups: ['t:x', `t:${String(i)}`], match: 'all' }));
    expect(fences.standing(third, groups)).toBe('dead');
  });

  it('trusts only its own proofs', () => {
    const fences = new NearFences();
    const foreign = learned(new NearFences());
    expect([fences.isProven(foreign), fences.standing(foreign, groups)]).toEqual([false, 'dead']);
    expect(fences.standing({ entry: {} as Entry, frozen: undefined }, groups)).toBe('dead');
  });

  it('knows that keys have moved since a look began', () => {
    const fences = new NearFences();
    const began = fences.moment();
    expect(fences.quietSince(began)).toBe(true);
    fences.keysMoved();
    expect(fences.quietSince(began)).toBe(false);
  });
});
