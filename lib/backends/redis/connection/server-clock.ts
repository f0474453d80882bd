interface Sample {
  readonly offset: number;
  readonly uncertainty: number;
  /** Monotonic. */
  readonly at: number;
}

/** A better sample is preferred for this long; after that a worse but newer one, because clocks drift. */
const PREFERRED_MS = 60_000;

/**
 * The server's clock, as told from here: a local clock plus an offset learnt from answers that carry the server's time. The offset comes from
 * the answer with the shortest round trip (Cristian, 1989), so that slow answers do not make the time jitter. When a new answer
 * contradicts the old one beyond both their errors, a clock was set and the new answer counts at once.
 */
export class ServerClock {
  #best: Sample | undefined;

  now(local: number): number {
    return local + (this.#best?.offset ?? 0);
  }

  /** @param local the local clock when the answer came, `at` a monotonic clock then */
  learn(server: number, roundTrip: number, local: number, at: number): void {
    if (!Number.isFinite(server)) return;
    const sample: Sample = {
      offset: Math.round(server + roundTrip / 2 - local),
      uncertainty: roundTrip / 2 + 1,
      at,
    };
    if (this.#best === undefined || this.#isBetter(sample, this.#best)) this.#best = sample;
  }

  #isBetter(sample: Sample, best: Sample): boolean {
    if (sample.uncertainty <= best.uncertainty || sample.at - best.at > PREFERRED_MS) return true;
    return Math.abs(sample.offset - best.offset) > sample.uncertainty + best.uncertainty;
  }
}
