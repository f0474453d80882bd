import { Buffer } from 'node:buffer';
import fc from 'fast-check';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', 'ä', '\ud800', '\udc00', '\n', '"', '😀'),
    maxLength: 30,
  }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'toString',
    'length',
    '0',
    'date',
    '1970-01-01T00:00:00.000Z',
    'NaN',
    '-0',
    'AAEC',
  ),
);

const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, null, undefined, true, false),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

/** Any value of the type set that the codecs keep. */
export const values: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => {
  const value = tie('value');
  const object = fc
    .uniqueArray(fc.tuple(text, value), { selector: ([key]) => key, maxLength: 6 })
    // Unlike assignment, this makes `__proto__` an own key.
    .map((members) => Object.fromEntries(members) as unknown);
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(value, { maxLength: 6 }),
      object,
      // Rows of one shape: what the side note of JSON folds.
      fc.array(
        fc.record(
          { id: leaf, at: fc.option(leaf), gone: leaf },
          { requiredKeys: ['id'], noNullPrototype: true },
        ),
        { maxLength: 5 },
      ),
      fc.array(fc.tuple(value, value), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      fc.array(value, { maxLength: 4 }).map((members) => new Set(members)),
    ),
  };
}).value;
