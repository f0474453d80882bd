import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../../lib/codecs/cbor.js';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { clearRequestChange, toChanges } from '../../../lib/core/invalidate/request.js';
import { CacheKey } from '../../../lib/core/key/key.js';
import { resolvePolicy, resolveSettings, ttlFor } from '../../../lib/core/options/options.js';
import type {
  CacheOptions,
  EntryOptions,
  InvalidateRequest,
} from '../../../lib/core/options/types.js';
import type { Codec } from '../../../lib/ports/codec.js';
import { type Duration, MAX_DURATION_MS, toMilliseconds } from '../../../lib/ports/duration.js';
import { CacheConfigError } from '../../../lib/ports/errors.js';

const codecs = new Map<string, Codec>([jsonCodec, cborCodec].map((codec) => [codec.id, codec]));
const settings = (options: unknown = {}) => resolveSettings(options as CacheOptions, codecs);
const policy = (options: unknown) =>
  resolvePolicy(options as EntryOptions<never>, settings().policy, codecs);
const changes = (request: unknown, options?: unknown) =>
  toChanges(request as InvalidateRequest, settings(options));

function messageOf(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    expect(error).toBeInstanceOf(CacheConfigError);
    expect(error).toMatchObject({ code: 'CACHE_CONFIG', name: 'CacheConfigError' });
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

describe('a duration', () => {
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
  ])('%j is refused, and the message says what is expected', (given) => {
    const shown = typeof given === 'string' ? JSON.stringify(given) : String(given);
    expect(messageOf(() => toMilliseconds(given as Duration, 'ttl'))).toBe(
      `ttl must be a duration: milliseconds as a number from 0 to 864000000000, or a text such as '500ms', '30s', '5m', '2h' or '1d'; got ${shown}.`,
    );
  });
});

describe('the options of a cache', () => {
  it('have defaults, merged once into something nobody can change', () => {
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

  it.each([
    [null, 'Cache options must be an object; got null.'],
    ['x', 'Cache options must be an object; got "x".'],
    [{ tll: 1 }, 'Unknown cache option "tll". Options are: backend, '],
    [{ name: '' }, 'name must be a text of 1 to 100 characters; got "".'],
    [{ name: 7 }, 'name must be a text of 1 to 100 characters; got 7.'],
    [{ namespace: 'x'.repeat(101) }, 'namespace must be a text of 1 to 100 characters; got "xxx'],
    [{ tenancy: 'always' }, "tenancy must be 'optional' or 'required'; got \"always\"."],
    [{ tenant: 'x' }, 'tenant must be a function; got "x".'],
    [{ strict: 'yes' }, 'strict must be true or false; got "yes".'],
    [{ exposeKeys: 1 }, 'exposeKeys must be true or false; got 1.'],
    [{ lease: { ttl: 99 } }, 'lease.ttl must be at least 100 ms; got 99 ms.'],
    [{ lease: { wait: -1 } }, 'lease.wait must be a duration'],
    [{ backendTimeout: 0 }, 'backendTimeout must be at least 1 ms; got 0 ms.'],
    [{ maxValueBytes: 0 }, 'maxValueBytes must be a positive whole number; got 0.'],
    [{ maxValueBytes: 1.5 }, 'maxValueBytes must be a positive whole number; got 1.5.'],
    [{ replicaLag: 'soon' }, 'replicaLag must be a duration'],
    [{ ttl: '5 minutes' }, 'ttl must be a duration'],
    [{ nullTtl: NaN }, 'nullTtl must be a duration'],
    [{ staleWhileRevalidate: -1 }, 'staleWhileRevalidate must be a duration'],
    [{ staleIfError: 'x' }, 'staleIfError must be a duration'],
    [{ staleIfErrorWhen: true }, 'staleIfErrorWhen must be a function; got true.'],
    [{ jitter: 1.1 }, 'jitter must be a number from 0 to 1; got 1.1.'],
    [{ jitter: NaN }, 'jitter must be a number from 0 to 1; got NaN.'],
    [
      { refreshAhead: 1 },
      "refreshAhead must be 'xfetch', false, or a share of the ttl between 0 and 1; got 1.",
    ],
    [
      { refreshAhead: 'soon' },
      'refreshAhead must be \'xfetch\', false, or a share of the ttl between 0 and 1; got "soon".',
    ],
    [{ producerTimeout: { soft: -1 } }, 'producerTimeout.soft must be a duration'],
    [{ producerTimeout: { hard: 0 } }, 'producerTimeout.hard must be at least 1 ms; got 0 ms.'],
    [
      { codec: 'msgpack' },
      "codec must be one of 'json', 'cbor', or an object { id, encode, decode } whose id has 1 to 8 characters of a-z and 0-9; got \"msgpack\".",
    ],
    [{ codec: { id: 'TOO LONG', encode: () => 0, decode: () => 0 } }, 'codec must be one of'],
  ])('%j is refused: %s', (options, message) => {
    expect(messageOf(() => settings(options))).toContain(message);
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

describe('what is to be invalidated', () => {
  it.each([
    [
      {},
      'invalidate: name at least one of keys, tags, segment or tenant. To invalidate everything, call clear().',
    ],
    [
      { tag: ['a'] },
      'invalidate: unknown field "tag"; expected keys, tags, tenant, segment, match, mode, settle.',
    ],
    [{ tags: ['a'], match: 'both' }, "invalidate: match must be 'any' or 'all'; got \"both\"."],
    [{ tags: ['a'], mode: 'hardly' }, "invalidate: mode must be 'soft' or 'hard'; got \"hardly\"."],
    [{ tags: ['a'], settle: 'x' }, 'settle must be a duration'],
    [
      { tags: Array.from({ length: 65 }, (_, i) => `t${String(i)}`) },
      'One invalidation may name at most 64 tags; got 65. Use several, or coarser tags.',
    ],
  ])('%j is refused: %s', (request, message) => {
    expect(messageOf(() => changes(request))).toContain(message);
  });

  it.each([
    ['acme', 'clear: got a string; expected { tenant'],
    [null, 'clear: got null; expected { tenant'],
    [{ tenat: 'acme' }, 'clear: unknown field "tenat"; expected { tenant'],
    [{ tenant: undefined }, 'clear: tenant is undefined; expected { tenant'],
    [{ tenant: null }, 'clear: tenant is null; expected { tenant'],
    [{ tenant: '' }, 'clear: tenant is an empty string; expected { tenant'],
    [{ tenant: NaN }, 'clear: tenant is NaN; expected { tenant'],
    [CacheKey.builder().tenant(7).segment('a').build(), 'clear: got a key; expected { tenant'],
  ])('is not everything by mistake: clear(%j) is refused', (request, message) => {
    expect(messageOf(() => clearRequestChange(request as never))).toContain(message);
  });

  it('is everything, or everything of a tenant', () => {
    expect([
      clearRequestChange(),
      clearRequestChange({}),
      clearRequestChange({ tenant: 7 }),
    ]).toMatchObject(
      ['', '', '7'].map((scope) => ({ kind: 'groups', invalidation: { scope, groups: ['*'] } })),
    );
  });

  it('needs a tenant where tenancy is required', () => {
    expect(messageOf(() => changes({ tags: ['a'] }, { tenancy: 'required' }))).toContain(
      "This cache has tenancy: 'required'",
    );
    expect(messageOf(() => changes({ keys: ['k'] }, { tenancy: 'required' }))).toContain(
      "This cache has tenancy: 'required'",
    );
    expect(changes({ tags: ['a'], tenant: 7 }, { tenancy: 'required' })).toMatchObject([
      { invalidation: { scope: '7', groups: ['t:a'] } },
    ]);
  });

  it('is one change for the keys and one for the groups, in the tenant that the resolver gives', () => {
    const made = changes(
      {
        keys: ['k', 'k'],
        tags: ['b', 'a'],
        segment: 's',
        match: 'all',
        mode: 'soft',
        settle: '1s',
      },
      { tenant: () => 'x' },
    );
    expect(made).toEqual([
      { kind: 'keys', keys: ['tenant:x/segment:k'], settleMs: 1_000 },
      {
        kind: 'groups',
        invalidation: {
          scope: 'x',
          groups: ['s:s', 't:a', 't:b'],
          match: 'all',
          mode: 'soft',
          settleMs: 1_000,
        },
      },
    ]);
  });

  it('is everything of a tenant that is named alone', () => {
    expect(changes({ tenant: 'x' }, { replicaLag: 5 })).toEqual([
      {
        kind: 'groups',
        invalidation: { scope: 'x', groups: ['*'], match: 'any', mode: 'hard', settleMs: 5 },
      },
    ]);
  });
});
