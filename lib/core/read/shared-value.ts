import type { Codec, Payload } from '../../ports/codec.js';
import type { Frozen } from '../../ports/shared-backend.js';
import { deepFreeze } from './freeze.js';

/** Hands one value to many callers so that no caller can change what another one gets. */
export interface Taker {
  take(): unknown;
}

/** The same value to everyone: primitives, frozen values, and values that no codec can copy. */
export class Shared implements Taker {
  constructor(readonly value: unknown) {}
  take(): unknown {
    return this.value;
  }
}

/** A copy for everyone, decoded from what is stored. */
export class Copies implements Taker {
  constructor(
    readonly codec: Codec,
    readonly body: Payload,
  ) {}
  take(): unknown {
    return decode(this.codec, this.body);
  }
}

/** What was just produced or decoded: the value itself to the first caller, copies to the others. */
class Produced implements Taker {
  #first = true;
  constructor(
    readonly value: unknown,
    readonly copies: Copies,
  ) {}
  take(): unknown {
    if (!this.#first) return this.copies.take();
    this.#first = false;
    return this.value;
  }
}

/** For a value that exists already: to the first caller as it is, copies for the others. */
export function takerOf(value: unknown, codec: Codec, body: Payload): Taker {
  return isPrimitive(value) ? new Shared(value) : new Produced(value, new Copies(codec, body));
}

export function decode(codec: Codec, body: Payload): unknown {
  if (typeof body !== 'string') return codec.decode(body);
  return codec.text === undefined
    ? codec.decode(new TextEncoder().encode(body))
    : codec.text.decode(body);
}

export function encode(codec: Codec, value: unknown): Payload {
  return codec.text === undefined ? codec.encode(value) : codec.text.encode(value);
}

/** May a call that uses the one be given what the other decodes, or what was produced to be stored by it? */
export function canMix(one: Codec, other: Codec): boolean {
  return one.id === other.id || (one.exclusive !== true && other.exclusive !== true);
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

/** A decoded value takes about this many times its encoded length. */
const DECODED = 3;

/** A decoded value as one deeply frozen object for everyone, or undefined when something in it cannot be frozen (Date, Map, Set, bytes). */
export function frozenOf(codec: Codec, body: Payload): Frozen | undefined {
  const value = decode(codec, body);
  // What is immutable is mostly text, and as long as its encoded form.
  return deepFreeze(value)
    ? { value, size: body.length * (codec.immutable === true ? 1 : DECODED) }
    : undefined;
}
