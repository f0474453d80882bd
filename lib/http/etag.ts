import { createHash } from 'node:crypto';

/**
 * An entity tag: 128 bits of SHA-256 over the stored body. Weak, because the body may be compressed
 * when it is sent (RFC 9110 section 8.8.3.3).
 */
export function weakEtag(body: string | Uint8Array): string {
  return `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}
