interface Sample {
  readonly offset: number;
  readonly uncertainty: number;
  /** Monotonic. */
  readonly at: number;
}

/**
 * A better sample is preferred for this long; after that a worse but newer one, because clocks
 * drift.
 */
const PREFERRED_MS = 60_000;

/**
 * The server's clock: the local clock plus an offset that is computed from replies with the
 * server's time. The reply with the shortest round trip decides (Cristian, 1989), so that slow
 * replies do not make the time jitter. When a new reply contradicts it beyond both their errors, a
 * clock was set, and the new reply counts at once.
 */
export class ServerClock {
  #best: Sample | undefined;

  now(local: number): number {
    return local + (this.#best?.offset ?? 0);
  }

  /**
   * @param local the local clock when the reply came
   * @param at a monotonic clock then
   */
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
