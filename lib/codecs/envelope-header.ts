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

/** The header without mark and sum. Moments but the first are written as distances from it. */
export function headerOf(entry: Entry): string {
  if (!CODEC_ID.test(entry.codec)) {
    throw new CodecError(
      `A codec id must be 1 to 8 characters of a-z and 0-9; got ${JSON.stringify(entry.codec)}.`,
    );
  }
  const from = entry.createdAt;
  const windows = `${distance(from, entry.freshUntil)}|${distance(from, entry.staleUntil)}|${distance(from, entry.fallbackUntil)}`;
  const ticks = entry.startTicks.map(numberText).join(',');
  return `${numberText(from)}|${ticks}|${entry.codec}|${windows}|${numberText(entry.cost)}|${tagsText(entry.tags)}|${keyText(entry.key)}`;
}

/** @param end where the line break is */
export function readHeader(text: string, start: number, end: number, body: Payload): Entry {
  const fields = new Fields(text, start, end);
  const createdAt = fields.number();
  const startTicks = fields.numbers();
  const codec = fields.text();
  const freshUntil = fields.moment(createdAt);
  const staleUntil = fields.moment(createdAt);
  const fallbackUntil = fields.moment(createdAt);
  const cost = fields.number();
  const tags = tagsOf(fields.text());
  const key = keyOf(fields.rest());
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
 * Reads one field after the other, and numbers without making strings of them: this runs on every hit in the backend. Reading past the
 * end finds the line break or nothing, which no field begins or goes on with.
 */
class Fields {
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

  /** A whole number up to what follows it; or, after `~`, any other. */
  private digits(): number {
    const start = this.at;
    if (this.header.charCodeAt(start) === TILDE) return this.otherNumber();
    let value = 0;
    let digit = digitAt(this.header, start);
    while (digit >= 0) {
      value = value * 10 + digit;
      digit = digitAt(this.header, ++this.at);
    }
    if (this.at === start || value > Number.MAX_SAFE_INTEGER) throw malformed('one of its numbers');
    return value;
  }

  private otherNumber(): number {
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

  moment(from: number): number {
    if (this.header[this.at] !== '=') return from + this.number();
    this.at++;
    return this.number();
  }

  rest(): string {
    return this.header.slice(this.at, this.end);
  }
}

/** -1 where there is no digit. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** The moment itself, after `=`, where adding the distance would round. */
function distance(from: number, moment: number): string {
  const ms = moment - from;
  return from + ms === moment ? numberText(ms) : `=${numberText(moment)}`;
}

/** No tags: nothing. Else `=` and the tags, or `~` and JSON when one of them needs escaping. */
function tagsText(tags: readonly string[]): string {
  if (tags.length === 0) return '';
  return tags.every((tag) => PLAIN_TAG.test(tag)) ? `=${tags.join(',')}` : `~${asciiJson(tags)}`;
}

function tagsOf(text: string): readonly string[] {
  if (text === '') return [];
  if (text.startsWith('=')) return text.slice(1).split(',');
  const tags = text.startsWith('~') ? fromJson(text.slice(1)) : undefined;
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string'))
    throw malformed('its tags');
  return tags;
}

function keyText(key: string): string {
  return PLAIN_KEY.test(key) ? `=${key}` : `~${asciiJson(key)}`;
}

function keyOf(text: string): string {
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

function numberText(value: number): string {
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  if (!Number.isFinite(value))
    throw new CodecError(`The numbers of an entry must be finite; got ${String(value)}.`);
  return `~${String(value)}`;
}

function malformed(what: string): CodecError {
  return new CodecError(
    `The stored payload is not an entry that can be read: ${what} cannot be read.`,
  );
}
