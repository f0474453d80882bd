import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { cborCodec } from '../../../lib/codecs/cbor.js';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { resolvePolicy, resolveSettings, ttlFor } from '../../../lib/core/options/options.js';
import type { CacheOptions, EntryOptions } from '../../../lib/core/options/types.js';
import type { Codec } from '../../../lib/ports/codec.js';
import { type Duration, MAX_DURATION_MS, toMilliseconds } from '../../../lib/ports/duration.js';
import { formatValue } from '../../../lib/ports/validate.js';
import {
  DURATION,
  messageOf,
  type Row,
  rowsOf,
  WRONG_CACHE_OPTIONS,
  WRONG_ENTRY_OPTIONS,
  WRONG_NESTED,
} from './wrong-values.js';

const codecs = new Map<string, Codec>([jsonCodec, cborCodec].map((codec) => [codec.id, codec]));
const settings = (options: unknown = {}) => resolveSettings(options as CacheOptions, codecs);
const policy = (options: unknown) =>
  resolvePolicy(options as EntryOptions<never>, settings().policy, codecs);
describe('toMilliseconds', () => {
  it.each([
    [0, 0],
    [1.2, 2],
    ['500ms', 500],
    ['0.5s', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0.0001ms', 1],
    [MAX_DURATION_MS, MAX_DURATION_MS],
  ] as const)('%j is %i milliseconds', (given, ms) => {
    expect(toMilliseconds(given, 'ttl')).toBe(ms);
  });

  it.each([
    ['5 minutes'],
    [-1],
    [NaN],
    [Infinity],
    [''],
    ['5'],
    ['-5s'],
    ['1e3s'],
    ['5S'],
    [MAX_DURATION_MS + 1],
    [null],
    [undefined],
    ['10001d'],
  ])('refuses %s and says what is expected', (given) => {
    expect(messageOf(() => toMilliseconds(given as Duration, 'ttl'))).toBe(
      `ttl must be ${DURATION}; got ${formatValue(given)}.`,
    );
  });
});

describe('options', () => {
  it('of a cache with a name have a namespace of that name, and a given one wins', () => {
    expect(settings({ name: 'shop' }).namespace).toBe('cache-shop');
    expect(settings({ name: 'a b' }).namespace).toBe('cache-a%20b');
    expect(settings({ name: 'default' }).namespace).toBe('cache');
    expect(settings({ name: 'shop', namespace: 'cache' }).namespace).toBe('cache');
  });

  it('of a cache have defaults, merged once into something nobody can change', () => {
    const made = settings();
    expect(made).toMatchObject({
      name: 'default',
      namespace: 'cache',
      tenancy: 'optional',
      replicaLag: 0,
      strict: false,
      leaseTtl: 3_000,
      leaseWait: 10_000,
      backendTimeout: 250,
      maxValueBytes: 8 * 1024 * 1024,
      exposeKeys: false,
      policy: {
        ttl: 30_000,
        staleWhileRevalidate: 0,
        staleIfError: 0,
        jitter: 0.1,
        refreshAhead: false,
        softTimeout: 0,
        hardTimeout: 30_000,
      },
    });
    expect([Object.isFrozen(made), Object.isFrozen(policy({}))]).toEqual([true, true]);
    expect(made.policy.codec.id).toBe('json');
  });

  it.each<Row>([
    ...rowsOf(WRONG_CACHE_OPTIONS),
    ...WRONG_NESTED,
    [null, 'Cache options must be an object such as { backend }; got null.'],
    ['x', 'Cache options must be an object such as { backend }; got "x".'],
    [new MemoryBackend(), '{ backend }; got a backend itself. Give it as an option: { backend }.'],
    [{ tll: 1 }, 'Unknown option of a cache "tll". Options are: backend, backendTimeout, '],
    [{ lease: { tll: 5 } }, 'Unknown option of lease "tll". Options are: ttl, wait.'],
    [{ lease: { ttl: 99 } }, 'lease.ttl must be at least 100 ms; got 99 ms.'],
    [{ lease: { wait: -1 } }, `lease.wait must be ${DURATION}; got -1.`],
    [{ backendTimeout: 0 }, 'backendTimeout must be at least 1 ms; got 0 ms.'],
    [{ codec: 'msgpack' }, 'characters of a-z and 0-9; got "msgpack".'],
    [{ backend: 'redis://:canary@localhost' }, 'or new RedisBackend(...); got a string.'],
    [{ invalidations: [5] }, '; got an array with something else in it.'],
    [{ ttl: new Date() }, 'got an object.'],
    [{ ttl: 'x'.repeat(1000) }, `got "${'x'.repeat(60)}...".`],
  ])('of a cache refuse %j: %s', (options, message) => {
    expect(messageOf(() => settings(options))).toContain(message);
  });

  it.each<Row>([
    ...rowsOf(WRONG_ENTRY_OPTIONS),
    ...WRONG_NESTED,
    [5, 'options must be an object such as { ttl: 5 }; got 5.'],
    [{ tll: 1 }, 'Unknown option of a call "tll". Options are: codec, jitter, '],
  ])('of a call refuse %j: %s', (options, message) => {
    expect(messageOf(() => policy(options))).toContain(message);
  });

  it('of a call win over those of the cache', () => {
    const made = policy({
      ttl: '5s',
      staleIfError: '1m',
      producerTimeout: { soft: 10 },
      codec: 'cbor',
    });
    expect(made).toMatchObject({
      ttl: 5_000,
      staleIfError: 60_000,
      softTimeout: 10,
      hardTimeout: 30_000,
      jitter: 0.1,
    });
    expect(made.codec.id).toBe('cbor');
  });
});

describe('the ttl of a value', () => {
  it('is said by the producer, else by a function of the value, and short for null', () => {
    expect(ttlFor(policy({ ttl: 1_000 }), 'v', 7)).toBe(7);
    expect(
      ttlFor(policy({ ttl: (value: unknown) => (value === 'v' ? '2s' : 1) }), 'v', undefined),
    ).toBe(2_000);
    expect(ttlFor(policy({ ttl: '1h' }), null, undefined)).toBe(30_000);
    expect(ttlFor(policy({ ttl: '1s' }), null, undefined)).toBe(1_000);
    expect(ttlFor(policy({ ttl: '1h', nullTtl: '2m' }), null, undefined)).toBe(120_000);
    expect(messageOf(() => ttlFor(policy({ ttl: () => 'x' }), 'v', undefined))).toContain(
      'ttl(value) must be a duration',
    );
  });
});

describe('which errors a stale value may stand in for', () => {
  it('are those that are not the fault of the caller', () => {
    const { staleIfErrorWhen } = settings().policy;
    const abort = Object.assign(new Error('x'), { name: 'AbortError' });
    const http = (status: number) => ({ getStatus: () => status });
    expect(
      [new Error('x'), 'text', null, http(503), { status: 500 }, { status: 'odd' }].map((error) =>
        staleIfErrorWhen(error),
      ),
    ).toEqual(Array.from({ length: 6 }, () => true));
    expect(
      [abort, http(404), { status: 400 }, { status: 499 }].map((error) => staleIfErrorWhen(error)),
    ).toEqual(Array.from({ length: 4 }, () => false));
  });
});
