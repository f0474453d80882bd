import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  normalizeTags,
  groupsOf,
  hasOtherTags,
  isComplete,
  settleUntil,
  validityOf,
  unionTags,
} from '../../../lib/core/groups/groups.js';
import { CacheKey } from '../../../lib/core/key/key.js';
import type { Marker } from '../../../lib/ports/groups.js';

const marker = (hard: number, soft = hard, over: Partial<Marker> = {}): Marker => ({
  hard,
  soft,
  settleUntil: 0,
  combinations: [],
  ...over,
});
const request = [{ scope: '', groups: ['*', 't:a', 't:b'] }];
const validity = (start: number, ...markers: (Marker | undefined)[]) =>
  validityOf([start], request, [{ clock: 9, markers }]);

describe('the groups of a key', () => {
  it('are the whole scope, its segment and its tags, in the scope of its tenant when it has one', () => {
    const plain = CacheKey.builder().segment('list').build();
    const owned = CacheKey.builder().tenant('x').segment('list').build();
    expect(groupsOf(plain, false, ['a'])).toEqual([{ scope: '', groups: ['*', 's:list', 't:a'] }]);
    expect(groupsOf(plain, true, [])).toEqual([{ scope: '', groups: ['*'] }]);
    expect(groupsOf(owned, false, ['a'])).toEqual([
      { scope: '', groups: ['*'] },
      { scope: 'x', groups: ['*', 's:list', 't:a'] },
    ]);
  });

  it('are encoded, so that no tag can name another group', () => {
    const key = CacheKey.builder().segment('s').build();
    const groups = groupsOf(key, true, ['a b', '*', 's:x', 'ü'])[0]?.groups ?? [];
    expect(groups.every((group) => !/\s/.test(group))).toBe(true);
    expect(new Set(groups).size).toBe(5);
    expect(groups.filter((group) => group === '*')).toHaveLength(1);
  });
});

describe('the tags given', () => {
  it('are copied, sorted and without duplicates', () => {
    const given = ['b', 'a', 'b'];
    expect(normalizeTags(given)).toEqual(['a', 'b']);
    expect(given).toEqual(['b', 'a', 'b']);
  });

  it('are refused with a reason', () => {
    expect(() => normalizeTags(Array.from({ length: 65 }, (_, i) => `t${String(i)}`))).toThrow(
      'An entry may have at most 64 tags; got 65. Use fewer, coarser tags.',
    );
    expect(() => normalizeTags([''])).toThrow(
      'A tag must be a string of 1 to 256 characters without lone surrogates; got 0 characters.',
    );
    expect(() => normalizeTags(['x'.repeat(257)])).toThrow('got 257 characters');
    expect(() => normalizeTags(['\ud800'])).toThrow('lone surrogates');
    expect(() => normalizeTags([7 as unknown as string])).toThrow('got number.');
  });

  it('are united like sets', () => {
    const tags = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 })).map(normalizeTags);
    fc.assert(
      fc.property(tags, tags, (a, b) => {
        expect(unionTags(a, b)).toEqual([...new Set([...a, ...b])].sort());
      }),
    );
  });

  it('of an entry are other ones when the call did not name them', () => {
    const entry = { tags: ['a', 'b'] } as unknown as Parameters<typeof hasOtherTags>[0];
    expect([hasOtherTags(entry, ['a', 'b', 'c']), hasOtherTags(entry, ['a'])]).toEqual([
      false,
      true,
    ]);
  });
});

describe('the validity of an entry', () => {
  it('is valid while no marker is beyond its start', () => {
    expect(validity(5, marker(5), marker(3), marker(0))).toBe('valid');
  });

  it('ends by one hard marker, or by one that is missing', () => {
    expect(validity(5, marker(5), marker(6), marker(0))).toBe('invalidated');
    expect(validity(5, marker(5), undefined, marker(0))).toBe('invalidated');
    expect(
      validityOf([], request, [{ clock: 1, markers: [marker(0), marker(0), marker(0)] }]),
    ).toBe('invalidated');
    expect(validityOf([5], request, [])).toBe('invalidated');
  });

  it('is soft by a soft marker, unless a hard one invalidates the entry', () => {
    expect(validity(5, marker(5), marker(2, 6), marker(0))).toBe('soft');
    expect(validity(5, marker(5), marker(2, 6), marker(6))).toBe('invalidated');
  });

  it('is changed by a combination only when the entry is in all of its groups', () => {
    const both = marker(0, 0, { combinations: [{ groups: ['t:a', 't:b'], hard: 7, soft: 7 }] });
    const other = marker(0, 0, { combinations: [{ groups: ['t:a', 't:c'], hard: 7, soft: 7 }] });
    const soft = marker(0, 0, { combinations: [{ groups: ['t:a', 't:b'], hard: 0, soft: 7 }] });
    expect([both, other, soft].map((one) => validity(5, marker(0), one, marker(0)))).toEqual([
      'invalidated',
      'valid',
      'soft',
    ]);
    expect(validity(7, marker(0), both, marker(0))).toBe('valid');
  });
});

describe('a reading', () => {
  it('is complete when clocks and markers are all there', () => {
    expect(isComplete([{ clock: 1, markers: [marker(1)] }])).toBe(true);
    expect(isComplete([{ clock: undefined, markers: [marker(1)] }])).toBe(false);
    expect(isComplete([{ clock: 1, markers: [undefined] }])).toBe(false);
  });

  it('tells the end of the longest settle window', () => {
    expect(
      settleUntil([
        {
          clock: 1,
          markers: [marker(1, 1, { settleUntil: 5 }), undefined, marker(1, 1, { settleUntil: 9 })],
        },
      ]),
    ).toBe(9);
    expect(settleUntil([])).toBe(0);
  });
});
