import { Buffer } from 'node:buffer';
import { CodecError } from '../ports/errors.js';
import {
  isBigintTooLong,
  supportedTypeOf,
  MAX_DEPTH,
  type Members,
  unsupportedValueError,
} from './lossless.js';
import {
  emptyAnnotation,
  type Annotation,
  annotateItems,
  type AnnotatedType,
} from './type-annotations.js';

/**
 * Replaces values that JSON would lose by ones that it keeps, and records their types. Copies only
 * what it changes.
 */
export class JsonEncoder {
  /** The types in the value that `encode` returned last; undefined when plain JSON keeps it. */
  annotation: Annotation | undefined;

  constructor(private readonly root: unknown) {}

  encode(value: unknown, depth: number): unknown {
    this.annotation = undefined;
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : this.annotate('number', Object.is(value, -0) ? '-0' : String(value));
      case 'undefined':
        return this.annotate('undefined', null);
      case 'bigint':
        if (isBigintTooLong(value)) throw unsupportedValueError(this.root);
        return this.annotate('bigint', value.toString());
      case 'object':
        return value === null ? null : this.plainObject(value, depth);
      default:
        throw unsupportedValueError(this.root);
    }
  }

  private plainObject(value: object, depth: number): unknown {
    if (depth >= MAX_DEPTH) throw unsupportedValueError(this.root);
    switch (supportedTypeOf(value)) {
      case 'object':
        return this.members(value as Members, depth + 1);
      case 'array':
        return this.items(value as unknown[], depth + 1);
      case 'date':
        return this.annotate('date', dateText(value as Date));
      case 'map':
        // Pairs do not count as a level, so that both codecs reject at the same depth.
        return this.container('map', this.items(Array.from(value as Map<unknown, unknown>), depth));
      case 'set':
        return this.container('set', this.items(Array.from(value as Set<unknown>), depth + 1));
      case 'buffer':
        return this.annotate('buffer', (value as Buffer).toString('base64'));
      case 'bytes':
        return this.annotate('bytes', base64(value as Uint8Array));
      case undefined:
        throw unsupportedValueError(this.root);
    }
  }

  private members(object: Members, depth: number): unknown {
    let copy: Members | undefined = hasToJson(object) ? withoutToJson({ ...object }) : undefined;
    let annotations: Record<string, Annotation> | undefined;
    for (const key of Object.keys(object)) {
      const part = object[key];
      const plain = this.encode(part, depth);
      if (this.annotation !== undefined) (annotations ??= emptyAnnotation())[key] = this.annotation;
      // A spread defines own keys, so assigning to `__proto__` sets a member.
      if (plain !== part) (copy ??= { ...object })[key] = plain;
    }
    this.annotation = annotations;
    return copy ?? object;
  }

  private items(array: readonly unknown[], depth: number): readonly unknown[] {
    let copy: unknown[] | undefined = hasToJson(array) ? withoutToJson(array.slice()) : undefined;
    let annotations: (Annotation | undefined)[] | undefined;
    for (let i = 0; i < array.length; i++) {
      const part = array[i];
      if (part === undefined && !(i in array)) throw unsupportedValueError(this.root);
      const plain = this.encode(part, depth);
      if (this.annotation !== undefined)
        (annotations ??= Array.from({ length: array.length }, () => undefined))[i] =
          this.annotation;
      if (plain !== part) (copy ??= array.slice())[i] = plain;
    }
    this.annotation = annotations && annotateItems(annotations, copy ?? array);
    return copy ?? array;
  }

  private container(type: AnnotatedType, items: readonly unknown[]): readonly unknown[] {
    this.annotation = this.annotation === undefined ? type : [type, this.annotation];
    return items;
  }

  private annotate(type: AnnotatedType, plain: string | null): string | null {
    this.annotation = type;
    return plain;
  }
}

// Not Date.prototype.toJSON: applications replace it to print local times.
function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * `JSON.stringify` would write the result of that method instead of the data. An enumerable
 * `toJSON` is a function and is rejected.
 */
function hasToJson(value: object): boolean {
  return typeof (value as { readonly toJSON?: unknown }).toJSON === 'function';
}

/** A copy still has the method only if it is on a shared prototype. */
function withoutToJson<T extends object>(copy: T): T {
  if (!hasToJson(copy) || Object.hasOwn(copy, 'toJSON')) return copy;
  throw new CodecError(
    'JSON cannot encode values losslessly in this process: something has added toJSON to ' +
      "Object.prototype or Array.prototype. Remove it, or use the codec 'cbor'.",
  );
}
