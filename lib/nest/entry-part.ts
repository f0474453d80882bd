import type { EntryOptions } from '../core/types.js';

const NAMES = [
  'ttl',
  'nullTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'staleIfErrorWhen',
  'jitter',
  'refreshAhead',
  'producerTimeout',
  'codec',
] as const satisfies readonly (keyof EntryOptions<never>)[];

type Name = (typeof NAMES)[number];

/** What the options of a decorator say of an entry: only what they do say, so that the defaults of the cache hold for the rest. */
export function entryPart<T>(options: { readonly [K in Name]?: EntryOptions<T>[K] | undefined }): Pick<EntryOptions<T>, Name> {
  return Object.fromEntries(NAMES.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]));
}
