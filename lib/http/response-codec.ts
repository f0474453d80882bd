import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type Codec, INTERNAL } from '../ports/codec.js';
import { CodecError } from '../ports/errors.js';
import { isObject } from '../ports/validate.js';
import { checkStored } from './check-stored.js';

/**
 * Stores responses as one line of JSON with everything but the body, followed by the body as it is
 * sent. So a hit parses about 200 bytes however long the body is, and the body needs no escapes.
 *
 *     {"kind":"response","status":200,...}
 *     {"id":7,"name":"Ada"}
 */
export const responseCodec: Codec & { readonly text: NonNullable<Codec['text']> } = Object.freeze({
  [INTERNAL]: true,
  id: 'http',
  exclusive: true,
  immutable: true,
  encode: (value: unknown): Uint8Array => Buffer.from(write(value), 'utf8'),
  decode: (bytes: Uint8Array): unknown =>
    read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')),
  text: Object.freeze({ encode: write, decode: read }),
});

/** In characters; a longer head would be read slowly, and no server sends one. */
const MAX_HEAD_LENGTH = 256 * 1024;

/** @throws CodecError (`CACHE_CODEC`) for anything but a response or a vary record */
function write(value: unknown): string {
  assertStorable(value);
  const { body, ...head } = value as { readonly kind: unknown; readonly body?: unknown };
  if (typeof body === 'string') return `${shortEnough(JSON.stringify(head))}\n${body}`;
  if (typeof body === 'object' && body !== null)
    throw new CodecError(
      'The body of a stored response must be a string or another primitive; got an object.',
    );
  // JSON would turn them into null or 0.
  if (typeof body === 'number' && (!Number.isFinite(body) || Object.is(body, -0)))
    throw new CodecError(`The body ${String(body)} has no JSON form.`);
  return shortEnough(JSON.stringify(value));
}

/** What is only handed to requests that wait has another kind, and is never stored. */
function assertStorable(value: unknown): void {
  const kind = isObject(value) && 'kind' in value ? value.kind : undefined;
  if (kind !== 'response' && kind !== 'vary')
    throw new CodecError(
      "The codec 'http' encodes only responses of the response cache. " +
        'Use another codec for other values.',
    );
}

function shortEnough(head: string): string {
  if (head.length <= MAX_HEAD_LENGTH) return head;
  throw new CodecError(
    `Status and headers of a stored response may have ${String(MAX_HEAD_LENGTH)} characters; ` +
      `these have ${String(head.length)}.`,
  );
}

// JSON.stringify escapes every line break, so the body begins after the first one.
function read(text: string): unknown {
  const end = text.indexOf('\n');
  const head: unknown = JSON.parse(shortEnough(end === -1 ? text : text.slice(0, end)));
  if (!isObject(head)) return checkStored(head);
  return checkStored(end === -1 ? head : Object.assign(head, { body: text.slice(end + 1) }));
}

/**
 * The codecs for responses. Each is `exclusive`, because a response is not the value of its key.
 */
export class ResponseCodecs {
  readonly #made = new WeakMap<Codec, Codec>();

  /** @param chosen undefined or the default codec: then responses have a format of their own */
  codecFor(chosen: Codec | undefined): Codec {
    if (chosen === undefined || chosen.id === 'json') return responseCodec;
    let made = this.#made.get(chosen);
    if (made === undefined) {
      const { text } = chosen;
      made = Object.freeze({
        [INTERNAL]: true,
        id: responseId(chosen.id),
        exclusive: true,
        immutable: true,
        encode: (value: unknown) => {
          assertStorable(value);
          return chosen.encode(value);
        },
        decode: (bytes: Uint8Array) => checkStored(chosen.decode(bytes)),
        ...(text !== undefined && {
          text: Object.freeze({
            encode: (value: unknown) => {
              assertStorable(value);
              return text.encode(value);
            },
            decode: (given: string) => checkStored(text.decode(given)),
          }),
        }),
      });
      this.#made.set(chosen, made);
    }
    return made;
  }
}

/**
 * A separate id for each codec, of at most 8 characters: an id that would be longer, or is taken,
 * is replaced by a short hash.
 */
function responseId(id: string): string {
  const plain = `h${id}`;
  if (plain.length <= 8 && plain !== responseCodec.id) return plain;
  return `h${createHash('sha256').update(id).digest('hex').slice(0, 7)}`;
}
