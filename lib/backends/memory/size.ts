import type { Entry } from '../../ports/entry.js';

/** Measured on Node 20: the entry, its slot and arrays, and its places in the maps. */
const OVERHEAD = 500;
const PER_TAG = 24;
/** A decoded value takes about this many times its encoded length. */
const DECODED = 3;

/** How many bytes an entry takes in memory, by estimate. */
export function sizeOf(name: string, entry: Entry, decoded: boolean): number {
  const body = typeof entry.body === 'string' ? Buffer.byteLength(entry.body) : entry.body.byteLength;
  let size = OVERHEAD + name.length + body;
  if (entry.key !== name) size += entry.key.length;
  if (decoded) size += body * DECODED;
  for (const tag of entry.tags) size += tag.length + PER_TAG;
  return size;
}
