import type { Codec, Payload } from '../../ports/codec.js';
import type { FrozenValue } from '../../ports/memory-tier.js';

/** Hands one value to many callers so that no caller can change what another one gets. */
export interface ValueHandle {
  value(): unknown;
}

/** The same value for every caller: primitives, frozen values, and values that cannot be copied. */
export class SharedValue implements ValueHandle {
  constructor(readonly shared: unknown) {}

  value(): unknown {
    return this.shared;
  }
}

/** A copy for every caller, decoded from what is stored. */
export class DecodedCopies implements ValueHandle {
  constructor(
    readonly codec: Codec,
    readonly body: Payload,
  ) {}

  value(): unknown {
    return decode(this.codec, this.body);
  }
}

/** A value that was just produced or decoded: the first caller gets it, the others copies. */
class FirstOwner implements ValueHandle {
  #isTaken = false;

  constructor(
    readonly first: unknown,
    readonly codec: Codec,
    readonly body: Payload,
  ) {}

  value(): unknown {
    if (this.#isTaken) return decode(this.codec, this.body);
    this.#isTaken = true;
    return this.first;
  }
}

/** @param body the encoded `value` */
export function handleFor(value: unknown, codec: Codec, body: Payload): ValueHandle {
  return isPrimitive(value) ? new SharedValue(value) : new FirstOwner(value, codec, body);
}

export function decode(codec: Codec, body: Payload): unknown {
  if (typeof body !== 'string') return codec.decode(body);
  const { text } = codec;
  return text === undefined ? codec.decode(new TextEncoder().encode(body)) : text.decode(body);
}

export function encode(codec: Codec, value: unknown): Payload {
  return codec.text === undefined ? codec.encode(value) : codec.text.encode(value);
}

/** May what one codec stores answer a call that uses the other one? */
export function codecsCompatible(one: Codec, other: Codec): boolean {
  return one.id === other.id || (one.exclusive !== true && other.exclusive !== true);
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

/** A decoded value takes about this many times its encoded length. */
const DECODED_SIZE_FACTOR = 3;

/**
 * The decoded value as one deeply frozen object for every caller; undefined when it contains
 * something that `Object.freeze` does not protect (Date, Map, Set, bytes, class instances).
 */
export function tryFreeze(codec: Codec, body: Payload): FrozenValue | undefined {
  const value = decode(codec, body);
  if (!deepFreeze(value)) return undefined;
  // Immutable values are mostly strings, as long as their encoded form.
  return { value, size: body.length * (codec.immutable === true ? 1 : DECODED_SIZE_FACTOR) };
}

/** @returns false when something in the value cannot be frozen */
export function deepFreeze(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function';
  if (Array.isArray(value)) {
    for (const item of value) if (!deepFreeze(item)) return false;
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const name of Object.keys(value)) {
      if (!deepFreeze((value as Record<string, unknown>)[name])) return false;
    }
  }
  Object.freeze(value);
  return true;
}
