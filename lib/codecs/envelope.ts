import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Payload } from '../ports/codec.js';
import type { Entry, Envelope } from '../ports/entry.js';
import { CodecError } from '../ports/errors.js';
import { formatHeader, parseHeader } from './envelope-header.js';

const TEXT = 'Q1T|';
const BYTES = 'Q1B|';
const MARK = 4;
const SUM = 10;
/** The mark, the checksum and its `|`. */
const SUMMED_FROM = MARK + SUM + 1;
const LINE_BREAK = 0x0a;
const SEPARATOR = 0x7c;

/**
 * Version 1: one line of ASCII, then the encoded value.
 *
 *     Q1T|SUM|CREATED|TICK,TICK|CODEC|FRESH|STALE|FALLBACK|COST|TAGS|KEY
 *     {"the":"value"}
 *
 * `Q1T` has a body of text, `Q1B` one of bytes; a later version has another number. `SUM` is the
 * CRC-32 (10 digits) of all bytes after it. It detects every damage within 32 adjacent bits, and
 * any other damage (truncation included) but for one in 2^32. It does not protect against someone
 * who can write to the backend. Checksum, creation and ticks come first: together they distinguish
 * two fills of a key within the first 128 characters.
 *
 * A text entry can be read from a string and from its UTF-8 bytes, a bytes entry only from bytes.
 */
export const envelope: Envelope = Object.freeze({ pack, unpack });

function pack(entry: Entry): Payload {
  const header = `${formatHeader(entry)}\n`;
  const sum = sumText(crc32(entry.body, crc32(header)));
  if (typeof entry.body === 'string') return `${TEXT}${sum}|${header}${entry.body}`;
  return Buffer.concat([Buffer.from(`${BYTES}${sum}|${header}`, 'latin1'), entry.body]);
}

function unpack(payload: Payload): Entry {
  return typeof payload === 'string' ? unpackText(payload) : unpackBytes(payload);
}

function unpackText(payload: string): Entry {
  const mark = payload.slice(0, MARK);
  if (mark === BYTES) throw damaged('its body is bytes, and it was read as text; read it as bytes');
  if (mark !== TEXT) throw unknownMark(mark);
  if (readSum(payload) !== crc32(payload.slice(SUMMED_FROM)))
    throw damaged('its checksum does not match');
  const end = payload.indexOf('\n', SUMMED_FROM);
  if (end < 0) throw damaged('it has no body');
  return parseHeader(payload, SUMMED_FROM, end, payload.slice(end + 1));
}

function unpackBytes(payload: Uint8Array): Entry {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const mark = bytes.toString('latin1', 0, MARK);
  if (mark !== TEXT && mark !== BYTES) throw unknownMark(mark);
  const end = bytes.indexOf(LINE_BREAK);
  if (end < SUMMED_FROM) throw damaged('it ends within its header');
  const header = bytes.toString('latin1', 0, end);
  if (readSum(header) !== crc32(bytes.subarray(SUMMED_FROM)))
    throw damaged('its checksum does not match');
  const body =
    mark === TEXT ? bytes.toString('utf8', end + 1, bytes.length) : bytes.subarray(end + 1);
  return parseHeader(header, SUMMED_FROM, end, body);
}

function sumText(sum: number): string {
  return String(sum).padStart(SUM, '0');
}

/**
 * The checksum as written, or -1 when there is none; read without allocating a string, because this
 * runs on every hit.
 */
function readSum(text: string): number {
  let sum = 0;
  for (let at = MARK; at < MARK + SUM; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    sum = sum * 10 + digit;
  }
  return text.charCodeAt(MARK + SUM) === SEPARATOR ? sum : -1;
}

function unknownMark(mark: string): CodecError {
  const version = /^Q(\d)/.exec(mark)?.[1];
  if (version !== undefined && version !== '1') {
    return damaged(
      `it has format version ${version}, this process reads version 1; update this process, or ` +
        'delete the entry',
    );
  }
  return damaged(
    'it does not start like an entry of this cache; give the cache a namespace of its own',
  );
}

function damaged(why: string): CodecError {
  return new CodecError(`The stored payload is not a readable entry: ${why}.`);
}
