import { hash } from 'node:crypto';

/** The first `digits` hex digits of SHA-256 over the UTF-8 text, big endian. */
export function sha256(text: string, digits: number): string {
  return hash('sha256', text).slice(0, digits);
}
