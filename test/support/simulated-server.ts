import type { Payload } from '../../lib/ports/codec.js';
import type { Clock } from '../../lib/ports/clock.js';
import type {
  GroupInvalidation,
  Marker,
  MarkerCombination,
  ScopeGroups,
  ScopeReading,
} from '../../lib/ports/groups.js';
import type {
  FillReply,
  FillRequest,
  LeaseReply,
  LeaseRequest,
  Notice,
} from '../../lib/ports/shared-backend.js';
import type { Tick } from '../../lib/ports/time.js';

interface Held {
  token: string;
  until: number;
  /** How often something had ended a lease on the key when this one was taken. */
  readonly endings: number;
}

export type Losable = 'marker' | 'markers' | 'clock' | 'lease' | 'value' | 'everything';

const NONE: readonly MarkerCombination[] = [];

/**
 * A shared server in memory with the rules of the Redis scripts: every method is one atomic step.
 * Who calls it, when, and what gets lost on the way is up to the links (simulated-backend.ts).
 */
export class SimulatedServer {
  readonly values = new Map<string, { readonly payload: Payload; readonly until: number }>();
  readonly leases = new Map<string, Held>();
  readonly waiters = new Set<string>();
  readonly clocks = new Map<string, Tick>();
  readonly markers = new Map<string, Marker>();
  readonly settling = new Map<string, number>();
  /** The notice stream: never trimmed; a link that is to miss something skips it. */
  readonly stream: { readonly sender: string; readonly notice: Notice }[] = [];
  readonly listeners = new Set<() => void>();
  /** Rules of the protocol that were broken. */
  readonly broken: string[] = [];
  readonly #endings = new Map<string, number>();
  #microseconds = 0;

  constructor(readonly clock: Pick<Clock, 'now'>) {}

  value(key: string): Payload | undefined {
    const found = this.values.get(key);
    return found !== undefined && found.until > this.clock.now() ? found.payload : undefined;
  }

  /** The token of the lease on the key. */
  leaseOn(key: string): string | undefined {
    const held = this.leases.get(key);
    return held !== undefined && held.until > this.clock.now() ? held.token : undefined;
  }

  scope({ scope, groups }: ScopeGroups): ScopeReading {
    return {
      clock: this.clocks.get(scope),
      markers: groups.map((group) => this.markers.get(`${scope} ${group}`)),
    };
  }

  lease({ key, token, leaseMs, overtaken }: LeaseRequest): LeaseReply {
    const held = this.leaseOn(key);
    if (held !== undefined && held !== overtaken && held !== token) {
      this.waiters.add(key);
      return {
        state: 'held',
        token: held,
        remainingMs: (this.leases.get(key)?.until ?? 0) - this.clock.now(),
      };
    }
    if (held !== undefined && held === overtaken) this.ended(key);
    this.leases.set(key, {
      token,
      until: this.clock.now() + leaseMs,
      endings: this.#endings.get(key) ?? 0,
    });
    const settle = this.settling.get(key) ?? 0;
    return { state: 'leased', settleUntil: settle > this.clock.now() ? settle : 0 };
  }

  renew(key: string, token: string, leaseMs: number): boolean {
    const held = this.leases.get(key);
    if (held === undefined || this.leaseOn(key) !== token) return false;
    held.until = this.clock.now() + leaseMs;
    return true;
  }

  release(key: string, token: string): void {
    if (this.leaseOn(key) !== token) return;
    this.leases.delete(key);
    this.#wake(key);
  }

  fill({ key, token, payload, ttlMs, ensure, refuseIfSettlingAfter }: FillRequest): FillReply {
    let settleUntil = 0;
    for (const scope of ensure?.scopes ?? [])
      for (const marker of this.ensure(scope).markers)
        settleUntil = Math.max(settleUntil, marker?.settleUntil ?? 0);
    if (this.leaseOn(key) !== token) return { stored: false, settleUntil: 0 };
    if (settleUntil > (refuseIfSettlingAfter ?? Infinity)) return { stored: false, settleUntil };
    this.values.set(key, { payload, until: this.clock.now() + ttlMs });
    this.leases.delete(key);
    this.#wake(key);
    return { stored: true };
  }

  set(sender: string, key: string, payload: Payload, ttlMs: number, token?: string): boolean {
    if (token !== undefined && this.leaseOn(key) !== token) return false;
    this.values.set(key, { payload, until: this.clock.now() + ttlMs });
    this.#end(key);
    this.publish(sender, { kind: 'keys', keys: [key] });
    return true;
  }

  delete(sender: string, keys: readonly string[], settleMs: number): void {
    this.forget(keys, settleMs);
    this.publish(sender, { kind: 'keys', keys });
  }

  forget(keys: readonly string[], settleMs: number): void {
    for (const key of keys) {
      this.values.delete(key);
      this.#end(key);
      if (settleMs > 0)
        this.settling.set(key, Math.max(this.settling.get(key) ?? 0, this.clock.now() + settleMs));
    }
  }

  ensure({ scope, groups }: ScopeGroups): ScopeReading {
    const clock = this.clocks.get(scope) ?? this.#time();
    this.clocks.set(scope, clock);
    for (const group of groups) {
      const id = `${scope} ${group}`;
      if (!this.markers.has(id)) this.markers.set(id, markerAt(clock));
    }
    return this.scope({ scope, groups });
  }

  invalidate(sender: string, invalidation: GroupInvalidation): Tick {
    const moved = this.move(invalidation);
    this.publish(sender, { kind: 'groups', invalidation, ...moved });
    return moved.tick;
  }

  move({ scope, groups, match, mode, settleMs }: GroupInvalidation): {
    readonly tick: Tick;
    readonly settleUntil: number;
  } {
    const before = this.clocks.get(scope);
    const combined = match === 'all' && groups.length > 1;
    const ids = (combined ? groups.slice(0, 1) : groups).map((group) => `${scope} ${group}`);
    const tick = Math.max(
      this.#time(),
      (before ?? 0) + 1,
      ...ids.map((id) => (this.markers.get(id)?.soft ?? 0) + 1),
    );
    this.clocks.set(scope, tick);
    const settleUntil = settleMs > 0 ? this.clock.now() + settleMs : 0;
    for (const id of ids) {
      const known = this.markers.get(id) ?? markerAt(before ?? tick);
      const moved = combined ? combine(known, groups, tick, mode) : moveOn(known, tick, mode);
      this.markers.set(id, { ...moved, settleUntil: Math.max(known.settleUntil, settleUntil) });
    }
    return { tick, settleUntil };
  }

  reclaim(scope: string): number {
    let count = 0;
    for (const key of [...this.values.keys()]) {
      if (scope !== '' && !key.startsWith(`tenant:${scope}/`)) continue;
      this.values.delete(key);
      count++;
    }
    return count;
  }

  publish(sender: string, notice: Notice): void {
    this.stream.push({ sender, notice });
    for (const listener of this.listeners) listener();
  }

  /** A lease that ends by anything but its holder: a fill may then be refused. */
  ended(key: string): void {
    this.#endings.set(key, (this.#endings.get(key) ?? 0) + 1);
  }

  /** Loses one thing of a kind, as an eviction, an expiry or a failover would. */
  lose(kind: Losable, which: number): void {
    if (kind === 'markers') {
      this.markers.clear();
      return;
    }
    if (kind === 'everything') {
      for (const key of this.leases.keys()) this.ended(key);
      for (const map of [this.values, this.leases, this.clocks, this.markers, this.settling])
        map.clear();
      return;
    }
    const maps = {
      marker: this.markers,
      clock: this.clocks,
      lease: this.leases,
      value: this.values,
    };
    const keys = [...maps[kind].keys()];
    const key = keys[which % Math.max(1, keys.length)];
    if (key === undefined) return;
    maps[kind].delete(key);
    if (kind === 'lease') this.ended(key);
  }

  #end(key: string): void {
    this.leases.delete(key);
    this.waiters.delete(key);
    this.ended(key);
  }

  /** Like TIME: never twice the same, and faster than anyone invalidates. */
  #time(): Tick {
    this.#microseconds = Math.max(this.#microseconds + 1, this.clock.now() * 1_000);
    return this.#microseconds;
  }

  #wake(key: string): void {
    if (this.waiters.delete(key)) this.publish('', { kind: 'released', key });
  }

  /**
   * To be asked after a refused fill: a lease may only be lost to an invalidation, a replacement,
   * an expiry or an accident.
   */
  checkRefusal(
    key: string,
    token: string,
    taken: { readonly endings: number; readonly until: number } | undefined,
  ): void {
    if (
      taken === undefined ||
      taken.until <= this.clock.now() ||
      taken.endings !== (this.#endings.get(key) ?? 0)
    )
      return;
    this.broken.push(
      `the fill of ${key} by ${token} was refused although nothing had ended its lease`,
    );
  }

  endingsOf(key: string): number {
    return this.#endings.get(key) ?? 0;
  }
}

function markerAt(tick: Tick): Marker {
  return { hard: tick, soft: tick, settleUntil: 0, combinations: NONE };
}

function moveOn(marker: Marker, tick: Tick, mode: 'soft' | 'hard'): Marker {
  return mode === 'hard' ? markerAt(tick) : { ...marker, soft: tick };
}

function combine(
  marker: Marker,
  groups: readonly string[],
  tick: Tick,
  mode: 'soft' | 'hard',
): Marker {
  const others = marker.combinations.filter((other) => other.groups.join(' ') !== groups.join(' '));
  const known = marker.combinations.find((other) => other.groups.join(' ') === groups.join(' '));
  return {
    ...marker,
    combinations: [
      ...others,
      { groups, hard: mode === 'hard' ? tick : (known?.hard ?? 0), soft: tick },
    ],
  };
}
