/** A text that ends: a lease and its holder, or the settle window of a key. */
interface Ending {
  readonly lease: string;
  readonly until: number;
  /** Somebody found it taken and wants to be told. */
  waited: boolean;
}

/** The leases of a namespace, and the settle windows of deleted keys. What has ended is forgotten a little with each new one. */
export class Leases {
  readonly #held = new Map<string, Ending>();
  readonly #settling = new Map<string, number>();

  get(key: string, now: number): Ending | undefined {
    const held = this.#held.get(key);
    if (held === undefined || held.until > now) return held;
    this.#held.delete(key);
    return undefined;
  }

  isHeld(key: string, lease: string, now: number): boolean {
    return this.get(key, now)?.lease === lease;
  }

  take(key: string, lease: string, until: number, now: number): void {
    const waited = this.get(key, now)?.waited ?? false;
    this.#held.delete(key);
    this.#held.set(key, { lease, until, waited });
    forgetEnded(this.#held, (held) => held.until <= now);
  }

  /** @returns whether somebody waits for it */
  end(key: string): boolean {
    const waited = this.#held.get(key)?.waited ?? false;
    this.#held.delete(key);
    return waited;
  }

  settle(key: string, until: number, now: number): void {
    const later = Math.max(until, this.settleUntil(key, now));
    this.#settling.delete(key);
    this.#settling.set(key, later);
    forgetEnded(this.#settling, (end) => end <= now);
  }

  /** 0 when there is no window. */
  settleUntil(key: string, now: number): number {
    const until = this.#settling.get(key) ?? 0;
    return until > now ? until : 0;
  }

  /** Held leases and open windows that are remembered. */
  get size(): number {
    return this.#held.size + this.#settling.size;
  }
}

/** The oldest come first in a map, and mostly end first. */
function forgetEnded<Value>(map: Map<string, Value>, hasEnded: (value: Value) => boolean): void {
  let looked = 0;
  for (const [key, value] of map) {
    if (++looked > 4 || !hasEnded(value)) return;
    map.delete(key);
  }
}
