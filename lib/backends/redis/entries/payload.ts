import { isUtf8 } from 'node:buffer';
import type { Payload } from '../../../ports/codec.js';
import type { Argument } from '../connection/client-adapter.js';

/** Stands for bytes that are not UTF-8 when they are read as text. Text may also contain it. */
const REPLACEMENT = '\uFFFD';

/** What is stored may not be this text, because it may not be text. */
export function isNotUtf8(text: string): boolean {
  return text.includes(REPLACEMENT);
}

/** Bytes that are text, as text. */
export function asTextIfUtf8<Stored extends Payload | undefined>(stored: Stored): Stored | string {
  return stored instanceof Uint8Array && isUtf8(stored) ? toText(stored) : stored;
}

export function toText(payload: Payload): string {
  return typeof payload === 'string' ? payload : asBuffer(payload).toString('utf8');
}

export function toArgument(payload: Payload): Argument {
  return typeof payload === 'string' ? payload : asBuffer(payload);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
