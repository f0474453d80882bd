import type { Call } from './call.js';
import type { Engine } from './engine.js';
import type { Answer } from './get-or-set.js';

interface Boarded {
  readonly call: Call;
  readonly running: Promise<Answer>;
  /** What all riders get: one promise however many they are. */
  shared: Promise<Answer> | undefined;
}

/** Callers of one key in one tick share one look: nothing has been sent yet, so it starts after all of them. */
export class Boarding {
  #boarded = new Map<string, Boarded>();

  constructor(readonly engine: Engine) {}

  /** @returns the value, or a copy of it */
  run(call: Call): Promise<unknown> {
    const { engine } = this;
    const alone = call.signal !== undefined;
    const boarded = alone ? undefined : this.#boarded.get(call.storageKey);
    // A producer's own calls go their own way: they have to be told when they would wait for themselves.
    if (boarded !== undefined && engine.context.current() === undefined) {
      boarded.call.riders++;
      return (boarded.shared ??= engine.count(boarded.call, boarded.running.then(asRider), true)).then(valueOf);
    }
    if (this.#boarded.size === 0) {
      // Before the backend's own microtask that sends the batch.
      queueMicrotask(() => {
        this.#boarded = new Map();
      });
    }
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
}

/** A production was not their own. */
function asRider(answer: Answer): Answer {
  return answer.outcome === 'miss' ? { ...answer, outcome: 'joined' } : answer;
}

function valueOf(answer: Answer): unknown {
  return answer.taker.take();
}
