import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type Codec, INTERNAL } from '../ports/codec.js';
import { CodecError } from '../ports/errors.js';

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

/** @throws CodecError (`CACHE_CODEC`) for anything but a response or a vary record */
function write(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('kind' in value)) {
    throw new CodecError(
      "The codec 'http' encodes only responses of the response cache. " +
        'Use another codec for other values.',
    );
  }
  const { body, ...head } = value as { readonly kind: unknown; readonly body?: unknown };
  if (typeof body === 'string') return `${JSON.stringify(head)}\n${body}`;
  if (typeof body === 'object' && body !== null)
    throw new CodecError(
      'The body of a stored response must be a string or another primitive; got an object.',
    );
  // JSON would turn them into null or 0.
  if (typeof body === 'number' && (!Number.isFinite(body) || Object.is(body, -0)))
    throw new CodecError(`The body ${String(body)} has no JSON form.`);
  return JSON.stringify(value);
}

// JSON.stringify escapes every line break, so the body begins after the first one.
function read(text: string): unknown {
  const end = text.indexOf('\n');
  const head: unknown = JSON.parse(end === -1 ? text : text.slice(0, end));
  if (typeof head !== 'object' || head === null || !('kind' in head))
    throw new CodecError('The stored value is not a response. Delete the entry.');
  return end === -1 ? head : Object.assign(head, { body: text.slice(end + 1) });
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
        encode: (value: unknown) => chosen.encode(value),
        decode: (bytes: Uint8Array) => chosen.decode(bytes),
        ...(text === undefined ? undefined : { text }),
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
