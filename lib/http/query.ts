/** The path of a URL as it was sent: up to the query, or to a `#` that no client should send. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

/**
 * The query in the form that is part of a key. Pairs are kept as they were sent, duplicates too,
 * but sorted by parameter, so that `?a&b` and `?b&a` are one entry. Pairs of one parameter (`a=1`,
 * `a[0]=2`, `a.b=3`) keep their order, because parsers of nested queries depend on it; some read
 * `[a]=1` as `a=1`. Only `&` separates pairs.
 *
 * Where parsers disagree on what counts (behind a `#`, beyond 1,000 pairs), the whole text is kept
 * as it was sent, after a `#`: equal texts mean the same to any parser. Unless no parameter that
 * counts is in doubt.
 *
 * @param search what follows the path, with or without the leading `?`
 * @param allowed the only parameters that count; default: all
 */
export function canonicalQuery(search: string, allowed?: readonly string[]): string {
  const text = search.startsWith('?') ? search.slice(1) : search;
  if (text === '') return '';
  if (isAmbiguousQuery(text) && (allowed === undefined || isInDoubt(text, allowed)))
    return `#${search}`;
  const pairs = text
    .split('&')
    .filter((pair) => pair !== '')
    .map(named);
  const counted = allowed === undefined ? pairs : pairs.filter((pair) => isAllowed(pair, allowed));
  return counted
    .sort((a, b) => (a.root < b.root ? -1 : a.root > b.root ? 1 : 0))
    .map(({ pair }) => pair)
    .join('&');
}

interface NamedPair {
  readonly pair: string;
  readonly name: string;
  readonly root: string;
}

function named(pair: string): NamedPair {
  const name = decoded(pair.split('=', 1)[0] ?? '');
  return { pair, name, root: ROOT.exec(name)?.[0] ?? '' };
}

function isAllowed({ name, root }: NamedPair, allowed: readonly string[]): boolean {
  return allowed.includes(root) || allowed.includes(name);
}

/** Does a parameter that counts stand where only some parsers read it, or read all of it? */
function isInDoubt(text: string, allowed: readonly string[]): boolean {
  const hash = text.indexOf('#');
  const sure = hash === -1 ? text : text.slice(0, text.lastIndexOf('&', hash) + 1);
  const pairs = sure.split('&');
  const doubtful = [...pairs.slice(MAX_PAIRS), ...text.slice(sure.length).split(/[&?#;]/)];
  return doubtful.some((pair) => isAllowed(named(pair), allowed));
}

/** The parameter that a name belongs to, for every parser of nested queries. */
const ROOT = /[^[\].]+/;

/** Parsers stop after this many pairs, each in its own order. */
const MAX_PAIRS = 1_000;

/**
 * Whether platforms disagree on the meaning of the query, or read only a part of it. A `#` is not
 * part of a URL that is sent; for some the query ends there.
 */
function isAmbiguousQuery(search: string): boolean {
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
