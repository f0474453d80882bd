import type { Codec, Payload } from '../../ports/codec.js';
import type { Entry } from '../../ports/entry.js';
import type { FrozenValue } from '../../ports/memory-tier.js';
import type { Clock } from '../../ports/clock.js';
import type { Millis, Tick } from '../../ports/time.js';
import { deadlines, type Windows } from '../groups/freshness.js';
import { normalizeTags, unionTags } from '../groups/groups.js';
import type { Reporter } from '../observe/reporter.js';
import type { Call } from '../options/call.js';
import { ttlFor } from '../options/options.js';
import type { Flight } from './flight.js';
import type { RecordingContext } from './producer-context.js';
import { encode, handleFor, SharedValue, type ValueHandle } from './shared-value.js';
import type { Tiers } from './tiers.js';

/** A produced value: what callers get, and the entry when it is to be stored. */
export interface Produced {
  readonly value: ValueHandle;
  readonly entry: Entry | undefined;
  readonly frozen: FrozenValue | undefined;
}

/** A value that was given by the user, encoded. */
export interface EncodedValue {
  readonly body: Payload;
  readonly ttl: Millis;
  readonly tags: readonly string[];
}

const NO_TICKS: readonly Tick[] = Object.freeze([]);

/** Turns values into entries: whether they are stored, for how long, under which tags. */
export class EntryBuilder {
  constructor(
    private readonly tiers: Tiers,
    private readonly clock: Clock,
    private readonly reporter: Reporter,
    private readonly maxValueBytes: number,
  ) {}

  /** Never throws: a value that cannot be stored is still given to the callers. */
  build(flight: Flight, recorded: RecordingContext, value: unknown): Produced {
    const { call } = flight;
    const decision = this.#storageDecision(flight, recorded, value);
    // Without an entry, a copy is needed only when several callers share the value.
    if (value === undefined || (decision === undefined && flight.callers <= 1)) {
      return { value: new SharedValue(value), entry: undefined, frozen: undefined };
    }
    const { codec } = call.policy;
    let body: Payload;
    try {
      body = encode(codec, value);
    } catch (error) {
      if (decision !== undefined) this.#reportUnstorable(call, error);
      return { value: new SharedValue(value), entry: undefined, frozen: undefined };
    }
    const isTooLarge = body.length > this.maxValueBytes;
    if (decision !== undefined && isTooLarge)
      this.#reportUnstorable(call, tooLarge(body, this.maxValueBytes));
    if (decision === undefined || isTooLarge) {
      return { value: handleFor(value, codec, body), entry: undefined, frozen: undefined };
    }
    const frozen = this.tiers.freeze(codec, body);
    const cost = Math.max(0, this.clock.now() - flight.startedAt);
    const windows = windowsOf(call, decision.ttl, recorded);
    return {
      value: frozen === undefined ? handleFor(value, codec, body) : new SharedValue(frozen.value),
      entry: this.#entry(
        call,
        body,
        decision.tags,
        windows,
        cost,
        flight.startTicks,
        flight.settleUntil,
      ),
      frozen,
    };
  }

  /**
   * @returns undefined for what is not stored: undefined, a ttl of 0, and values that are too large
   * @throws CodecError, CacheConfigError, and what the callbacks of the call throw
   */
  encode(call: Call, value: unknown): EncodedValue | undefined {
    const ttl = value === undefined ? 0 : ttlFor(call.policy, value, undefined);
    if (ttl === 0) return undefined;
    const body = encode(call.policy.codec, value);
    if (body.length > this.maxValueBytes) return undefined;
    const tags = unionTags(call.tags, normalizeTags(call.resultTags?.(value) ?? []));
    return { body, ttl, tags };
  }

  entryOf(
    call: Call,
    encoded: EncodedValue,
    {
      startTicks = NO_TICKS,
      cost = 0,
      settleUntil = 0,
    }: {
      readonly startTicks?: readonly Tick[];
      readonly cost?: Millis;
      readonly settleUntil?: Millis;
    },
  ): Entry {
    const windows = windowsOf(call, encoded.ttl);
    return this.#entry(call, encoded.body, encoded.tags, windows, cost, startTicks, settleUntil);
  }

  #entry(
    call: Call,
    body: Payload,
    tags: readonly string[],
    windows: Windows,
    cost: Millis,
    startTicks: readonly Tick[],
    settleUntil: Millis,
  ): Entry {
    const { codec, jitter }: { codec: Codec; jitter: number } = call.policy;
    const now = this.tiers.now();
    const until = deadlines(now, windows, jitter, Math.random(), settleUntil);
    return {
      key: call.key.text,
      codec: codec.id,
      body,
      createdAt: now,
      freshUntil: until.freshUntil,
      staleUntil: until.staleUntil,
      fallbackUntil: until.fallbackUntil,
      cost,
      startTicks,
      tags,
    };
  }

  /** Undefined: not stored. A callback that throws means the same. */
  #storageDecision(
    flight: Flight,
    recorded: RecordingContext,
    value: unknown,
  ): { readonly ttl: Millis; readonly tags: readonly string[] } | undefined {
    const { call, settleUntil } = flight;
    if (!flight.storable || value === undefined || recorded.isSkipped) return undefined;
    // What a lagging replica gave may be old, and the window in which it counts has ended.
    if (settleUntil > 0 && settleUntil <= this.tiers.now()) return undefined;
    let callback = 'unless';
    try {
      if (call.unless?.(value) === true) return undefined;
      callback = 'ttl';
      const ttl = ttlFor(call.policy, value, recorded.ttl);
      if (ttl === 0) return undefined;
      callback = 'tags';
      if (call.resultTags === undefined && recorded.tags.length === 0)
        return { ttl, tags: call.tags };
      const further = [...(call.resultTags?.(value) ?? []), ...recorded.tags];
      return { ttl, tags: unionTags(call.tags, normalizeTags(further)) };
    } catch (error) {
      this.reporter.report({ type: 'callback_failed', callback, key: call.storageKey, error });
      return undefined;
    }
  }

  #reportUnstorable(call: Call, error: unknown): void {
    this.reporter.report({ type: 'unstorable', key: call.storageKey, error });
  }
}

function windowsOf({ policy }: Call, ttl: Millis, recorded?: RecordingContext): Windows {
  return {
    ttl,
    staleWhileRevalidate: recorded?.staleWhileRevalidate ?? policy.staleWhileRevalidate,
    staleIfError: recorded?.staleIfError ?? policy.staleIfError,
  };
}

function tooLarge(body: Payload, maxValueBytes: number): RangeError {
  return new RangeError(
    `The encoded value has ${String(body.length)} bytes; ` +
      `maxValueBytes is ${String(maxValueBytes)}.`,
  );
}
