import { CacheKeyError } from '../../ports/errors.js';
import { isObject } from '../../ports/validate.js';
import { encodeValue } from './canonical-value.js';
import { sha256 } from './hash.js';
import { encodePart, encodeText, describeType } from './percent-encoding.js';

/** A tenant or segment; `42`, `42n` and `'42'` are the same one. */
export type KeyPart = string | number | bigint;

/** Longer keys are shortened for the backend: see `storageKey`. */
export const MAX_STORAGE_KEY_BYTES = 512;
const DIGEST_DIGITS = 32;

/**
 * A canonical, immutable key: equal parts give the same text in whatever order they were added, and
 * different parts give different texts.
 *
 * ```ts
 * const key = CacheKey.builder()
 *   .tenant(42).segment('entries').param('size', 20).param('page', 1).build();
 * key.toString(); // tenant:42/segment:entries/page=1&size=20
 * key.hash();     // 16 hex digits
 * ```
 */
export class CacheKey {
  readonly #text: string;
  readonly #tenant: string | undefined;
  readonly #segment: string | undefined;
  readonly #params: string;

  // Private fields keep it immutable; freezing a key would cost more than building its text.
  private constructor(tenant: string | undefined, segment: string | undefined, params: string) {
    let text = tenant === undefined ? '' : `tenant:${tenant}/`;
    if (segment !== undefined) text += params === '' ? `segment:${segment}` : `segment:${segment}/`;
    this.#text = text + params;
    this.#tenant = tenant;
    this.#segment = segment;
    this.#params = params;
  }

  /** The canonical text: ASCII without white space. */
  get text(): string {
    return this.#text;
  }

  /** The percent-encoded tenant. */
  get tenant(): string | undefined {
    return this.#tenant;
  }

  /** The tenant as it was given, as a string. */
  get tenantName(): string | undefined {
    return this.#tenant === undefined ? undefined : decodeURIComponent(this.#tenant);
  }

  /** The percent-encoded segment. */
  get segment(): string | undefined {
    return this.#segment;
  }

  static builder(): CacheKeyBuilder {
    return new CacheKeyBuilder();
  }

  /** @internal Takes encoded parts. */
  static fromEncoded(
    tenant: string | undefined,
    segment: string | undefined,
    params: string,
  ): CacheKey {
    return new CacheKey(tenant, segment, params);
  }

  /** This key if it has a tenant, else the same key in `tenant`. */
  inTenant(tenant: KeyPart): CacheKey {
    return this.#tenant === undefined
      ? new CacheKey(encodePart(tenant, 'tenant'), this.#segment, this.#params)
      : this;
  }

  /**
   * @internal This key with one parameter more.
   * @throws CacheKeyError (`CACHE_KEY`) for one that it has already, and for undefined
   */
  withParam(name: string, value: unknown): CacheKey {
    const encoded = encodeText(name, 'a param name');
    const params = this.#params === '' ? [] : this.#params.split('&');
    const nameOf = (param: string): string => param.slice(0, param.indexOf('='));
    if (params.some((param) => nameOf(param) === encoded)) throw duplicatePart(`param "${name}"`);
    params.push(`${encoded}=${encodeValue(value, 'param', name)}`);
    const order = (param: string): string => decodeURIComponent(nameOf(param));
    params.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return new CacheKey(this.#tenant, this.#segment, params.join('&'));
  }

  toString(): string {
    return this.#text;
  }

  /**
   * For logs and metrics: the first 8 bytes of SHA-256 over the text, as 16 hex digits. Never used
   * to decide whether two keys are equal.
   */
  hash(): string {
    return sha256(this.#text, 16);
  }
}

/**
 * Collects the parts of a key; each method returns the builder. A part given twice is an error, so
 * that a shared builder cannot mix two keys. All methods throw `CacheKeyError` (`CACHE_KEY`) that
 * names the part.
 */
export class CacheKeyBuilder {
  #tenant: string | undefined;
  #segment: string | undefined;
  readonly #params = new Map<string, string>();

  /** The security boundary. Not empty. */
  tenant(tenant: KeyPart): this {
    if (this.#tenant !== undefined) throw duplicatePart('tenant');
    this.#tenant = encodePart(tenant, 'tenant');
    return this;
  }

  /** The kind of value, such as 'entries'; a segment can be invalidated as a whole. Not empty. */
  segment(segment: KeyPart): this {
    if (this.#segment !== undefined) throw duplicatePart('segment');
    this.#segment = encodePart(segment, 'segment');
    return this;
  }

  /**
   * One parameter; left out when `value` is undefined. Values of different types differ, as in `1`,
   * `'1` and `null`; strings that do not read like another type stay as they are.
   */
  param(name: string, value: unknown): this {
    if (typeof name !== 'string' || name === '')
      throw new CacheKeyError(
        `a param name must be a non-empty string; got ${describeType(name)}.`,
      );
    if (value === undefined) return this;
    if (this.#params.has(name)) throw duplicatePart(`param "${name}"`);
    this.#params.set(
      name,
      `${encodeText(name, 'a param name')}=${encodeValue(value, 'param', name)}`,
    );
    return this;
  }

  /** Adds each member of `params` as a parameter. */
  params(params: Readonly<Record<string, unknown>>): this {
    if (!isObject(params))
      throw new CacheKeyError(
        `params must be an object such as { page: 1 }; got ${describeType(params)}.`,
      );
    for (const [name, value] of Object.entries(params)) this.param(name, value);
    return this;
  }

  build(): CacheKey {
    if (this.#segment === undefined && this.#params.size === 0) {
      throw new CacheKeyError(
        'a key needs a segment or a param; this one has neither. Call segment(...) before build().',
      );
    }
    const params = Array.from(this.#params.keys()).sort();
    const texts = params.map((name) => this.#params.get(name) ?? '');
    return CacheKey.fromEncoded(this.#tenant, this.#segment, texts.join('&'));
  }
}

/**
 * @param keyOrString a built key, or a plain string: one opaque segment
 * @param tenant the tenant of a key that has none; undefined: no tenant
 * @throws CacheKeyError (`CACHE_KEY`) for anything else
 */
export function toCacheKey(keyOrString: CacheKey | string, tenant: KeyPart | undefined): CacheKey {
  if (keyOrString instanceof CacheKey)
    return tenant === undefined ? keyOrString : keyOrString.inTenant(tenant);
  if (typeof keyOrString !== 'string' || keyOrString === '') {
    const advice =
      (keyOrString as unknown) instanceof CacheKeyBuilder
        ? ' Call build() on it.'
        : ' Use CacheKey.builder(), or a plain string.';
    throw new CacheKeyError(
      `a key must be a CacheKey or a non-empty string; got ${describeType(keyOrString)}.${advice}`,
    );
  }
  return CacheKey.fromEncoded(
    optionalTenant(tenant),
    encodePart(keyOrString, 'a plain string key'),
    '',
  );
}

/**
 * The key of a method call: its arguments are the params `0`, `1`, ...; undefined ones are left
 * out.
 *
 * @throws CacheKeyError (`CACHE_KEY`) naming the argument that has no canonical text
 */
export function keyFromArguments(
  segment: string,
  args: readonly unknown[],
  tenant?: KeyPart,
): CacheKey {
  // By name, as in the builder: with more than ten arguments "10" comes before "2".
  const order = args.length > 10 ? Array.from(args.keys()).sort() : undefined;
  let params = '';
  for (let position = 0; position < args.length; position++) {
    const index = order?.[position] ?? position;
    if (args[index] === undefined) continue;
    const name = String(index);
    params += `${params === '' ? '' : '&'}${name}=${encodeValue(args[index], 'argument', name)}`;
  }
  return CacheKey.fromEncoded(optionalTenant(tenant), encodePart(segment, 'segment'), params);
}

/**
 * The key under which a backend stores the entry: the text if it has at most 512 bytes, else its
 * head, `#` (which no text contains) and 128 bits of SHA-256. The tenant stays whole, so that its
 * entries can be found; the entry stores the full key, which is compared.
 */
export function storageKey(key: CacheKey): string {
  const { text, tenant } = key;
  if (text.length <= MAX_STORAGE_KEY_BYTES) return text;
  const least = tenant === undefined ? 0 : `tenant:${tenant}/`.length;
  const head = text.slice(0, Math.max(least, MAX_STORAGE_KEY_BYTES - DIGEST_DIGITS - 1));
  return `${head}#${sha256(text, DIGEST_DIGITS)}`;
}

/**
 * For events and messages: keys may be personal data, and so may a segment that is the whole key.
 */
export function redacted(storageKey: string): string {
  const segment = /(?:^|\/)segment:([^/]+)\//.exec(storageKey)?.[1] ?? '';
  return `${segment}#${sha256(storageKey, 16)}`;
}

function optionalTenant(tenant: KeyPart | undefined): string | undefined {
  return tenant === undefined ? undefined : encodePart(tenant, 'tenant');
}

function duplicatePart(part: string): CacheKeyError {
  return new CacheKeyError(
    `${part} was given twice for one key. Give each part once, and use a new builder for each key.`,
  );
}
