import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheKey, type CacheKeyBuilder } from '../../../lib/core/key/key.js';
import { makeKey } from '../../../lib/nest/method/key.js';
import { RecentKeys } from '../../../lib/nest/method/recent-keys.js';
import { CacheKeyError } from '../../../lib/ports/errors.js';

type Part = readonly ['tenant' | 'segment' | 'param', string, unknown];

const value = fc.oneof(
  fc.constantFrom<unknown>(0, -0, NaN, 1, '1', '', 'a', 'b', true, 'true', null, 'null', undefined),
  fc.constantFrom<unknown>(1n, [1], { a: 1 }, 'x'.repeat(250), Symbol('s'), '\uD800'),
);
const part: fc.Arbitrary<Part> = fc.tuple(
  fc.constantFrom('tenant' as const, 'segment' as const, 'param' as const, 'param' as const),
  fc.constantFrom('p', 'q', ''),
  value,
);

function add(builder: CacheKeyBuilder, parts: readonly Part[]): CacheKeyBuilder {
  for (const [kind, name, given] of parts) {
    if (kind === 'param') builder.param(name, given);
    else builder[kind](given as string);
  }
  return builder;
}

function textOrError(make: () => unknown): string {
  try {
    return String(make());
  } catch (error) {
    expect(error).toBeInstanceOf(CacheKeyError);
    return (error as Error).message;
  }
}

describe('RecentKeys', () => {
  it('builds the same keys, and throws the same errors, as a builder that remembers nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.array(part, { maxLength: 4 }), { maxLength: 30 }), (calls) => {
        const recent = new RecentKeys();
        const segment = (): string => 'Class.method';
        for (const parts of [...calls, ...calls]) {
          expect(textOrError(() => add(recent.builder(), parts).build())).toBe(
            textOrError(() => add(CacheKey.builder(), parts).build()),
          );
          const maker = (builder: CacheKeyBuilder): CacheKeyBuilder => add(builder, parts);
          expect(textOrError(() => makeKey(maker, [], segment, recent))).toBe(
            textOrError(() => makeKey(maker, [], segment)),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('returns the same key object when it is built again', () => {
    const recent = new RecentKeys();
    const build = (id: number): CacheKey =>
      recent.builder().segment('account').param('id', id).build();
    expect(build(1)).toBe(build(1));
    expect(build(1)).not.toBe(build(2));
  });

  it('builds the right keys after it has forgotten the old ones', () => {
    const recent = new RecentKeys();
    for (let round = 0; round < 2; round++) {
      for (let id = 1; id <= 5_000; id++) {
        const key = recent.builder().segment('s').param('id', id).build();
        expect(key.text).toBe(`segment:s/id=${String(id)}`);
      }
    }
  });

  it('goes on with a builder that was built before', () => {
    const recent = new RecentKeys();
    for (let round = 0; round < 3; round++) {
      const builder = recent.builder().segment('s').param('a', 1);
      expect(builder.build().text).toBe('segment:s/a=1');
      expect(builder.param('b', 2).build().text).toBe('segment:s/a=1&b=2');
    }
  });
});
