import { createHash } from 'node:crypto';

/**
 * An entity tag: 128 bits of SHA-256 over the body as it is stored. Weak, since what is sent may be compressed afterwards, and then has other bytes
 * (RFC 9110 section 8.8.3.3).
 */
export function weakEtag(body: string | Uint8Array): string {
  return `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}
