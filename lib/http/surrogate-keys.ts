/** How a CDN is told the tags of a response: `Surrogate-Key` (Fastly, Varnish), `Cache-Tag` (Cloudflare, Google, Bunny). */
export type SurrogateHeader = 'surrogate-key' | 'cache-tag';

/** Longer fields are cut or refused on the way (servers take 8 KB of one field); what is cut could never be purged. */
const MAX_BYTES = 8_000;
/** The least of what the CDNs take for one key. */
const MAX_KEY_BYTES = 1_024;

const SEPARATORS: Readonly<Record<SurrogateHeader, string>> = {
  'surrogate-key': ' ',
  'cache-tag': ',',
};
const LEFT_BY_URI = /[!'()*~]/g;

/**
 * One tag as a word for a CDN. Letters, digits and `_ . - : / @` stay as they are, everything else is percent-encoded as UTF-8: so no tag can end a
 * header line, separate itself into two, or become the word of another tag.
 * @throws URIError for a lone surrogate, which no cache takes as a tag
 */
export function surrogateKey(tag: string): string {
  if (/^[\w.:/@-]+$/.test(tag)) return tag;
  return encodeURIComponent(tag)
    .replace(/%(?:3A|2F|40)/g, decodeURIComponent)
    .replace(LEFT_BY_URI, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * Tags as the value of a header: of a response, or of a request that purges.
 * @returns undefined when they are more than CDNs take (8,000 bytes, 1,024 for one tag): such a response must not be kept where tags purge it
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
