/** The segments of a route's path, an undefined one standing for any; `'any'` for what only the router can match. Says rather too much than too little. */
export type PathPattern = readonly (string | undefined)[] | 'any';

export function compilePath(pattern: string): PathPattern {
  if (/[*{}()?+\\]/.test(pattern)) return 'any';
  return segmentsOf(pattern).map((segment) =>
    segment.includes(':') ? undefined : segment.toLowerCase(),
  );
}

/** @param maxPrefix so many segments may come before, which the pattern does not have: a global prefix, a version */
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

/** Is there a path that both may match? */
export function mayMeet(one: PathPattern, other: PathPattern): boolean {
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
