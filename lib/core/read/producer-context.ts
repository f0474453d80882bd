import { toMilliseconds } from '../../ports/duration.js';
import type { Millis } from '../../ports/time.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, parseOptions } from '../../ports/validate.js';
import type { ProducerContext } from '../options/types.js';
import type { Flight } from './flight.js';

const WINDOWS_CHECKS = {
  staleWhileRevalidate: is.duration(),
  staleIfError: is.duration(),
} satisfies Checks<Parameters<ProducerContext['setWindows']>[0]>;
const SET_WINDOWS = {
  what: 'setWindows: the windows',
  owner: 'setWindows',
  example: "{ staleWhileRevalidate: '5m' }",
  prefix: 'setWindows: ',
};
const NO_TAGS: readonly string[] = Object.freeze([]);

/**
 * The context of one production; records what the producer decides. Its methods work without their
 * object, so that a producer can destructure it. Each is created on access, because most producers
 * use none.
 */
export class RecordingContext implements ProducerContext {
  ttl: Millis | undefined;
  staleWhileRevalidate: Millis | undefined;
  staleIfError: Millis | undefined;
  isSkipped = false;
  #tags: string[] | undefined;

  constructor(readonly flight: Flight) {}

  get tags(): readonly string[] {
    return this.#tags ?? NO_TAGS;
  }

  get signal(): AbortSignal {
    return this.flight.signal;
  }

  get background(): boolean {
    return this.flight.isBackground;
  }

  get tenant(): string | undefined {
    return this.flight.call.key.tenantName;
  }

  get stale(): { readonly value: unknown } | undefined {
    const value = this.flight.stale?.value;
    return value === undefined ? undefined : { value: value.value() };
  }

  get setTtl(): ProducerContext['setTtl'] {
    return (ttl) => {
      this.ttl = toMilliseconds(ttl, 'setTtl(ttl)');
    };
  }

  get setWindows(): ProducerContext['setWindows'] {
    return (windows) => {
      const given = parseOptions(windows, WINDOWS_CHECKS, SET_WINDOWS);
      this.staleWhileRevalidate = given.staleWhileRevalidate ?? this.staleWhileRevalidate;
      this.staleIfError = given.staleIfError ?? this.staleIfError;
    };
  }

  get addTags(): ProducerContext['addTags'] {
    return (...tags) => {
      (this.#tags ??= []).push(...tags);
    };
  }

  get skip(): ProducerContext['skip'] {
    return () => {
      this.isSkipped = true;
    };
  }
}
