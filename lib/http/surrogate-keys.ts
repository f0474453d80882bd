/**
 * The header that sends the tags to a CDN: `Surrogate-Key` (Fastly, Varnish), `Cache-Tag`
 * (Cloudflare, Google, Bunny).
 */
export type SurrogateHeader = 'surrogate-key' | 'cache-tag';

/**
 * Servers accept 8 KB per field; longer ones are cut or rejected, and a cut tag could not be
 * purged.
 */
const MAX_BYTES = 8_000;
/** The smallest limit for one key among CDNs. */
const MAX_KEY_BYTES = 1_024;

const SEPARATORS: Readonly<Record<SurrogateHeader, string>> = {
  'surrogate-key': ' ',
  'cache-tag': ',',
};
const LEFT_BY_URI = /[!'()*~]/g;

/**
 * One tag in the form that CDNs accept. Letters, digits and `_ . - : / @` are kept, everything else
 * is percent-encoded as UTF-8, so no tag can end a header line, split into two, or equal the
 * encoding of another tag.
 * @throws URIError for a lone surrogate, which no cache accepts in a tag
 */
export function surrogateKey(tag: string): string {
  if (/^[\w.:/@-]+$/.test(tag)) return tag;
  return encodeURIComponent(tag)
    .replace(/%(?:3A|2F|40)/g, decodeURIComponent)
    .replace(LEFT_BY_URI, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * Tags as the value of a header, for a response or for a purge request.
 * @returns undefined when they exceed what CDNs accept (8,000 bytes, 1,024 per tag): a CDN that is
 * purged by tags must not store such a response
 */
export function surrogateKeys(
  tags: readonly string[],
  header: SurrogateHeader = 'surrogate-key',
): string | undefined {
  const keys = [...new Set(tags)].map(surrogateKey);
  const text = keys.join(SEPARATORS[header]);
  return text.length > MAX_BYTES || keys.some((key) => key.length > MAX_KEY_BYTES)
    ? undefined
    : text;
}
