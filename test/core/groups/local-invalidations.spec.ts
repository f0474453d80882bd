import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalInvalidations } from '../../../lib/core/groups/local-invalidations.js';
import type { Entry } from '../../../lib/ports/entry.js';
import type { GroupInvalidation } from '../../../lib/ports/groups.js';
import type { MemoryEntry } from '../../../lib/ports/memory-tier.js';

const MAX_MARKS = 100_000;
const groups = [{ scope: 'x', groups: ['*', 't:a', 't:b'] }];

const invalidation = (over: Partial<GroupInvalidation> = {}): GroupInvalidation => ({
  scope: 'x',
  groups: ['t:a'],
  match: 'any',
  mode: 'hard',
  settleMs: 0,
  ...over,
});

/** A register whose clock the test sets. */
function setUp(start = 1_000) {
  const time = { now: start };
  const register = new LocalInvalidations(() => time.now);
  const read = (readAt = register.position): MemoryEntry => ({
    entry: {} as Entry,
    frozen: undefined,
    stamp: register.stamp(readAt),
  });
  return { time, register, read };
}

describe('the register of invalidations', () => {
  it('takes an entry for current without judging it while nothing is invalidated', () => {
    const { register, read } = setUp();
    expect(register.isCurrent(read())).toBe(true);
    register.recordKeys(['another'], 0);
    expect(register.isCurrent(read())).toBe(true);
  });

  it('invalidates what was read before an invalidation of one of its groups, and nothing read later', () => {
    const { register, read } = setUp();
    const before = read();
    register.recordGroups(invalidation());
    expect([register.isCurrent(before), register.judge(before, groups)]).toEqual([
      false,
      'invalidated',
    ]);
    expect(register.judge(read(), groups)).toBe('valid');
  });

  it('takes an entry for current again once its groups were found unconcerned', () => {
    const { register, read } = setUp();
    const entry = read();
    register.recordGroups(invalidation({ groups: ['t:other'] }));
    register.recordGroups(invalidation({ scope: 'y' }));
    expect(register.isCurrent(entry)).toBe(false);
    expect(register.judge(entry, groups)).toBe('valid');
    expect(register.isCurrent(entry)).toBe(true);
  });

  it('does not mistake an answer that was under way for one that began later', () => {
    const { register, read } = setUp();
    const { position } = register;
    register.recordGroups(invalidation());
    expect(register.unchangedSince(position)).toBe(false);
    const late = read(position);
    expect([register.isCurrent(late), register.judge(late, groups)]).toEqual([
      false,
      'invalidated',
    ]);
  });

  it('softens entries by soft invalidations until a hard one', () => {
    const { register, read } = setUp();
    const entry = read();
    register.recordGroups(invalidation({ mode: 'soft' }));
    expect(register.judge(entry, groups)).toBe('soft');
    expect(register.isCurrent(entry)).toBe(false);
    register.recordGroups(invalidation());
    expect(register.judge(entry, groups)).toBe('invalidated');
    register.recordGroups(invalidation({ mode: 'soft' }));
    expect(register.judge(entry, groups)).toBe('invalidated');
  });

  it('invalidates by a combination only what is in all of its groups', () => {
    const { register, read } = setUp();
    const entry = read();
    const all = (names: string[], mode: 'soft' | 'hard' = 'hard') =>
      register.recordGroups(invalidation({ groups: names, match: 'all', mode }));
    all(['t:a', 't:c']);
    expect(register.judge(entry, groups)).toBe('valid');
    all(['t:a', 't:b'], 'soft');
    expect(register.judge(entry, groups)).toBe('soft');
    all(['t:a', 't:b']);
    expect(register.judge(entry, groups)).toBe('invalidated');
    expect(register.judge(read(), groups)).toBe('valid');
  });

  it('takes a combination of one group for what it is', () => {
    const { register, read } = setUp();
    const entry = read();
    register.recordGroups(invalidation({ match: 'all' }));
    expect(register.judge(entry, groups)).toBe('invalidated');
  });

  it('merges combinations of the same groups, so that no others have to give way', () => {
    const { register, read } = setUp();
    const bystander = read();
    for (let i = 0; i < 1_000; i++) {
      register.recordGroups(invalidation({ groups: ['t:a', 't:c'], match: 'all' }));
    }
    // More than are kept apart, had each counted: then all entries of `t:a` would count.
    expect(register.judge(bystander, groups)).toBe('valid');
    const concerned = read();
    const both = [{ scope: 'x', groups: ['*', 't:a', 't:c'] }];
    register.recordGroups(invalidation({ groups: ['t:a', 't:c'], match: 'all', mode: 'soft' }));
    expect(register.judge(concerned, both)).toBe('soft');
    expect(register.judge(bystander, both)).toBe('invalidated');
  });

  it('counts a combination as one of its first group when there are too many to keep apart', () => {
    const { register, read } = setUp();
    const entry = read();
    const [other] = [[{ scope: 'x', groups: ['*', 't:b'] }]];
    for (let i = 0; i <= 64; i++) {
      register.recordGroups(invalidation({ groups: ['t:a', `t:z${String(i)}`], match: 'all' }));
    }
    expect(register.validity(register.position, groups)).toBe('valid');
    expect([register.judge(entry, groups), register.judge(entry, other)]).toEqual([
      'invalidated',
      'valid',
    ]);
  });

  it('invalidates everything that was read before notices were missed', () => {
    const { register, read } = setUp();
    const entry = read();
    register.invalidateAll();
    expect([register.isCurrent(entry), register.judge(entry, groups)]).toEqual([
      false,
      'invalidated',
    ]);
    expect(register.judge(read(), groups)).toBe('valid');
  });

  it('trusts only its own stamps', () => {
    const { register } = setUp();
    const foreign = setUp().read();
    expect([register.isCurrent(foreign), register.judge(foreign, groups)]).toEqual([
      false,
      'invalidated',
    ]);
    expect(register.judge({ entry: {} as Entry, frozen: undefined }, groups)).toBe('invalidated');
  });

  it('notices that keys were deleted since a lookup began', () => {
    const { register } = setUp();
    const { position } = register;
    expect(register.unchangedSince(position)).toBe(true);
    register.recordKeys(['k'], 0);
    expect(register.unchangedSince(position)).toBe(false);
  });
});

describe('the bounds of the register', () => {
  it('keep the marks of 100,000 groups apart', () => {
    const { register, read } = setUp();
    const entry = read();
    for (let i = 0; i < MAX_MARKS; i++) {
      register.recordGroups(invalidation({ groups: [`t:${String(i)}`] }));
    }
    expect(register.judge(entry, groups)).toBe('valid');
    expect(register.judge(entry, [{ scope: 'x', groups: ['t:0'] }])).toBe('invalidated');
  });

  it('invalidate entries that are older than a mark that was dropped, and no younger ones', () => {
    const { register, read } = setUp();
    const old = read();
    register.recordGroups(invalidation({ groups: ['t:first'] }));
    const younger = read();
    for (let i = 0; i < MAX_MARKS; i++) {
      register.recordGroups(invalidation({ groups: [`t:${String(i)}`] }));
    }
    expect([register.judge(old, groups), register.judge(younger, groups)]).toEqual([
      'invalidated',
      'valid',
    ]);
  });
});

describe('a position', () => {
  it('grows with every invalidation, also when the clock stands still or is set back', () => {
    const { register, time } = setUp();
    const seen = [register.position];
    register.recordKeys(['k'], 0);
    seen.push(register.position);
    time.now = 500;
    register.recordGroups(invalidation());
    seen.push(register.position);
    register.invalidateAll();
    seen.push(register.position);
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  it('is never behind the clock, so that what an earlier run stored is older than what it invalidates', () => {
    const { register, time } = setUp(1_000);
    const stored = register.position;
    time.now = 2_000;
    const restarted = new LocalInvalidations(() => time.now);
    expect(restarted.position).toBeGreaterThan(stored);
    expect(restarted.validity(stored, groups)).toBe('valid');
    restarted.recordGroups(invalidation());
    expect(restarted.validity(stored, groups)).toBe('invalidated');
  });

  it('that was stored by a clock that is ahead counts as invalidated, until time has come to it', () => {
    const { register, time } = setUp(1_000);
    const ahead = 5_000 * 1_000;
    expect(register.validity(ahead, groups)).toBe('invalidated');
    time.now = 5_000;
    expect(register.validity(ahead, groups)).toBe('valid');
    time.now++;
    register.recordGroups(invalidation());
    expect(register.validity(ahead, groups)).toBe('invalidated');
  });
});

describe('a settle window', () => {
  it('lasts as long as its invalidation says, for its key, group or combination', () => {
    const { register } = setUp(1_000);
    register.recordKeys(['k'], 50);
    expect([register.settleUntil('k', []), register.settleUntil('other', [])]).toEqual([1_050, 0]);
    register.recordGroups(invalidation({ settleMs: 70 }));
    expect(register.settleUntil('other', groups)).toBe(1_070);
    register.recordGroups(invalidation({ groups: ['t:a', 't:b'], match: 'all', settleMs: 90 }));
    expect(register.settleUntil('k', groups)).toBe(1_090);
    expect(register.settleUntil('k', [{ scope: 'x', groups: ['t:b'] }])).toBe(1_050);
    expect(register.settleUntil('k', [{ scope: 'y', groups: ['t:a'] }])).toBe(1_050);
  });

  it('is not shortened by a later invalidation with a shorter one', () => {
    const { register } = setUp(1_000);
    register.recordKeys(['k'], 500);
    register.recordKeys(['k'], 10);
    register.recordGroups(invalidation({ settleMs: 700 }));
    register.recordGroups(invalidation());
    expect([register.settleUntil('k', []), register.settleUntil('', groups)]).toEqual([
      1_500, 1_700,
    ]);
  });
});

describe('any sequence of invalidations', () => {
  it('is judged as by a register that remembers each of them', () => {
    const names = ['*', 't:a', 't:b', 't:c'];
    const step = fc.record({
      scope: fc.constantFrom('', 'x'),
      groups: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 2 }),
      match: fc.constantFrom('any' as const, 'all' as const),
      mode: fc.constantFrom('soft' as const, 'hard' as const),
      settleMs: fc.constant(0),
      elapsed: fc.nat(2),
    });
    const request = fc.subarray(names, { minLength: 1 }).map((own) => [
      { scope: '', groups: ['*'] },
      { scope: 'x', groups: own },
    ]);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), request, fc.nat(30), (steps, own, at) => {
        const { register, time } = setUp();
        let readAt = register.position;
        const after: GroupInvalidation[] = [];
        steps.forEach(({ elapsed, ...next }, i) => {
          if (i === at) {
            readAt = register.position;
            after.length = 0;
          }
          time.now += elapsed;
          const sorted = { ...next, groups: [...next.groups].sort() };
          register.recordGroups(sorted);
          after.push(sorted);
        });
        const hits = after.filter(({ scope, groups: named, match }) => {
          const mine = own.find((one) => one.scope === scope)?.groups ?? [];
          const isMine = (group: string) => mine.includes(group);
          return match === 'all' ? named.every(isMine) : named.some(isMine);
        });
        const expected = hits.some(({ mode }) => mode === 'hard')
          ? 'invalidated'
          : hits.length > 0
            ? 'soft'
            : 'valid';
        expect(register.validity(readAt, own)).toBe(expected);
      }),
    );
  });
});
