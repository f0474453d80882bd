import { CodecError } from '../ports/errors.js';
import { isObject } from '../ports/validate.js';
import { isStorableHeader } from './headers.js';
import type { StoredResponse, VaryRecord } from './stored-response.js';

/*
 * Another version of this library, or anyone else who can write to the backend, may have stored
 * anything under a key of a response. What is sent to clients has the shape that this version
 * stores, or it is a miss.
 */

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** What Node.js accepts in the value of a field: no line breaks, nothing beyond Latin-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const MAX_FIELDS = 1_000;
const MAX_NAMES = 100;
const MAX_GENERATION_LENGTH = 100;
const INCOMPLETE: readonly unknown[] = [206, 304];
const TIMES = ['storedAt', 'initialAge', 'freshMs', 'staleMs', 'fallbackMs'] as const;

type Candidate<T> = { readonly [Name in keyof T]?: unknown };

/**
 * @throws CodecError (`CACHE_CODEC`) naming the member that is wrong; never shows what is in it
 */
export function checkStored(value: unknown): StoredResponse | VaryRecord {
  if (!isObject(value)) throw malformed('an object');
  const { kind } = value as Candidate<StoredResponse>;
  if (kind === 'response') checkResponse(value);
  else if (kind === 'vary') checkVary(value);
  else throw malformed("kind: 'response' or 'vary'");
  return value as StoredResponse | VaryRecord;
}

function checkResponse(response: Candidate<StoredResponse>): void {
  const { status, headers, removed, body, json, etag, lastModified, surrogate } = response;
  const isFinal = Number.isInteger(status) && (status as number) >= 200 && (status as number) < 600;
  if (!isFinal || INCOMPLETE.includes(status)) throw malformed('status: 200 to 599, complete');
  if (!isListOf(headers, MAX_FIELDS, isField)) throw malformed('headers: pairs [name, value]');
  if (removed !== undefined && !isListOf(removed, MAX_FIELDS, isName))
    throw malformed('removed: names of headers');
  const isText = typeof body === 'string';
  if (!isText && !isPrimitive(body) && !(body instanceof Uint8Array))
    throw malformed('body: text, bytes or another primitive');
  if (typeof json !== 'boolean' || (json && !isText))
    throw malformed('json: a flag, true only for a string');
  for (const [name, field] of Object.entries({ etag, lastModified, surrogate }))
    if (field !== undefined && field !== null && !isValue(field))
      throw malformed(`${name}: the value of a header`);
  for (const name of TIMES)
    if (!Number.isFinite(response[name]) || (response[name] as number) < 0)
      throw malformed(`${name}: a number of at least 0`);
}

function checkVary({ names, generation }: Candidate<VaryRecord>): void {
  if (!isListOf(names, MAX_NAMES, isName) || names.length === 0)
    throw malformed('names: names of headers');
  if (
    typeof generation !== 'string' ||
    generation === '' ||
    generation.length > MAX_GENERATION_LENGTH
  )
    throw malformed('generation: a name');
}

function isListOf(
  given: unknown,
  max: number,
  accepts: (item: unknown) => boolean,
): given is readonly unknown[] {
  return Array.isArray(given) && given.length <= max && given.every(accepts);
}

function isField(field: unknown): boolean {
  if (!Array.isArray(field) || field.length !== 2) return false;
  const [name, value] = field as unknown[];
  return isName(name) && isStorableHeader(name) && isValue(value);
}

function isName(given: unknown): given is string {
  return typeof given === 'string' && NAME.test(given);
}

function isValue(given: unknown): boolean {
  return typeof given === 'string' && VALUE.test(given);
}

function isPrimitive(body: unknown): boolean {
  return body === undefined || body === null || ['number', 'boolean'].includes(typeof body);
}

function malformed(expected: string): CodecError {
  return new CodecError(
    `The stored value is not a response as this version stores it; expected ${expected}. ` +
      'It counts as a miss, and is replaced.',
  );
}
