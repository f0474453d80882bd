import { describe, expect, it } from 'vitest';
import type { WarmUpOptions } from '../../../lib/core/options/types.js';
import {
  assertArray,
  assertBatch,
  assertEntries,
  assertSetOptions,
  assertTask,
  warmUpCallOptions,
} from '../../../lib/core/options/validate-call.js';
import { messageOf } from './wrong-values.js';

const PERSONAL = 'ann@example.org';
const produce = (): readonly unknown[] => [];

describe('the options of a warm-up', () => {
  const { signal } = new AbortController();
  const ofCalls = { ttl: '1h', tags: ['a'], signal } as const;

  it('give those of its calls, without its own', () => {
    const options = { ...ofCalls, batchSize: 5, concurrency: 2, onProgress: () => undefined };
    expect(warmUpCallOptions(['k'], produce, options)).toEqual(ofCalls);
    expect(warmUpCallOptions(['k'], produce, undefined)).toBeUndefined();
    expect(warmUpCallOptions(['k'], produce, {})).toEqual({});
  });

  it('give those of its calls also as getters of a class', () => {
    class Nightly implements WarmUpOptions {
      readonly #hours = 2;

      get ttl(): number {
        return this.#hours * 3_600_000;
      }
    }
    expect(warmUpCallOptions(['k'], produce, new Nightly())).toEqual({ ttl: 7_200_000 });
  });

  it('may come with anything to iterate over, at once or one after the other', () => {
    async function* later(): AsyncGenerator<string> {
      await Promise.resolve();
      yield 'k';
    }
    for (const keys of [['k'], new Set(['k']), ['k'].values(), later()]) {
      expect(warmUpCallOptions(keys, produce, ofCalls)).toEqual(ofCalls);
    }
  });
});

describe('the entries of setMany', () => {
  it('are the pairs of a Map, of an array, or of anything else to iterate over', () => {
    const pairs = [
      ['a', 1],
      ['b', undefined],
    ] as const;
    for (const given of [pairs, new Map(pairs), pairs.values()]) {
      expect(assertEntries<string, unknown>(given)).toEqual(pairs);
    }
  });

  it('are refused when one of them has no value, or one thing too many', () => {
    for (const wrong of [['k'], ['k', 1, { ttl: 5 }]]) {
      const given = [['good', 1], wrong] as unknown as readonly (readonly [string, number])[];
      expect(messageOf(() => assertEntries(given))).toBe(
        'setMany: entries must be a Map, or an array of pairs [key, value]; ' +
          'got an instance of Array.',
      );
    }
  });
});

describe('a unit of work', () => {
  it('is a task, with its option or without', () => {
    for (const options of [undefined, {}, { inDoubt: () => true }]) {
      expect(assertTask('unitOfWork', produce, options)).toBeUndefined();
    }
  });

  it('is refused in the name of the method that was called', () => {
    for (const method of ['unitOfWork', 'awaitInvalidations'] as const) {
      expect(messageOf(() => assertTask(method, 7))).toBe(
        `${method}: give the task as a function, ${method}(async () => { ... }); got 7.`,
      );
      expect(messageOf(() => assertTask(method, produce, { onError: produce }))).toBe(
        `Unknown option of ${method} "onError". Options are: inDoubt.`,
      );
    }
  });
});

describe('options of set', () => {
  it('are those of an entry; what only a call with a producer has is refused', () => {
    expect(assertSetOptions(undefined)).toBeUndefined();
    expect(assertSetOptions({ ttl: 5, tags: ['a'], codec: 'cbor' })).toBeUndefined();
    expect(messageOf(() => assertSetOptions({ unless: produce }))).toMatch(
      /^Unknown option of set "unless"\. Options are: codec, jitter, /,
    );
  });
});

describe('what is refused where keys are expected', () => {
  it('is named by its type only, because keys and values may be personal data', () => {
    const messages = [
      () => assertArray(PERSONAL as never, 'getMany: keys'),
      () => {
        assertBatch(PERSONAL as never, produce);
      },
      () => assertEntries(PERSONAL as never),
      () => warmUpCallOptions(PERSONAL, produce, undefined),
    ].map(messageOf);
    expect(messages.map((message) => message.split('; ')[1])).toEqual(
      messages.map(() => 'got a string.'),
    );
    expect(messages.join()).not.toContain(PERSONAL);
  });

  it('is anything but an array, and the array that was given is passed on', () => {
    const keys = ['k'];
    expect(assertArray(keys, 'keys')).toBe(keys);
    expect(messageOf(() => assertArray(new Set(keys) as never, 'getMany: keys'))).toBe(
      'getMany: keys must be an array; got an instance of Set.',
    );
  });
});
