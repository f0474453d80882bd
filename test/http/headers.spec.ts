import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { requestHeader, splitList, storableHeaders, toHeaderList } from '../../lib/http/headers.js';

describe('splitList', () => {
  it.each<[string, string[]]>([
    ['a, b,c', ['a', 'b', 'c']],
    [', a ,, b,', ['a', 'b']],
    ['x="1, 2", y', ['x="1, 2"', 'y']],
    ['x="a\\", b", y', ['x="a\\", b"', 'y']],
    ['"never closed, a', ['"never closed, a']],
    ['"never closed\\', ['"never closed\\']],
    ['', []],
  ])('splits %j at commas outside quoted strings', (value, members) => {
    expect(splitList(value)).toEqual(members);
  });

  it('returns members without quotes or commas unchanged', () => {
    const member = fc.stringMatching(/^[!#-+\--~]{1,12}$/);
    fc.assert(
      fc.property(fc.array(member), (members) => {
        expect(splitList(members.join(' , '))).toEqual(members);
      }),
    );
  });

  it('reads a hundred thousand characters of anything in one pass', () => {
    for (const char of ['"', '\\', ',', '"\\', ', "'])
      expect(splitList(char.repeat(100_000)).length).toBeLessThanOrEqual(100_001);
  });
});

describe('header lists', () => {
  it('keeps every line of a field in order', () => {
    expect(toHeaderList({ 'X-A': ['1', '2'], 'x-n': 3, none: undefined })).toEqual([
      ['x-a', '1'],
      ['x-a', '2'],
      ['x-n', '3'],
    ]);
  });

  it('omits fields of one connection, those that Connection lists, and those set anew', () => {
    const given = {
      connection: 'X-Hop, close',
      'x-hop': '1',
      te: 'x',
      age: '3',
      'set-cookie': 'a',
      'content-length': '5',
      'x-kept': 'yes',
    };
    expect(storableHeaders(toHeaderList(given))).toEqual([['x-kept', 'yes']]);
  });

  it('joins several lines of a request field', () => {
    expect(requestHeader({ a: ['1', '2'] }, 'a')).toBe('1, 2');
    expect(requestHeader({}, 'a')).toBeUndefined();
  });
});
