/**
 * The side note of a JSON text: what parts of it are. It mirrors the shape of the plain JSON beside it.
 *
 * - a name: the part itself is of that type
 * - `[note]`: every item of the array
 * - `{ key: note }`: these members, or items by index
 * - `[name, note]`: a map or set, with what its pairs or members are
 *
 * A note acts only on parts that its type could have been written as (a date on strings, a map on arrays, ...) and leaves all others
 * alone. So one `[note]` serves rows in which some dates are null, which keeps the note of a long list short.
 */
export type Note =
  NoteType | readonly [Note] | readonly [NoteType, Note] | { readonly [key: string]: Note };

export type NoteType =
  'date' | 'bigint' | 'number' | 'bytes' | 'buffer' | 'map' | 'set' | 'undefined';

type Notes = readonly (Note | undefined)[];
type NoteObject = Readonly<Record<string, Note>>;

export function isEveryItem(note: Note): note is readonly [Note] {
  return Array.isArray(note) && note.length === 1;
}

export function isTyped(note: Note): note is readonly [NoteType, Note] {
  return Array.isArray(note) && note.length === 2;
}

/** True when `restore` would leave the part as it is. */
export function isInert(type: NoteType, plain: unknown): boolean {
  if (type === 'undefined') return plain !== null;
  return type === 'map' || type === 'set' ? !Array.isArray(plain) : typeof plain !== 'string';
}

/** The note of an array from the notes of its items: one for all where that says the same, else by index. */
export function noteOfItems(notes: Notes, plains: readonly unknown[]): Note {
  const merged = mergeAll(notes);
  if (merged !== undefined && plains.every((plain, i) => fits(merged, notes[i], plain)))
    return [merged];
  const byIndex = emptyNote();
  notes.forEach((note, i) => {
    if (note !== undefined) byIndex[String(i)] = note;
  });
  return byIndex;
}

/** Without prototype, so that a `__proto__` key is a key like any other. */
export function emptyNote(): Record<string, Note> {
  return Object.create(null) as Record<string, Note>;
}

function mergeAll(notes: Notes): Note | undefined {
  let merged: Note | undefined;
  for (const note of notes) {
    if (note === undefined) continue;
    merged = merged === undefined ? note : merge(merged, note);
    if (merged === undefined) return undefined;
  }
  return merged;
}

/** One note that contains both; undefined when they contradict. Returns `a` itself when it contains `b`: the common case in lists. */
function merge(a: Note, b: Note): Note | undefined {
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
  return Array.isArray(b) ? undefined : mergeObjects(a, b as NoteObject);
}

function mergeObjects(a: NoteObject, b: NoteObject): Note | undefined {
  let merged = a;
  for (const key in b) {
    const mine = merged[key];
    const theirs = b[key] as Note;
    const both = mine === undefined ? theirs : merge(mine, theirs);
    if (both === undefined) return undefined;
    if (both === mine) continue;
    if (merged === a) merged = Object.assign(emptyNote(), a);
    (merged as Record<string, Note>)[key] = both;
  }
  return merged;
}

/** True when the merged note `all` does to `plain` just what its own note does. */
function fits(all: Note, own: Note | undefined, plain: unknown): boolean {
  if (typeof all === 'string') return own === undefined ? isInert(all, plain) : own === all;
  if (isTyped(all)) {
    if (own === undefined) return isInert(all[0], plain);
    return fits(all[1], isTyped(own) ? own[1] : undefined, plain);
  }
  if (typeof own === 'string' || (own !== undefined && isTyped(own))) return false;
  if (isEveryItem(all)) {
    return Array.isArray(plain)
      ? plain.every((part, i) => fits(all[0], noteAt(own, String(i)), part))
      : own === undefined;
  }
  if (typeof plain !== 'object' || plain === null) return own === undefined;
  for (const key in all) {
    if (!Object.hasOwn(plain, key)) continue;
    if (
      !fits(
        (all as NoteObject)[key] as Note,
        noteAt(own, key),
        (plain as Record<string, unknown>)[key],
      )
    )
      return false;
  }
  return true;
}

function noteAt(note: Note | undefined, key: string): Note | undefined {
  if (note === undefined || typeof note === 'string') return undefined;
  return Array.isArray(note) ? (note as readonly [Note])[0] : (note as NoteObject)[key];
}
