import { expect } from 'vitest';
import type { CacheOptions, EntryOptions } from '../../../lib/core/options/types.js';
import { CacheConfigError } from '../../../lib/ports/errors.js';

/** For each option: the end of "<option> must be ...", and values that it refuses beside null. */
export type WrongValues<O> = {
  readonly [Name in keyof O]-?: readonly [expected: string, ...wrong: unknown[]];
};

/** Options, and a part of the message that refuses them. */
export type Row = [options: unknown, message: string];

export const DURATION =
  'a duration: milliseconds as a number from 0 to 864000000000, ' +
  "or a string such as '500ms', '30s', '5m', '2h' or '1d'";
const NAME = 'a string of 1 to 100 characters';
const CODEC =
  "one of 'json', 'cbor', or an object { id, encode, decode } " +
  'whose id has 1 to 8 characters of a-z and 0-9';
const codec = (id: unknown) => ({ id, encode: () => 0, decode: () => 0 });

export const WRONG_ENTRY_OPTIONS: WrongValues<EntryOptions> = {
  ttl: [DURATION, '5 minutes', -1, NaN, '', [], {}],
  nullTtl: [DURATION, NaN],
  staleWhileRevalidate: [DURATION, -1],
  staleIfError: [DURATION, 'x'],
  staleIfErrorWhen: ['a function', true],
  jitter: ['a number from 0 to 1', 1.1, -0.1, NaN, '0.1'],
  refreshAhead: ["'xfetch', false, or a share of the ttl between 0 and 1", 0, 1, 2, 'soon', true],
  producerTimeout: ["an object such as { soft: '200ms', hard: '5s' }", 5, []],
  codec: [CODEC, {}, codec('TOO LONG'), codec(5), { ...codec('own'), decode: 5 }],
};

export const WRONG_CACHE_OPTIONS: WrongValues<CacheOptions> = {
  ...WRONG_ENTRY_OPTIONS,
  name: [NAME, '', 7, 'x'.repeat(101)],
  backend: [
    'an object with the methods get(key) and set(key, bytes, ttlMs), ' +
      'such as new MemoryBackend() or new RedisBackend(...)',
    {},
    { get: 5, set: 5 },
    class {},
  ],
  l1: ["true, false or an object such as { maxBytes: '64mb' }", 5, []],
  namespace: [NAME, '', 7, 'x'.repeat(101)],
  tenancy: ["'optional' or 'required'", 'always'],
  tenant: ['a function', 'x'],
  replicaLag: [DURATION, 'soon'],
  strict: ['true or false', 'yes'],
  lease: ["an object such as { ttl: '3s', wait: '10s' }", 5],
  backendTimeout: [DURATION, 'soon'],
  maxValueBytes: ['a positive whole number', 0, 1.5, '8mb'],
  exposeKeys: ['true or false', 1],
  invalidations: ['an array of on(Event, (event) => request)', 5, [5], [{ event: Object }]],
  clock: ['an object with the methods now() and after(ms, task)', {}, { now: () => 0 }],
};

/** Nested options, bounds and unknown names. */
export const WRONG_NESTED: Row[] = [
  [{ producerTimeout: { soft: -1 } }, `producerTimeout.soft must be ${DURATION}; got -1.`],
  [{ producerTimeout: { hard: -1 } }, `producerTimeout.hard must be ${DURATION}; got -1.`],
  [{ producerTimeout: { hard: 0 } }, 'producerTimeout.hard must be at least 1 ms; got 0 ms.'],
  [
    { producerTimeout: { hrad: 1 } },
    'Unknown option of producerTimeout "hrad". Options are: hard, soft.',
  ],
];

/** Each option with null and with each of its wrong values, and the message up to the value. */
export function rowsOf<O>(table: WrongValues<O>): Row[] {
  return Object.entries<readonly [string, ...unknown[]]>(table).flatMap(
    ([name, [expected, ...wrong]]) =>
      [null, ...wrong].map((value): Row => [
        { [name]: value },
        `${name} must be ${expected}; got `,
      ]),
  );
}

/** What `task` throws, which must be a `CacheConfigError`. */
export function messageOf(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    expect(error).toBeInstanceOf(CacheConfigError);
    expect(error).toMatchObject({ code: 'CACHE_CONFIG', name: 'CacheConfigError' });
    return (error as Error).message;
  }
  return 'nothing was thrown';
}
