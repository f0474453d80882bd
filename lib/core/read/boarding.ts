import type { Call } from '../options/call.js';
import type { Engine } from '../compose.js';
import type { Answer } from './get-or-set.js';
import { canMix } from './shared-value.js';

interface Boarded {
  call: Call | undefined;
  running: Promise<Answer> | undefined;
  /** What all riders get: one promise however many they are. */
  shared: Promise<Answer> | undefined;
}

/** Callers of one key in one tick share one look: nothing has been sent yet, so it starts after all of them. */
export class Boarding {
  readonly #boarded = new Map<string, Boarded>();

  constructor(readonly engine: Engine) {}

  /** @returns the value, or a copy of it */
  run(call: Call): Promise<unknown> {
    const { engine } = this;
    // A producer's own calls go their own way: they, and nobody who came along, have to be told when they would wait for themselves.
    const alone = call.signal !== undefined || engine.context.current() !== undefined;
    const boarded = alone ? undefined : this.#boarded.get(call.storageKey);
    if (
      boarded?.call !== undefined &&
      boarded.running !== undefined &&
      canMix(boarded.call.policy.codec, call.policy.codec)
    ) {
      boarded.call.riders++;
      return (boarded.shared ??= engine.count(
        boarded.call,
        boarded.running.then(asRider),
        true,
      )).then(valueOf);
    }
    // Before the backend's own microtask that sends the batch.
    if (this.#boarded.size === 0) queueMicrotask(this.#depart);
    const running = engine.readThrough.run(call);
    if (!alone) this.#boarded.set(call.storageKey, { call, running, shared: undefined });
    return running.then(
      (answer) => {
        engine.counted(call, answer);
        return answer.taker.take();
      },
      (error: unknown) => {
        engine.countedError(call);
        throw error;
      },
    );
  }

  /**
   * Everything is taken apart: what a table of an old generation still names is kept alive until the next full collection, values included, and with
   * it all that comes after it. Without this a hit in the backend costs twice the time.
   */
  readonly #depart = (): void => {
    for (const boarded of this.#boarded.values())
      boarded.call = boarded.running = boarded.shared = undefined;
    this.#boarded.clear();
  };
}

/** A production was not their own. */
function asRider(answer: Answer): Answer {
  return answer.outcome === 'miss' ? { ...answer, outcome: 'joined' } : answer;
}

function valueOf(answer: Answer): unknown {
  return answer.taker.take();
}
