import { CacheKeyError } from '../../ports/errors.js';

const PLAIN = /^[A-Za-z0-9_.-]*$/;
const LEFT_BY_URI = /[!'()*~]/g;

/**
 * Percent-encodes everything but `A-Z a-z 0-9 _ . -`, as UTF-8. Injective; the result is ASCII
 * without white space, without the separators of key parts (`/ : = & ( ) , ' #`), and without what
 * Redis patterns and hash tags interpret (`* ? [ ] \ { }`).
 *
 * @param part how the error message calls the text
 * @throws CacheKeyError (`CACHE_KEY`) for a lone surrogate: it has no UTF-8 form, and any two of
 * them would give the same text
 */
export function encodeText(text: string, part: string): string {
  return tryEncodeText(text) ?? throwLoneSurrogate(part);
}

/** As `encodeText`, but undefined for a lone surrogate. */
export function tryEncodeText(text: string): string | undefined {
  if (PLAIN.test(text)) return text;
  try {
    return encodeURIComponent(text).replace(
      LEFT_BY_URI,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  } catch {
    return undefined;
  }
}

export function throwLoneSurrogate(part: string): never {
  throw new CacheKeyError(
    `${part} must be well-formed text; it has a lone surrogate (half of a character). ` +
      'Use text.toWellFormed(), or cut the text between characters.',
  );
}

/**
 * The text of a tenant or segment; `42`, `42n` and `'42'` give the same.
 *
 * @throws CacheKeyError (`CACHE_KEY`) for an empty string, a number that is not finite, and other
 * types
 */
export function encodePart(value: string | number | bigint, part: string): string {
  const text = typeof value === 'string' ? value : isNameable(value) ? String(value) : '';
  if (text === '') {
    throw new CacheKeyError(
      `${part} must be a non-empty string, a finite number or a bigint; ` +
        `got ${describeType(value)}. Leave it out when there is none.`,
    );
  }
  return encodeText(text, part);
}

function isNameable(value: unknown): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
}

/** For messages: only the type of a value, because keys and arguments may be personal data. */
export function describeType(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return String(value);
  if (value === '') return 'an empty string';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name: unknown = (
    Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null
  )?.constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object';
}
