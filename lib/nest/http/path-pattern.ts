/**
 * The segments of a route's path; undefined stands for any one segment. `'any'` is a pattern that
 * only the router can match. Matching may accept a path that the router does not, but not the
 * reverse.
 */
export type PathPattern = readonly (string | undefined)[] | 'any';

export function compilePath(pattern: string): PathPattern {
  if (/[*{}()?+\\]/.test(pattern)) return 'any';
  return segmentsOf(pattern).map((segment) =>
    segment.includes(':') ? undefined : segment.toLowerCase(),
  );
}

/** @param maxPrefix how many segments (global prefix, version) may precede the pattern */
export function mayMatch(pattern: PathPattern, path: string, maxPrefix: number): boolean {
  if (pattern === 'any') return true;
  const segments = segmentsOf(path).map(decoded);
  const prefix = segments.length - pattern.length;
  return (
    prefix >= 0 &&
    prefix <= maxPrefix &&
    pattern.every((segment, i) => segment === undefined || segment === segments[prefix + i])
  );
}

/** Whether some path may match both patterns. */
export function mayOverlap(one: PathPattern, other: PathPattern): boolean {
  if (one === 'any' || other === 'any') return true;
  if (one.length !== other.length) return false;
  return one.every(
    (segment, i) => segment === undefined || other[i] === undefined || segment === other[i],
  );
}

export function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment).toLowerCase();
  } catch {
    return segment.toLowerCase();
  }
}
