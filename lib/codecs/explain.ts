import cbor from 'cbor';
import type { Payload } from '../ports/codec.js';
import type { Entry } from '../ports/entry.js';
import { envelope } from './envelope.js';

/** A stored entry in readable form. Times in milliseconds since the epoch. */
export interface Explanation extends Omit<Entry, 'body'> {
  /**
   * The value: JSON as it is stored, CBOR in diagnostic notation (RFC 8949 section 8), other codecs
   * as hexadecimal digits.
   */
  readonly body: string;
}

/**
 * Explains the bytes of an entry to a person who looks into a backend. The result has the value, so
 * keep it out of logs.
 *
 * ```ts
 * const bytes = await backend.get('cache:{tenant:42/segment:entries/page=1}');
 * ```
 * @param stored the payload that the backend has under the key of an entry
 * @throws CodecError (`CACHE_CODEC`) when these are not the bytes of an entry
 */
export async function explainStored(stored: Payload): Promise<Explanation> {
  const { body, ...entry } = envelope.unpack(stored);
  return { ...entry, body: await readable(entry.codec, body) };
}

async function readable(codec: string, body: Payload): Promise<string> {
  if (typeof body === 'string') return body;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (codec === 'cbor')
    return String(
      await (cbor.diagnose as (input: Uint8Array) => Promise<unknown>)(bytes),
    ).trimEnd();
  return codec === 'json' ? bytes.toString('utf8') : bytes.toString('hex');
}
