import type { Payload } from '../ports/codec.js';
import type { Entry } from '../ports/entry.js';
import { CodecError } from '../ports/errors.js';

const PLAIN_KEY = /^[ -~]*$/;
const PLAIN_TAG = /^[!-+\--{}~]*$/;
const UNSAFE = /[^ -{}~]/g;
const CODEC_ID = /^[a-z0-9]{1,8}$/;
const SEPARATOR = 0x7c;
const COMMA = 0x2c;
const TILDE = 0x7e;

/**
 * The header without mark and checksum. All times but the first are written as differences to it.
 */
export function formatHeader(entry: Entry): string {
  if (!CODEC_ID.test(entry.codec)) {
    throw new CodecError(
      `A codec id must be 1 to 8 characters of a-z and 0-9; got ${JSON.stringify(entry.codec)}.`,
    );
  }
  const from = entry.createdAt;
  return [
    formatNumber(from),
    entry.startTicks.map(formatNumber).join(','),
    entry.codec,
    formatTime(from, entry.freshUntil),
    formatTime(from, entry.staleUntil),
    formatTime(from, entry.fallbackUntil),
    formatNumber(entry.cost),
    formatTags(entry.tags),
    formatKey(entry.key),
  ].join('|');
}

/** @param end the position of the line break */
export function parseHeader(text: string, start: number, end: number, body: Payload): Entry {
  const fields = new HeaderReader(text, start, end);
  const createdAt = fields.number();
  const startTicks = fields.numbers();
  const codec = fields.text();
  const freshUntil = fields.time(createdAt);
  const staleUntil = fields.time(createdAt);
  const fallbackUntil = fields.time(createdAt);
  const cost = fields.number();
  const tags = parseTags(fields.text());
  const key = parseKey(fields.rest());
  if (!(staleUntil >= freshUntil && fallbackUntil >= freshUntil)) throw malformed('its windows');
  if (!CODEC_ID.test(codec)) throw malformed('its codec');
  return {
    key,
    codec,
    body,
    createdAt,
    freshUntil,
    staleUntil,
    fallbackUntil,
    cost,
    startTicks,
    tags,
  };
}

/**
 * Reads one field after the other, and numbers without allocating strings: this runs on every hit
 * in the backend. Reading past the end finds the line break or nothing, which no field starts or
 * continues with.
 */
class HeaderReader {
  constructor(
    private readonly header: string,
    private at: number,
    private readonly end: number,
  ) {}

  text(): string {
    const stop = this.header.indexOf('|', this.at);
    if (stop < 0 || stop >= this.end) throw malformed('its header');
    const text = this.header.slice(this.at, stop);
    this.at = stop + 1;
    return text;
  }

  number(): number {
    const value = this.digits();
    if (this.header.charCodeAt(this.at) !== SEPARATOR) throw malformed('one of its numbers');
    this.at++;
    return value;
  }

  numbers(): readonly number[] {
    const numbers: number[] = [];
    if (this.header.charCodeAt(this.at) === SEPARATOR) {
      this.at++;
      return numbers;
    }
    numbers.push(this.digits());
    while (this.header.charCodeAt(this.at) === COMMA) {
      this.at++;
      numbers.push(this.digits());
    }
    if (this.header.charCodeAt(this.at) !== SEPARATOR) throw malformed('one of its numbers');
    this.at++;
    return numbers;
  }

  /** A whole number, up to the next separator; after `~`, any other number. */
  private digits(): number {
    const start = this.at;
    if (this.header.charCodeAt(start) === TILDE) return this.decimal();
    let value = 0;
    let digit = digitAt(this.header, start);
    while (digit >= 0) {
      value = value * 10 + digit;
      digit = digitAt(this.header, ++this.at);
    }
    if (this.at === start || value > Number.MAX_SAFE_INTEGER) throw malformed('one of its numbers');
    return value;
  }

  private decimal(): number {
    const start = this.at + 1;
    while (
      this.at < this.end &&
      this.header.charCodeAt(this.at) !== SEPARATOR &&
      this.header.charCodeAt(this.at) !== COMMA
    )
      this.at++;
    const value = Number(this.header.slice(start, this.at));
    if (this.at === start || !Number.isFinite(value)) throw malformed('one of its numbers');
    return value;
  }

  time(from: number): number {
    if (this.header[this.at] !== '=') return from + this.number();
    this.at++;
    return this.number();
  }

  rest(): string {
    return this.header.slice(this.at, this.end);
  }
}

/** -1 when there is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** The time itself, after `=`, where adding the difference would round. */
function formatTime(from: number, time: number): string {
  const ms = time - from;
  return from + ms === time ? formatNumber(ms) : `=${formatNumber(time)}`;
}

/** Empty without tags; else `=` and the tags, or `~` and JSON if one of them needs escapes. */
function formatTags(tags: readonly string[]): string {
  if (tags.length === 0) return '';
  return tags.every((tag) => PLAIN_TAG.test(tag)) ? `=${tags.join(',')}` : `~${asciiJson(tags)}`;
}

function parseTags(text: string): readonly string[] {
  if (text === '') return [];
  if (text.startsWith('=')) return text.slice(1).split(',');
  const tags = text.startsWith('~') ? fromJson(text.slice(1)) : undefined;
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string'))
    throw malformed('its tags');
  return tags;
}

function formatKey(key: string): string {
  return PLAIN_KEY.test(key) ? `=${key}` : `~${asciiJson(key)}`;
}

function parseKey(text: string): string {
  if (text.startsWith('=')) return text.slice(1);
  const key = text.startsWith('~') ? fromJson(text.slice(1)) : undefined;
  if (typeof key !== 'string') throw malformed('its key');
  return key;
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function formatNumber(value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  if (!Number.isFinite(value))
    throw new CodecError(`The numbers of an entry must be finite; got ${String(value)}.`);
  return `~${String(value)}`;
}

function malformed(what: string): CodecError {
  return new CodecError(`The stored payload is not a readable entry: ${what} cannot be parsed.`);
}
