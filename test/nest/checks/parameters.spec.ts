import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { parametersOf, parametersOfMethod } from '../../../lib/nest/checks/parameters.js';

/** Code as a minifier or another compiler may write it, which the formatter here would change. */
function parse(code: string): object {
  return runInThisContext(`(${code})`) as object;
}

describe('the parameters of a function', () => {
  it.each([
    ['() => 1', 0, false],
    ['x=>x', 1, false],
    ['async x => x', 1, false],
    ['(key, id = "a, (b", { page, size } = {}, [first] = [1, 2]) => key', 4, false],
    ['(key, ...args) => key', 2, true],
    ['function () { return arguments[1]; }', 0, true],
    ['function () { return this.arguments; }', 0, false],
    ['function f(a /* , b */, // c,\n b) {}', 2, false],
    ['({ async find(id, page = 1) {} }).find', 2, false],
    ['({ find() { return (1, 2); } }).find', 0, false],
    ['({ async *find(a, b,) {} }).find', 2, false],
    ['((key, id) => id).bind(null)', 2, false],
  ] as const)('of %s are counted', (code, count, isOpen) => {
    expect(parametersOf(parse(code))).toMatchObject({ count, isOpen });
  });

  it.each([
    ['(key, user) => key.param("u", user.id)', true],
    ['(key, user) => key.param("user", 1)', false],
    ['(key, user) => key /* user */', false],
    ['(key, _user) => key', false],
    ['(key, { id }) => key', true],
    ['(key, {}) => key', false],
    ['(key, user, id = user.id) => key', true],
    ['(key, $u) => `${$u}`', true],
    ['function (key) { return arguments[1]; }', true],
    ['(key) => key', false],
    ['(key, ...rest) => rest', true],
  ] as const)('of %s: the second one is used: %s', (code, used) => {
    expect(parametersOf(parse(code)).uses(1)).toBe(used);
  });

  it('of a method that was replaced are those of its emitted types', () => {
    const target = {};
    Reflect.defineMetadata('design:paramtypes', [String, Number], target, 'find');
    const replaced = parse('function (...args) {}');
    expect(parametersOfMethod(replaced, target, 'find')).toEqual({ count: 2, isOpen: false });
    expect(parametersOfMethod(replaced, target, 'other')).toEqual({ count: 1, isOpen: true });
  });
});
