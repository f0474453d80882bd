import { createHash } from 'node:crypto';

/** A strong entity tag: 128 bits of SHA-256 over the body as it is sent. */
export function strongEtag(body: string | Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}
