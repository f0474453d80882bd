import { describe, expect, it } from 'vitest';
import { parseCacheControl } from '../../lib/http/cache-control.js';
import { explicitLifetime, heuristicLifetime, initialAge } from '../../lib/http/freshness.js';
import type { HeaderList } from '../../lib/http/headers.js';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);

const date = (offsetSeconds: number): string => new Date(NOW + offsetSeconds * 1000).toUTCString();

const control = (value: string) => parseCacheControl([value]);

describe('age and freshness', () => {
  it.each<[HeaderList, number]>([
    [[], 0],
    [[['age', '30']], 30],
    [[['age', '30, 40']], 30],
    [
      [
        ['age', '30'],
        ['age', '40'],
      ],
      30,
    ],
    [[['age', 'abc']], 0],
    [[['age', '-5']], 0],
    [[['age', '5.0']], 0],
    [[['date', date(-100)]], 100],
    [
      [
        ['date', date(-100)],
        ['age', '30'],
      ],
      100,
    ],
    [
      [
        ['date', date(100)],
        ['age', '30'],
      ],
      30,
    ],
  ])('takes the greater of Age and the apparent age: %j', (headers, age) => {
    expect(initialAge(headers, NOW)).toBe(age);
  });

  it.each<[HeaderList, string, number | undefined]>([
    [[], 's-maxage=5, max-age=9', 5],
    [[['expires', date(100)]], 'max-age=9', 9],
    [[['expires', date(100)]], '', 100],
    [
      [
        ['expires', date(100)],
        ['date', date(40)],
      ],
      '',
      60,
    ],
    [[['expires', '0']], '', 0],
    [
      [
        ['expires', date(100)],
        ['expires', date(100)],
      ],
      '',
      0,
    ],
    [[], '', undefined],
  ])('takes s-maxage, max-age, Expires in this order: %j %j', (headers, value, lifetime) => {
    expect(explicitLifetime(headers, control(value), NOW)).toBe(lifetime);
  });

  it('uses a tenth of the time since the last change as heuristic freshness, at most a day', () => {
    const changed = (ago: number): HeaderList => [['last-modified', date(-ago)]];
    expect(heuristicLifetime(200, changed(1000), control(''), NOW)).toBe(100);
    expect(heuristicLifetime(200, changed(86_400_000), control(''), NOW)).toBe(86_400);
    expect(heuristicLifetime(201, changed(1000), control(''), NOW)).toBeUndefined();
    expect(heuristicLifetime(201, changed(1000), control('public'), NOW)).toBe(100);
    expect(heuristicLifetime(200, [], control(''), NOW)).toBeUndefined();
  });
});
