import { ENTRY_OPTIONS } from '../../core/options/options.js';
import type { EntryOptions } from '../../core/options/types.js';

type Name = (typeof ENTRY_OPTIONS)[number];

/** What the options of a decorator say of an entry: only what they do say, so that the defaults of the cache hold for the rest. */
export function entryPart<T>(options: {
  readonly [K in Name]?: EntryOptions<T>[K] | undefined;
}): Pick<EntryOptions<T>, Name> {
  return Object.fromEntries(
    ENTRY_OPTIONS.filter((name) => options[name] !== undefined).map((name) => [
      name,
      options[name],
    ]),
  );
}
