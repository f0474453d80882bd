import { toMilliseconds } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import { isObject, formatValue } from '../../ports/validate.js';
import { assertArray } from '../options/validate-call.js';
import { ALL, normalizeTags, NAMESPACE, segmentGroup, tagGroup } from '../groups/groups.js';
import { type Change, clearChange } from '../groups/journal.js';
import { CacheKey, CacheKeyBuilder, toCacheKey, storageKey } from '../key/key.js';
import { encodePart, describeType } from '../key/percent-encoding.js';
import type { Settings } from '../options/options.js';
import type { InvalidateRequest } from '../options/types.js';

const FIELDS: ReadonlySet<string> = new Set([
  'keys',
  'tags',
  'tenant',
  'segment',
  'match',
  'mode',
  'settle',
]);

/**
 * What an invalidation means for the backend.
 * @throws CacheConfigError (`CACHE_CONFIG`) for unknown fields, for keys and tags that are no arrays, and when nothing is named
 */
export function toChanges(request: InvalidateRequest, settings: Settings): Change[] {
  if (!isObject(request))
    throw new CacheConfigError(
      `invalidate: give an object such as { tags: ['account:7'] } or { keys: [key] }; got ${formatValue(request)}.`,
    );
  if (isKey(request))
    throw new CacheConfigError('invalidate: got a key. Give { keys: [key] }, or call delete(key).');
  for (const field of Object.keys(request)) {
    if (!FIELDS.has(field))
      throw new CacheConfigError(
        `invalidate: unknown field ${JSON.stringify(field)}; expected ${[...FIELDS].join(', ')}.`,
      );
  }
  const { tags = [], segment, match = 'any', mode = 'hard' } = request;
  const keys = assertArray(request.keys ?? [], 'invalidate: keys');
  oneOf(['any', 'all'], match, 'match');
  oneOf(['soft', 'hard'], mode, 'mode');
  const settleMs =
    request.settle === undefined ? settings.replicaLag : toMilliseconds(request.settle, 'settle');
  // Without a name the entries of all would go.
  if ((request.tenant as unknown) === null)
    throw new CacheConfigError(
      'invalidate: tenant must be a text, a number or a bigint; got null. Leave it out when there is none.',
    );
  const tenant = request.tenant ?? settings.tenant();
  const groups = [...normalizeTags(tags, 'invalidation').map(tagGroup)];
  if (segment !== undefined) groups.push(segmentGroup(encodePart(segment, 'segment')));
  if (groups.length === 0 && keys.length === 0) {
    if (request.tenant === undefined) {
      throw new CacheConfigError(
        'invalidate: name at least one of keys, tags, segment or tenant. To invalidate everything, call clear().',
      );
    }
    groups.push(ALL);
  }
  const changes: Change[] = [];
  const names = keys.map((key) => storageKey(assertTenant(toCacheKey(key, tenant), settings)));
  // The key that is nothing but the segment may have been stored as a plain string key, which is in no segment's group.
  if (segment !== undefined && mode === 'hard' && match === 'any') {
    names.push(
      storageKey(
        assertTenant(toCacheKey(CacheKey.builder().segment(segment).build(), tenant), settings),
      ),
    );
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
 * @throws CacheConfigError (`CACHE_CONFIG`) for anything that could have meant one tenant, and would clear all of them
 */
export function clearRequestChange(request?: {
  readonly tenant?: string | number | bigint;
}): Change {
  if (request !== undefined) assertClearRequest(request);
  const scope = request?.tenant === undefined ? undefined : encodePart(request.tenant, 'tenant');
  return { ...clearChange(scope), clears: true };
}

function assertClearRequest(request: unknown): void {
  const advice = "expected { tenant: '...' }, or nothing at all to clear everything.";
  if (typeof request !== 'object' || request === null) {
    throw new CacheConfigError(
      `clear: got ${request === null ? 'null' : `a ${typeof request}`}; ${advice}`,
    );
  }
  if (isKey(request))
    throw new CacheConfigError(`clear: got a key; ${advice} For one key call delete(key).`);
  const [unknown] = Object.keys(request).filter((field) => field !== 'tenant');
  if (unknown !== undefined)
    throw new CacheConfigError(`clear: unknown field ${JSON.stringify(unknown)}; ${advice}`);
  if ('tenant' in request && !isTenant(request.tenant))
    throw new CacheConfigError(`clear: tenant is ${describeType(request.tenant)}; ${advice}`);
}

/** Its getters are named as the fields of a request: read as one it would mean all of its segment, or of its tenant. */
function isKey(request: object): boolean {
  return request instanceof CacheKey || request instanceof CacheKeyBuilder;
}

function isTenant(given: unknown): boolean {
  return (
    typeof given === 'bigint' ||
    (typeof given === 'number' ? Number.isFinite(given) : typeof given === 'string' && given !== '')
  );
}

function oneOf(choices: readonly string[], given: unknown, name: string): void {
  if (choices.includes(given as string)) return;
  throw new CacheConfigError(
    `invalidate: ${name} must be '${choices.join("' or '")}'; got ${JSON.stringify(given)}.`,
  );
}

function assertTenant(key: CacheKey, settings: Settings): CacheKey {
  if (key.tenant === undefined && settings.tenancy === 'required')
    throw new CacheConfigError(NO_TENANT);
  return key;
}

const NO_TENANT =
  "This cache has tenancy: 'required', and the invalidation has no tenant. Name one (tenant: ...), or give the cache a tenant resolver (option tenant).";
