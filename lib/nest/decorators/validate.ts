import { cborCodec } from '../../codecs/cbor.js';
import { jsonCodec } from '../../codecs/json.js';
import { normalizeTags } from '../../core/groups/groups.js';
import { REQUEST_CHECKS } from '../../core/invalidate/request.js';
import { toCacheKey } from '../../core/key/key.js';
import { ENTRY_CHECKS } from '../../core/options/checks.js';
import { resolveCodec } from '../../core/options/options.js';
import type { KeyLike } from '../../core/options/types.js';
import { CacheConfigError, CacheKeyError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { type Check, type Checks, parseOptions } from '../../ports/validate.js';
import { assertHttpOptions } from '../http/check-http-options.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions } from './options.js';

const CODECS = new Map([jsonCodec, cborCodec].map((codec) => [codec.id, codec] as const));

const list = is.that<readonly unknown[]>(
  'an array, or a function of the arguments that returns one',
  Array.isArray,
);

function arrayOrCallback(assertItems: (items: readonly unknown[]) => void): Check {
  return is.callbackOr((given, name) => {
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
  cache: is.text,
  returns: is.oneOf('observable'),
  name: is.text,
  instanceKey: is.callback(),
  ignoreArguments: is.flag,
  key: is.textOrCallback,
  tags,
  resultTags: is.callback(),
  when: is.callback(),
  unless: is.callback(),
} satisfies Checks<CachePutOptions>;

const CACHEABLE_CHECKS = {
  ...PUT_CHECKS,
  http: assertHttpOptions,
} satisfies Checks<CacheableOptions>;

const EVICT_CHECKS = {
  cache: is.text,
  returns: is.oneOf('observable'),
  key: is.textOrCallback,
  keys: arrayOrCallback((items) => {
    for (const key of items) toCacheKey(key as KeyLike, undefined);
  }),
  tags,
  segment: is.textOrCallback,
  tenant: is.that(
    'a string that is not empty, a number or a bigint, or a function of the arguments',
    (given) => is.isFilled(given) || ['function', 'number', 'bigint'].includes(typeof given),
  ),
  allEntries: is.flag,
  timing: is.oneOf('after-success', 'after-commit', 'before', 'both'),
  when: is.callback(),
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
