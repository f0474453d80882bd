import type { Buffer } from 'node:buffer';

const CACHE_SIZE = 128;

/**
 * Caches keys, which repeat from row to row: a known string is returned after one comparison
 * instead of being decoded again.
 */
export class KeyCache {
  private readonly slots = new Array<string | undefined>(CACHE_SIZE);

  /** The ASCII string of 0 to 23 bytes at `at`; undefined when it is not ASCII. */
  read(bytes: Buffer, at: number, length: number): string | undefined {
    const slot = slotOf(bytes, at, length);
    const known = this.slots[slot];
    if (known !== undefined && isAt(known, bytes, at, length)) return known;
    const text = asciiAt(bytes, at, length);
    if (text !== undefined) this.slots[slot] = text;
    return text;
  }
}

function slotOf(bytes: Buffer, at: number, length: number): number {
  if (length === 0) return 0;
  const last = at + length - 1;
  return (
    ((bytes[at] ?? 0) * 31 +
      (bytes[last] ?? 0) * 7 +
      (bytes[at + (length >> 1)] ?? 0) * 3 +
      length) %
    CACHE_SIZE
  );
}

function isAt(known: string, bytes: Buffer, at: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}

function asciiAt(bytes: Buffer, at: number, length: number): string | undefined {
  for (let i = at; i < at + length; i++) if ((bytes[i] ?? 0) > 0x7f) return undefined;
  return bytes.toString('latin1', at, at + length);
}
