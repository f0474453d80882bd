import { describe, expect, it } from 'vitest';
import * as is from '../../lib/ports/option-checks.js';
import { formatValue, parseOptions } from '../../lib/ports/validate.js';

const CHECKS = {
  size: is.positive,
  lazy: is.flag,
  limits: is.group({ ttl: is.duration() }, '{}', ['ttl']),
};
const parse = (given: unknown) =>
  parseOptions(given, CHECKS, { what: 'The options', example: '{ size: 1 }' });

describe('parseOptions', () => {
  it('reads what is given, and leaves out what is not', () => {
    expect(parse({ size: 5, lazy: undefined, limits: { ttl: '1s' } })).toEqual({
      size: 5,
      limits: { ttl: 1_000 },
    });
  });

  it('checks inherited options and getters', () => {
    class Options {
      readonly #size = 0;
      get size(): unknown {
        return this.#size;
      }
    }
    expect(() => parse(new Options())).toThrow('size must be a positive whole number; got 0.');
    expect(() => parse(Object.create({ lazy: 5 }))).toThrow('lazy must be true or false; got 5.');
  });

  it('refuses a required option that is left out', () => {
    expect(() => parse({ limits: {} })).toThrow('limits.ttl must be a duration');
  });

  it('ignores symbols', () => {
    expect(parse({ [Symbol('own')]: 5 })).toEqual({});
  });

  it.each([
    [5, 'The options must be an object such as { size: 1 }; got 5.'],
    [{ sise: 1 }, 'Unknown option of The options "sise". Options are: lazy, limits, size.'],
    [{ toString: 1 }, 'Unknown option of The options "toString".'],
  ])('refuses %j: %s', (given, message) => {
    expect(() => parse(given)).toThrow(message);
  });
});

describe('formatValue', () => {
  it.each([
    ['text', '"text"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}..."`],
    [() => 0, 'a function'],
    [[1], 'an array'],
    [new Date(), 'an object'],
    [null, 'null'],
    [Symbol('own'), 'Symbol(own)'],
    [5n, '5n'],
  ])('shows %s as %s', (given, text) => {
    expect(formatValue(given)).toBe(text);
  });
});
