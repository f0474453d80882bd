import { cborCodec } from '../../codecs/cbor.js';
import { jsonCodec } from '../../codecs/json.js';
import { normalizeTags } from '../../core/groups/groups.js';
import { REQUEST_CHECKS } from '../../core/invalidate/request.js';
import { toCacheKey } from '../../core/key/key.js';
import { ENTRY_CHECKS, orCallback } from '../../core/options/checks.js';
import { resolveCodec } from '../../core/options/options.js';
import type { KeyLike } from '../../core/options/types.js';
import { CacheConfigError, CacheKeyError } from '../../ports/errors.js';
import {
  callback,
  check,
  type Check,
  type Checks,
  flag,
  isFilled,
  oneOf,
  parseOptions,
} from '../../ports/validate.js';
import { assertHttpOptions } from '../http/check-http-options.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions } from './options.js';

const CODECS = new Map([jsonCodec, cborCodec].map((codec) => [codec.id, codec] as const));

const text = check<string>('a string that is not empty', isFilled);
const textOrCallback = check(
  'a string that is not empty, or a function of the arguments',
  (given) => isFilled(given) || typeof given === 'function',
);
const list = check<readonly unknown[]>(
  'an array, or a function of the arguments that returns one',
  Array.isArray,
);

function arrayOrCallback(assertItems: (items: readonly unknown[]) => void): Check {
  return orCallback((given, name) => {
    assertItems(list(given, name));
    return given;
  });
}

const tags = arrayOrCallback((items) => normalizeTags(items as readonly string[]));

const PUT_CHECKS = {
  ...ENTRY_CHECKS,
  codec: (given, name) => {
    const codec = ENTRY_CHECKS.codec(given, name);
    // Only the cache knows its own codecs by name.
    return typeof codec === 'string' ? codec : resolveCodec(codec, CODECS);
  },
  cache: text,
  name: text,
  key: textOrCallback,
  tags,
  resultTags: callback(),
  when: callback(),
  unless: callback(),
} satisfies Checks<CachePutOptions>;

const CACHEABLE_CHECKS = {
  ...PUT_CHECKS,
  http: assertHttpOptions,
} satisfies Checks<CacheableOptions>;

const EVICT_CHECKS = {
  cache: text,
  key: textOrCallback,
  keys: arrayOrCallback((items) => {
    for (const key of items) toCacheKey(key as KeyLike, undefined);
  }),
  tags,
  segment: textOrCallback,
  tenant: check(
    'a string that is not empty, a number or a bigint, or a function of the arguments',
    (given) => isFilled(given) || ['function', 'number', 'bigint'].includes(typeof given),
  ),
  allEntries: flag,
  timing: oneOf('after-success', 'after-commit', 'before', 'both'),
  when: callback(),
  match: REQUEST_CHECKS.match,
  mode: REQUEST_CHECKS.mode,
  settle: REQUEST_CHECKS.settle,
} satisfies Checks<CacheEvictOptions>;

const CHECKS = {
  '@Cacheable': CACHEABLE_CHECKS,
  '@CachePut': PUT_CHECKS,
  '@CacheEvict': EVICT_CHECKS,
};

/**
 * Called when the class is defined, so that wrong options do not wait for the first call.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the decorator, the method, the option, what was
 * expected and what was given; CacheKeyError (`CACHE_KEY`) for a key that is none
 */
export function assertDecoratorOptions(
  decorator: keyof typeof CHECKS,
  where: string,
  options: object,
): void {
  try {
    parseOptions<Checks>(options, CHECKS[decorator], {
      what: 'the options',
      owner: decorator,
      example: "{ key: 'rates' }",
    });
  } catch (error) {
    if (!(error instanceof CacheConfigError || error instanceof CacheKeyError)) throw error;
    const Refused = error instanceof CacheKeyError ? CacheKeyError : CacheConfigError;
    throw new Refused(`${decorator} on ${where}: ${error.message}`, { cause: error });
  }
}
