import { CacheConfigError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, isObject, parseOptions } from '../../ports/validate.js';
import { assertArray } from '../options/validate-call.js';
import { ALL, normalizeTags, NAMESPACE, segmentGroup, tagGroup } from '../groups/groups.js';
import { type Change, clearChange } from '../groups/journal.js';
import { CacheKey, CacheKeyBuilder, type KeyPart, toCacheKey, storageKey } from '../key/key.js';
import { encodePart, describeType } from '../key/percent-encoding.js';
import type { Settings } from '../options/options.js';
import type { InvalidateRequest, KeyLike } from '../options/types.js';

/** Null or an empty string must not mean the entries of all tenants. */
const tenantCheck = is.that<KeyPart>(
  'a string that is not empty, a number or a bigint, or left out where there is none',
  (given) =>
    typeof given === 'bigint' ||
    (typeof given === 'number' ? Number.isFinite(given) : is.isFilled(given)),
  describeType,
);

/** One check for each field of an invalidation; the segment is read as it is encoded. */
export const REQUEST_CHECKS = {
  keys: (given: unknown, name: string) => assertArray(given as readonly KeyLike[], name),
  tags: (given: unknown) => normalizeTags(given as readonly string[], 'invalidation'),
  tenant: tenantCheck,
  segment: (given: unknown, name: string) => encodePart(given as KeyPart, name),
  match: is.oneOf('any', 'all'),
  mode: is.oneOf('soft', 'hard'),
  settle: is.duration(),
} satisfies Checks<InvalidateRequest>;

const REQUEST = {
  what: 'invalidate: the request',
  owner: 'invalidate',
  example: "{ tags: ['account:7'] } or { keys: [key] }",
  prefix: 'invalidate: ',
};

/**
 * What an invalidation means for the backend.
 * @throws CacheConfigError (`CACHE_CONFIG`) for unknown fields, for wrong values, and for a request
 * that names nothing; CacheKeyError (`CACHE_KEY`) for keys and segments that are none
 */
export function toChanges(request: InvalidateRequest, settings: Settings): Change[] {
  if (isKey(request))
    throw new CacheConfigError('invalidate: got a key. Give { keys: [key] }, or call delete(key).');
  const given = parseOptions(request, REQUEST_CHECKS, REQUEST);
  const { keys = [], tags = [], segment, match = 'any', mode = 'hard' } = given;
  const settleMs = given.settle ?? settings.replicaLag;
  const tenant = given.tenant ?? settings.tenant();
  const groups = tags.map(tagGroup);
  if (segment !== undefined) groups.push(segmentGroup(segment));
  if (groups.length === 0 && keys.length === 0) {
    if (given.tenant === undefined) {
      throw new CacheConfigError(
        'invalidate: name at least one of keys, tags, segment or tenant. ' +
          'To invalidate everything, call clear().',
      );
    }
    groups.push(ALL);
  }
  const changes: Change[] = [];
  const names = keys.map((key) => storageKey(assertTenant(toCacheKey(key, tenant), settings)));
  // A plain string key of the segment's name reads like the segment itself, and is in no group.
  if (segment !== undefined && mode === 'hard' && match === 'any') {
    const plain = CacheKey.fromEncoded(undefined, segment, '');
    names.push(storageKey(assertTenant(toCacheKey(plain, tenant), settings)));
  }
  if (names.length > 0) changes.push({ kind: 'keys', keys: [...new Set(names)], settleMs });
  if (groups.length > 0) {
    if (tenant === undefined && settings.tenancy === 'required')
      throw new CacheConfigError(NO_TENANT);
    const scope = tenant === undefined ? NAMESPACE : encodePart(tenant, 'tenant');
    const sorted = [...new Set(groups)].sort();
    changes.push({
      kind: 'groups',
      invalidation: {
        scope,
        groups: sorted,
        match: sorted.length > 1 ? match : 'any',
        mode,
        settleMs,
      },
    });
  }
  return changes;
}

/**
 * Everything of one tenant, or of the namespace.
 * @throws CacheConfigError (`CACHE_CONFIG`) for anything that may have meant one tenant
 */
export function clearRequestChange(request?: {
  readonly tenant?: string | number | bigint;
}): Change {
  if (request !== undefined) assertClearRequest(request);
  const scope = request?.tenant === undefined ? undefined : encodePart(request.tenant, 'tenant');
  return { ...clearChange(scope), clears: true };
}

const CLEAR_CHECKS = { tenant: tenantCheck };
const CLEAR = {
  what: 'clear: the request',
  owner: 'clear',
  example: "{ tenant: '...' }, or nothing at all to clear everything",
  prefix: 'clear: ',
  required: ['tenant'],
};
const clearObject = is.that<object>(`an object such as ${CLEAR.example}`, isObject, describeType);

function assertClearRequest(given: unknown): void {
  if (isKey(given))
    throw new CacheConfigError(
      `clear: got a key; expected ${CLEAR.example}. For one key call delete(key).`,
    );
  const request = clearObject(given, CLEAR.what);
  // {} is everything; { tenant: undefined } may have meant one tenant.
  if ('tenant' in request || Object.keys(request).length > 0)
    parseOptions(request, CLEAR_CHECKS, CLEAR);
}

/** A key has getters named as the fields of a request: it would mean all of its segment. */
function isKey(given: unknown): boolean {
  return given instanceof CacheKey || given instanceof CacheKeyBuilder;
}

function assertTenant(key: CacheKey, settings: Settings): CacheKey {
  if (key.tenant === undefined && settings.tenancy === 'required')
    throw new CacheConfigError(NO_TENANT);
  return key;
}

const NO_TENANT =
  "This cache has tenancy: 'required', and the invalidation has no tenant. " +
  'Name one (tenant: ...), or give the cache a tenant resolver (option tenant).';
