import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { clearRequestChange, toChanges } from '../../../lib/core/invalidate/request.js';
import { CacheKey } from '../../../lib/core/key/key.js';
import { resolveSettings } from '../../../lib/core/options/options.js';
import type { CacheOptions, InvalidateRequest } from '../../../lib/core/options/types.js';
import { messageOf } from '../options/wrong-values.js';

const codecs = new Map([[jsonCodec.id, jsonCodec]]);
const settings = (options: unknown = {}) => resolveSettings(options as CacheOptions, codecs);
const changes = (request: unknown, options?: unknown) =>
  toChanges(request as InvalidateRequest, settings(options));

describe('what is to be invalidated', () => {
  it.each([
    [
      {},
      'invalidate: name at least one of keys, tags, segment or tenant. To invalidate everything, call clear().',
    ],
    [
      { tag: ['a'] },
      'Unknown option of invalidate "tag". ' +
        'Options are: keys, match, mode, segment, settle, tags, tenant.',
    ],
    [{ tags: ['a'], match: 'both' }, "invalidate: match must be 'any' or 'all'; got \"both\"."],
    [{ tags: ['a'], mode: 'hardly' }, "invalidate: mode must be 'soft' or 'hard'; got \"hardly\"."],
    [{ tags: ['a'], settle: 'x' }, 'invalidate: settle must be a duration'],
    [{ tags: ['a'], tenant: '' }, 'invalidate: tenant must be a string that is not empty'],
    [{ tags: ['a'], tenant: {} }, 'a number or a bigint, or left out where there is none; got an'],
    [
      { tags: Array.from({ length: 65 }, (_, i) => `t${String(i)}`) },
      'One invalidation may name at most 64 tags; got 65. Use several, or coarser tags.',
    ],
  ])('%j is refused: %s', (request, message) => {
    expect(messageOf(() => changes(request))).toContain(message);
  });

  it.each([
    ['acme', "clear: the request must be an object such as { tenant: '...' }, or nothing at all"],
    [null, 'to clear everything; got null.'],
    [[], 'to clear everything; got an instance of Array.'],
    [{ tenat: 'acme' }, 'Unknown option of clear "tenat". Options are: tenant.'],
    [
      { tenant: undefined },
      'clear: tenant must be a string that is not empty, a number or a bigint',
    ],
    [{ tenant: null }, 'got null.'],
    [{ tenant: '' }, 'got an empty string.'],
    [{ tenant: NaN }, 'got NaN.'],
    [CacheKey.builder().tenant(7).segment('a').build(), 'clear: got a key; expected { tenant'],
  ])('is not everything by mistake: clear(%j) is refused', (request, message) => {
    expect(messageOf(() => clearRequestChange(request as never))).toContain(message);
  });

  it('is everything, or everything of a tenant, for clear', () => {
    expect([
      clearRequestChange(),
      clearRequestChange({}),
      clearRequestChange({ tenant: 7 }),
    ]).toMatchObject(
      ['', '', '7'].map((scope) => ({ kind: 'groups', invalidation: { scope, groups: ['*'] } })),
    );
  });

  it('has to name a tenant where tenancy is required', () => {
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

  it('becomes one change for the keys and one for the groups, in the tenant that the resolver gives', () => {
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

  it('is everything of a tenant when only a tenant is named', () => {
    expect(changes({ tenant: 'x' }, { replicaLag: 5 })).toEqual([
      {
        kind: 'groups',
        invalidation: { scope: 'x', groups: ['*'], match: 'any', mode: 'hard', settleMs: 5 },
      },
    ]);
  });
});
