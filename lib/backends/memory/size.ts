import type { Entry } from '../../ports/entry.js';

/** Measured on Node 20: the entry, its slot and arrays, and its places in the maps. */
const OVERHEAD = 500;
const PER_TAG = 24;

/** How many bytes an entry takes in memory, by estimate. */
export function sizeOf(name: string, entry: Entry, decoded: number): number {
  const body =
    typeof entry.body === 'string' ? Buffer.byteLength(entry.body) : entry.body.byteLength;
  let size = OVERHEAD + name.length + body + decoded;
  if (entry.key !== name) size += entry.key.length;
  for (const tag of entry.tags) size += tag.length + PER_TAG;
  return size;
}
