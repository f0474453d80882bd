import { Buffer } from 'node:buffer';
import { CodecError } from '../ports/errors.js';
import { isTooLong, kindOf, MAX_DEPTH, type Members, refusal } from './lossless.js';
import { emptyNote, type Note, noteOfItems, type NoteType } from './type-annotations.js';

/** Replaces what JSON would lose by something it keeps, and notes what it was. Copies only what it changes. */
export class Plainer {
  /** Of the value that `plain` returned last; undefined when JSON alone keeps it. */
  note: Note | undefined;

  constructor(private readonly root: unknown) {}

  plain(value: unknown, depth: number): unknown {
    this.note = undefined;
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : this.as('number', Object.is(value, -0) ? '-0' : String(value));
      case 'undefined':
        return this.as('undefined', null);
      case 'bigint':
        if (isTooLong(value)) throw refusal(this.root);
        return this.as('bigint', value.toString());
      case 'object':
        return value === null ? null : this.plainObject(value, depth);
      default:
        throw refusal(this.root);
    }
  }

  private plainObject(value: object, depth: number): unknown {
    if (depth >= MAX_DEPTH) throw refusal(this.root);
    switch (kindOf(value)) {
      case 'object':
        return this.members(value as Members, depth + 1);
      case 'array':
        return this.items(value as unknown[], depth + 1);
      case 'date':
        return this.as('date', textOf(value as Date));
      case 'map':
        // The pairs are no level of their own: both codecs then refuse at the same depth.
        return this.container('map', this.items(Array.from(value as Map<unknown, unknown>), depth));
      case 'set':
        return this.container('set', this.items(Array.from(value as Set<unknown>), depth + 1));
      case 'buffer':
        return this.as('buffer', (value as Buffer).toString('base64'));
      case 'bytes':
        return this.as('bytes', base64(value as Uint8Array));
      case undefined:
        throw refusal(this.root);
    }
  }

  private members(object: Members, depth: number): unknown {
    let copy: Members | undefined = speaksForItself(object)
      ? withoutToJson({ ...object })
      : undefined;
    let notes: Record<string, Note> | undefined;
    for (const key of Object.keys(object)) {
      const part = object[key];
      const plain = this.plain(part, depth);
      if (this.note !== undefined) (notes ??= emptyNote())[key] = this.note;
      // A spread makes every key an own one, so that assigning to `__proto__` sets a member.
      if (plain !== part) (copy ??= { ...object })[key] = plain;
    }
    this.note = notes;
    return copy ?? object;
  }

  private items(array: readonly unknown[], depth: number): readonly unknown[] {
    let copy: unknown[] | undefined = speaksForItself(array)
      ? withoutToJson(array.slice())
      : undefined;
    let notes: (Note | undefined)[] | undefined;
    for (let i = 0; i < array.length; i++) {
      const part = array[i];
      if (part === undefined && !(i in array)) throw refusal(this.root);
      const plain = this.plain(part, depth);
      if (this.note !== undefined)
        (notes ??= Array.from({ length: array.length }, () => undefined))[i] = this.note;
      if (plain !== part) (copy ??= array.slice())[i] = plain;
    }
    this.note = notes && noteOfItems(notes, copy ?? array);
    return copy ?? array;
  }

  private container(type: NoteType, items: readonly unknown[]): readonly unknown[] {
    this.note = this.note === undefined ? type : [type, this.note];
    return items;
  }

  private as(type: NoteType, plain: string | null): string | null {
    this.note = type;
    return plain;
  }
}

// Not by Date.prototype.toJSON: applications replace it to print local times.
function textOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** `JSON.stringify` would write what that method gives instead of the data. As an enumerable member it is a function and refused. */
function speaksForItself(value: object): boolean {
  return typeof (value as { readonly toJSON?: unknown }).toJSON === 'function';
}

/** A copy has it only if all objects have. */
function withoutToJson<T extends object>(copy: T): T {
  if (!speaksForItself(copy) || Object.hasOwn(copy, 'toJSON')) return copy;
  throw new CodecError(
    "JSON cannot keep values faithfully in this process: something has added toJSON to Object.prototype or Array.prototype. Remove it, or use the codec 'cbor'.",
  );
}
