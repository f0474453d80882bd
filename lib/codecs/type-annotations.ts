/**
 * The annotation of plain JSON: the types of its parts. It mirrors the shape of the JSON.
 *
 * - a name: the part itself is of that type
 * - `[annotation]`: every item of the array
 * - `{ key: annotation }`: these members, or items by index
 * - `[name, annotation]`: a map or set, and the types of its pairs or members
 *
 * An annotation affects only parts that its type could have been written as (a date on strings, a
 * map on arrays, ...). So one `[annotation]` serves rows in which some dates are null, which keeps
 * the annotation of a long list short.
 */
export type Annotation =
  | AnnotatedType
  | readonly [Annotation]
  | readonly [AnnotatedType, Annotation]
  | { readonly [key: string]: Annotation };

export type AnnotatedType =
  'date' | 'bigint' | 'number' | 'bytes' | 'buffer' | 'map' | 'set' | 'undefined';

type ItemAnnotations = readonly (Annotation | undefined)[];
type MemberAnnotations = Readonly<Record<string, Annotation>>;

export function isEveryItem(annotation: Annotation): annotation is readonly [Annotation] {
  return Array.isArray(annotation) && annotation.length === 1;
}

export function isTyped(
  annotation: Annotation,
): annotation is readonly [AnnotatedType, Annotation] {
  return Array.isArray(annotation) && annotation.length === 2;
}

/** Whether `restore` would leave the part as it is. */
export function hasNoEffect(type: AnnotatedType, plain: unknown): boolean {
  if (type === 'undefined') return plain !== null;
  return type === 'map' || type === 'set' ? !Array.isArray(plain) : typeof plain !== 'string';
}

/** The annotation of an array: one for all items if that has the same effect, else by index. */
export function annotateItems(
  annotations: ItemAnnotations,
  plains: readonly unknown[],
): Annotation {
  const merged = mergeAll(annotations);
  if (
    merged !== undefined &&
    plains.every((plain, i) => isEquivalent(merged, annotations[i], plain))
  )
    return [merged];
  const byIndex = emptyAnnotation();
  annotations.forEach((annotation, i) => {
    if (annotation !== undefined) byIndex[String(i)] = annotation;
  });
  return byIndex;
}

/** Without prototype, so that `__proto__` is an ordinary key. */
export function emptyAnnotation(): Record<string, Annotation> {
  return Object.create(null) as Record<string, Annotation>;
}

function mergeAll(annotations: ItemAnnotations): Annotation | undefined {
  let merged: Annotation | undefined;
  for (const annotation of annotations) {
    if (annotation === undefined) continue;
    merged = merged === undefined ? annotation : merge(merged, annotation);
    if (merged === undefined) return undefined;
  }
  return merged;
}

/**
 * One annotation that contains both; undefined when they contradict. Returns `a` itself when it
 * contains `b`, the common case in lists.
 */
function merge(a: Annotation, b: Annotation): Annotation | undefined {
  if (a === b) return a;
  if (typeof a === 'string') return isTyped(b) && b[0] === a ? b : undefined;
  if (typeof b === 'string') return isTyped(a) && a[0] === b ? a : undefined;
  if (isEveryItem(a)) {
    const item = isEveryItem(b) ? merge(a[0], b[0]) : undefined;
    return item === undefined || item === a[0] ? item && a : [item];
  }
  if (isTyped(a)) {
    const inner = isTyped(b) && a[0] === b[0] ? merge(a[1], b[1]) : undefined;
    return inner === undefined || inner === a[1] ? inner && a : [a[0], inner];
  }
  return Array.isArray(b) ? undefined : mergeObjects(a, b as MemberAnnotations);
}

function mergeObjects(a: MemberAnnotations, b: MemberAnnotations): Annotation | undefined {
  let merged = a;
  for (const key in b) {
    const mine = merged[key];
    const theirs = b[key] as Annotation;
    const both = mine === undefined ? theirs : merge(mine, theirs);
    if (both === undefined) return undefined;
    if (both === mine) continue;
    if (merged === a) merged = Object.assign(emptyAnnotation(), a);
    (merged as Record<string, Annotation>)[key] = both;
  }
  return merged;
}

/** Whether the merged annotation `all` has the same effect on `plain` as the part's own one. */
function isEquivalent(all: Annotation, own: Annotation | undefined, plain: unknown): boolean {
  if (typeof all === 'string') return own === undefined ? hasNoEffect(all, plain) : own === all;
  if (isTyped(all)) {
    if (own === undefined) return hasNoEffect(all[0], plain);
    return isEquivalent(all[1], isTyped(own) ? own[1] : undefined, plain);
  }
  if (typeof own === 'string' || (own !== undefined && isTyped(own))) return false;
  if (isEveryItem(all)) {
    return Array.isArray(plain)
      ? plain.every((part, i) => isEquivalent(all[0], annotationAt(own, String(i)), part))
      : own === undefined;
  }
  if (typeof plain !== 'object' || plain === null) return own === undefined;
  for (const key in all) {
    if (!Object.hasOwn(plain, key)) continue;
    if (
      !isEquivalent(
        (all as MemberAnnotations)[key] as Annotation,
        annotationAt(own, key),
        (plain as Record<string, unknown>)[key],
      )
    )
      return false;
  }
  return true;
}

function annotationAt(annotation: Annotation | undefined, key: string): Annotation | undefined {
  if (annotation === undefined || typeof annotation === 'string') return undefined;
  return Array.isArray(annotation)
    ? (annotation as readonly [Annotation])[0]
    : (annotation as MemberAnnotations)[key];
}
