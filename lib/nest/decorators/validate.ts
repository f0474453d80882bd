import { cborCodec } from '../../codecs/cbor.js';
import { jsonCodec } from '../../codecs/json.js';
import { normalizeTags } from '../../core/groups/groups.js';
import { toChanges } from '../../core/invalidate/request.js';
import { toCacheKey } from '../../core/key/key.js';
import { resolveSettings } from '../../core/options/options.js';
import type { KeyLike } from '../../core/options/types.js';
import { CacheConfigError, CacheKeyError } from '../../ports/errors.js';
import { isObject, formatValue } from '../../ports/validate.js';
import { checkHttpOptions } from '../http/check-http-options.js';
import type { CacheableOptions, CacheEvictOptions, CachePutOptions } from './options.js';

/** What an option may be; `entry` and `request` are for the core to judge. */
type Kind =
  | 'text'
  | 'flag'
  | 'object'
  | 'callback'
  | 'text or callback'
  | 'list or callback'
  | 'value or callback'
  | 'entry'
  | 'request';

const ENTRY = {
  ttl: 'entry',
  nullTtl: 'entry',
  staleWhileRevalidate: 'entry',
  staleIfError: 'entry',
  staleIfErrorWhen: 'entry',
  jitter: 'entry',
  refreshAhead: 'entry',
  producerTimeout: 'entry',
  codec: 'entry',
} as const;
const KEPT = {
  ...ENTRY,
  cache: 'text',
  returns: 'text',
  name: 'text',
  key: 'text or callback',
  tags: 'list or callback',
  resultTags: 'callback',
  when: 'callback',
  unless: 'callback',
} as const;
const CACHEABLE: Readonly<Record<keyof CacheableOptions, Kind>> = { ...KEPT, http: 'object' };
const PUT: Readonly<Record<keyof CachePutOptions, Kind>> = KEPT;
const EVICT: Readonly<Record<keyof CacheEvictOptions, Kind>> = {
  cache: 'text',
  returns: 'text',
  key: 'text or callback',
  keys: 'list or callback',
  tags: 'list or callback',
  segment: 'text or callback',
  tenant: 'value or callback',
  allEntries: 'flag',
  timing: 'text',
  when: 'callback',
  match: 'request',
  mode: 'request',
  settle: 'request',
};

/**
 * Wrong options are an error when the class is defined, not at the first call.
 * @throws CacheConfigError (`CACHE_CONFIG`) naming the decorator, the method, the option, what was expected and what was given;
 * CacheKeyError (`CACHE_KEY`) for a key that is none
 */
export function checkOptions(
  decorator: '@Cacheable' | '@CachePut' | '@CacheEvict',
  where: string,
  options: object,
): void {
  const kinds: Readonly<Record<string, Kind>> =
    decorator === '@Cacheable' ? CACHEABLE : decorator === '@CachePut' ? PUT : EVICT;
  try {
    if (!isObject(options))
      throw new CacheConfigError(`the options must be an object; got ${formatValue(options)}.`);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    for (const [name, value] of given) checkOne(name, value, kinds);
    checkHttpOptions((options as CacheableOptions).http ?? {});
    const of = (kind: Kind): object =>
      Object.fromEntries(given.filter(([name]) => kinds[name] === kind));
    const settings = resolveSettings(builtIn(of('entry')), CODECS);
    toChanges({ tags: ['any'], ...of('request') }, settings);
  } catch (error) {
    if (!(error instanceof CacheConfigError || error instanceof CacheKeyError)) throw error;
    const Refused = error instanceof CacheKeyError ? CacheKeyError : CacheConfigError;
    throw new Refused(`${decorator} on ${where}: ${error.message}`, { cause: error });
  }
}

const CODECS = new Map([jsonCodec, cborCodec].map((codec) => [codec.id, codec] as const));

/** Only the cache knows a codec of its own by name. */
function builtIn(entry: { readonly codec?: unknown }): object {
  const { codec, ...others } = entry;
  return typeof codec === 'string' ? others : entry;
}

function checkOne(name: string, value: unknown, kinds: Readonly<Record<string, Kind>>): void {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) {
    throw new CacheConfigError(
      `unknown option ${JSON.stringify(name)}. Options are: ${Object.keys(kinds).sort().join(', ')}.`,
    );
  }
  if (!fits(kind, value))
    throw new CacheConfigError(`${name} must be ${EXPECTED[kind]}; got ${formatValue(value)}.`);
  if (name === 'tags' && Array.isArray(value)) normalizeTags(value as string[]);
  if (name === 'keys' && Array.isArray(value))
    for (const key of value as KeyLike[]) toCacheKey(key, undefined);
}

const EXPECTED: Readonly<Record<Kind, string>> = {
  text: 'a text that is not empty',
  flag: 'true or false',
  object: 'an object',
  callback: 'a function',
  'text or callback': 'a text that is not empty, or a function of the arguments',
  'list or callback': 'a list, or a function of the arguments that returns one',
  'value or callback':
    'a text that is not empty, a number or a bigint, or a function of the arguments',
  entry: '',
  request: '',
};

function fits(kind: Kind, value: unknown): boolean {
  const text = typeof value === 'string' && value !== '';
  const callback = typeof value === 'function';
  switch (kind) {
    case 'text':
      return text;
    case 'flag':
      return typeof value === 'boolean';
    case 'object':
      return typeof value === 'object' && value !== null;
    case 'callback':
      return callback;
    case 'text or callback':
      return text || callback;
    case 'list or callback':
      return Array.isArray(value) || callback;
    case 'value or callback':
      return text || callback || typeof value === 'number' || typeof value === 'bigint';
    case 'entry':
    case 'request':
      return true;
  }
}
