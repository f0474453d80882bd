/**
 * The query in the form that is part of a key. Pairs are kept as they were sent, duplicates too,
 * but sorted by parameter, so that `?a&b` and `?b&a` are one entry. Pairs of one parameter (`a=1`,
 * `a[0]=2`, `a.b=3`) keep their order, because parsers of nested queries depend on it; some read
 * `[a]=1` as `a=1`. Only `&` separates pairs.
 *
 * @param search with or without the leading `?`
 * @param allowed the only parameters that count; default: all
 */
export function canonicalQuery(search: string, allowed?: readonly string[]): string {
  const text = search.startsWith('?') ? search.slice(1) : search;
  if (text === '') return '';
  const pairs = text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const name = decoded(pair.split('=', 1)[0] ?? '');
      return { pair, name, root: ROOT.exec(name)?.[0] ?? '' };
    });
  const counted =
    allowed === undefined
      ? pairs
      : pairs.filter(({ name, root }) => allowed.includes(root) || allowed.includes(name));
  return counted
    .sort((a, b) => (a.root < b.root ? -1 : a.root > b.root ? 1 : 0))
    .map(({ pair }) => pair)
    .join('&');
}

/** The parameter that a name belongs to, for every parser of nested queries. */
const ROOT = /[^[\].]+/;

/** Parsers stop after this many pairs, each in its own order. */
const MAX_PAIRS = 1_000;

/**
 * Whether platforms disagree on the meaning of the query, or read only a part of it, so that it
 * cannot be part of a key. A `#` is not part of a URL that is sent; for some the query ends there.
 */
export function isAmbiguousQuery(search: string): boolean {
  if (search.includes('#')) return true;
  if (search.length < MAX_PAIRS) return false;
  let pairs = 1;
  for (let at = search.indexOf('&'); at !== -1; at = search.indexOf('&', at + 1))
    if (++pairs > MAX_PAIRS) return true;
  return false;
}

function decoded(name: string): string {
  const spaced = name.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
