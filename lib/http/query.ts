/**
 * The query in the form that goes into a key: pairs stay as they were sent, duplicates too; they are sorted by parameter, so that `?a&b` and
 * `?b&a` are one entry. Pairs of one parameter (`a=1`, `a[0]=2`, `a.b=3`) keep their order, because parsers of nested queries depend on it.
 * Nothing but `&` separates.
 *
 * @param search with or without the leading `?`
 * @param allowed the only parameters that count; by default all do
 */
export function canonicalQuery(search: string, allowed?: readonly string[]): string {
  const text = search.startsWith('?') ? search.slice(1) : search;
  if (text === '') return '';
  const pairs = text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const name = decoded(pair.split('=', 1)[0] ?? '');
      return { pair, name, root: /^[^[.]*/.exec(name)?.[0] ?? name };
    });
  const counted = allowed === undefined ? pairs : pairs.filter(({ name, root }) => allowed.includes(root) || allowed.includes(name));
  return counted
    .sort((a, b) => (a.root < b.root ? -1 : a.root > b.root ? 1 : 0))
    .map(({ pair }) => pair)
    .join('&');
}

function decoded(name: string): string {
  const spaced = name.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
