import type { Call } from './call.js';
import type { Engine } from './engine.js';
import type { Answer } from './get-or-set.js';

/** Callers of one key in one tick share one look: nothing has been sent yet, so it starts after all of them. */
export class Boarding {
  #boarded = new Map<string, { readonly call: Call; readonly answer: Promise<Answer> }>();

  constructor(readonly engine: Engine) {}

  run(call: Call): Promise<Answer> {
    const { engine } = this;
    const alone = call.signal !== undefined;
    const boarded = alone ? undefined : this.#boarded.get(call.storageKey);
    // A producer's own calls go their own way: they have to be told when they would wait for themselves.
    if (boarded !== undefined && engine.context.current() === undefined) {
      boarded.call.riders++;
      return engine.countRider(call, boarded.answer);
    }
    if (this.#boarded.size === 0) {
      // Before the backend's own microtask that sends the batch.
      queueMicrotask(() => {
        this.#boarded = new Map();
      });
    }
    const answer = engine.count(call, engine.readThrough.run(call));
    if (!alone) this.#boarded.set(call.storageKey, { call, answer });
    return answer;
  }
}
