import { Buffer } from 'node:buffer';
import { CodecError } from '../ports/errors.js';
import { MAX_BIGINT_BYTES, MAX_DEPTH, type Members } from './lossless.js';
import {
  isEveryItem,
  hasNoEffect,
  isTyped,
  type Annotation,
  type AnnotatedType,
} from './type-annotations.js';

const BIGINT = /^-?\d+$/;
// log10(256) digits per byte, and a sign.
const BIGINT_CHARACTERS = Math.ceil(MAX_BIGINT_BYTES * Math.log10(256)) + 1;
const SPECIAL_NUMBERS = ['NaN', 'Infinity', '-Infinity', '-0'];

/** Restores in place what an annotation describes. */
export function restore(plain: unknown, annotation: Annotation, depth: number): unknown {
  // A map takes three levels of the annotation: the map, its pairs, and each pair.
  if (depth > 3 * MAX_DEPTH + 3)
    throw new CodecError('The annotation of stored JSON is nested too deeply.');
  if (typeof annotation === 'string') return restoreType(plain, annotation);
  if (typeof annotation !== 'object' || (annotation as unknown) === null) throw unknownAnnotation();
  if (isEveryItem(annotation)) {
    if (Array.isArray(plain))
      for (let i = 0; i < plain.length; i++) plain[i] = restore(plain[i], annotation[0], depth + 1);
    return plain;
  }
  if (isTyped(annotation)) {
    if (typeof annotation[0] !== 'string') throw unknownAnnotation();
    return restoreType(
      hasNoEffect(annotation[0], plain) ? plain : restore(plain, annotation[1], depth + 1),
      annotation[0],
    );
  }
  if (Array.isArray(annotation)) throw unknownAnnotation();
  if (typeof plain !== 'object' || plain === null) return plain;
  for (const key of Object.keys(annotation)) {
    // Own keys only: assigning to an own `__proto__` sets a member, not the prototype.
    if (Object.hasOwn(plain, key))
      (plain as Members)[key] = restore(
        (plain as Members)[key],
        (annotation as Record<string, Annotation>)[key] as Annotation,
        depth + 1,
      );
  }
  return plain;
}

function restoreType(plain: unknown, type: AnnotatedType): unknown {
  if (!Object.hasOwn(DECODERS, type)) throw unknownAnnotation();
  return hasNoEffect(type, plain) ? plain : DECODERS[type](plain);
}

const DECODERS: Readonly<Record<AnnotatedType, (plain: unknown) => unknown>> = Object.freeze({
  undefined: () => undefined,
  date: (plain: unknown) => toDate(plain as string),
  bigint: (plain: unknown) => toBigint(plain as string),
  number: (plain: unknown) => toNumber(plain as string),
  buffer: (plain: unknown) => toBuffer(plain as string),
  bytes: (plain: unknown) => new Uint8Array(toBuffer(plain as string)),
  map: (plain: unknown) => toMap(plain as readonly unknown[]),
  set: (plain: unknown) => toSet(plain as readonly unknown[]),
});

function toDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) && text !== 'Invalid Date') throw mismatch('date');
  return date;
}

function toBigint(text: string): bigint {
  if (text.length > BIGINT_CHARACTERS || !BIGINT.test(text)) throw mismatch('bigint');
  return BigInt(text);
}

function toNumber(text: string): number {
  if (!SPECIAL_NUMBERS.includes(text)) throw mismatch('number');
  return Number(text);
}

function toBuffer(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (text.length !== Math.ceil(bytes.length / 3) * 4) throw mismatch('base64');
  return bytes;
}

function toMap(pairs: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw mismatch('map');
    map.set(pair[0], pair[1]);
  }
  if (map.size !== pairs.length) throw mismatch('map');
  return map;
}

function toSet(members: readonly unknown[]): Set<unknown> {
  const set = new Set(members);
  if (set.size !== members.length) throw mismatch('set');
  return set;
}

function mismatch(type: string): CodecError {
  return new CodecError(
    `Stored JSON does not match its annotation (${type}): it is not what the json codec writes. ` +
      'Delete the entry.',
  );
}

function unknownAnnotation(): CodecError {
  return new CodecError(
    'The annotation of stored JSON has a type that this version does not know. ' +
      'Delete the entry, or update this process.',
  );
}
