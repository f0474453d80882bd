import { CacheKey } from '../../lib/core/key/key.js';
import { Flight } from '../../lib/core/read/flight.js';
import type { GetOrSetOptions, InvalidateRequest, KeyLike } from '../../lib/core/options/types.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { type Fate, SimulatedLink, type Step } from './simulated-backend.js';
import { SimulatedServer } from './simulated-server.js';
import { type Wired, wiredCache } from './wired-cache.js';

/** What is stored: which key it was made for, and which making it was. */
export interface Made {
  readonly key: KeyName;
  readonly id: number;
}

export type KeyName = 'plain' | 'seg' | 'tenant';
export const KEY_NAMES: readonly KeyName[] = ['plain', 'seg', 'tenant'];

const KEYS: Readonly<Record<KeyName, KeyLike>> = {
  plain: 'plain',
  seg: CacheKey.builder().segment('list').param('page', 1).build(),
  tenant: CacheKey.builder().tenant('x').segment('list').param('page', 1).build(),
};

/** Tags known beforehand, and tags that only the value tells. */
const TAGS: Readonly<Record<KeyName, GetOrSetOptions>> = {
  plain: { tags: ['t'] },
  seg: { tags: () => ['t', 'u'] },
  tenant: { tags: ['t'], resultTags: () => ['u'] },
};

/** Ways to invalidate, and what each of them reaches. */
export const INVALIDATIONS: readonly {
  readonly request: InvalidateRequest | 'clear' | 'clear x';
  readonly reaches: readonly KeyName[];
}[] = [
  { request: { keys: [KEYS.plain] }, reaches: ['plain'] },
  { request: { keys: [KEYS.seg] }, reaches: ['seg'] },
  { request: { keys: [KEYS.tenant] }, reaches: ['tenant'] },
  { request: { keys: [KEYS.plain, KEYS.tenant] }, reaches: ['plain', 'tenant'] },
  { request: { tags: ['t'] }, reaches: ['plain', 'seg'] },
  { request: { tags: ['u'] }, reaches: ['seg'] },
  { request: { tags: ['u'], tenant: 'x' }, reaches: ['tenant'] },
  { request: { tags: ['t', 'u'], match: 'all' }, reaches: ['seg'] },
  { request: { tags: ['t', 'u'], match: 'all', tenant: 'x' }, reaches: ['tenant'] },
  { request: { segment: 'list' }, reaches: ['seg'] },
  { request: { segment: 'list', tenant: 'x', tags: ['u'] }, reaches: ['tenant'] },
  { request: 'clear', reaches: KEY_NAMES },
  { request: 'clear x', reaches: ['tenant'] },
  { request: { keys: [KEYS.seg], tags: ['t'] }, reaches: ['seg', 'plain'] },
];

export interface ProcessPlan {
  readonly l1: boolean;
  readonly isolation: 'copy' | 'freeze';
}

export interface WorldPlan {
  /** One process in memory, or several at one server. */
  readonly processes: 'memory' | readonly ProcessPlan[];
  readonly scattered: boolean;
  readonly leaseTtl: number;
  readonly slowness: number;
  readonly lateness: number;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly fate: () => Fate;
}

export interface Process extends Wired {
  readonly name: string;
  readonly link: SimulatedLink | undefined;
  readonly l1: boolean;
}

interface Invalidation {
  readonly by: Process;
  readonly reaches: readonly KeyName[];
  readonly calledAt: number;
  readonly durable: boolean;
  /** Who has delivered this much of the stream has heard of it. */
  readonly streamedAt: number;
}

class ProducerFailure extends Error {}

/**
 * Caches at work, and the judge of what they answer. Moments are counted, one for each thing that
 * begins or ends; a value knows when its making began, an acknowledged invalidation when it was
 * called: a read that began after the acknowledgement must not see anything made before the call.
 */
export class World {
  readonly clock = new FakeClock();
  readonly server = new SimulatedServer(this.clock);
  readonly processes: readonly Process[];
  readonly violations: string[] = [];
  readonly acknowledged: Invalidation[] = [];
  reads = 0;
  failures = 0;
  productions = 0;
  /** Things happened after which a key may be produced more than once. */
  disturbed = false;
  /** Something was lost: leases may then be left to expire. */
  accidents = false;
  failing = false;
  #moment = 0;
  #healed = false;
  readonly #made = new Map<number, { readonly key: KeyName; from: number }>();
  readonly #failures = new Set<unknown>();
  readonly #producing = new Map<Flight, { readonly process: Process; readonly key: KeyName }>();

  constructor(
    readonly plan: WorldPlan,
    readonly step: Step,
  ) {
    const plans =
      plan.processes === 'memory' ? [{ l1: false, isolation: 'copy' as const }] : plan.processes;
    this.processes = plans.map(({ l1, isolation }, i) =>
      this.#process(`p${String(i)}`, l1, isolation, plan.processes === 'memory'),
    );
  }

  async read(
    process: Process,
    key: KeyName,
    how: { readonly signal?: AbortSignal; readonly soft?: number; readonly peek?: boolean } = {},
  ): Promise<void> {
    const began = ++this.#moment;
    const outages = this.#outages(process);
    const strict = this.#floor(process, key, 'all');
    const own = this.#floor(process, key, 'own');
    this.reads++;
    try {
      const value =
        how.peek === true
          ? await process.cache.get<Made>(KEYS[key])
          : await this.#getOrSet(process, key, how);
      if (value === undefined) {
        if (how.peek !== true) this.violations.push(`${process.name} read nothing of ${key}`);
        return;
      }
      const made = this.#made.get(value.id);
      if (made?.key !== key || value.key !== key) {
        this.violations.push(
          `${process.name} read of ${key} what was made for ${String(made?.key)}`,
        );
        return;
      }
      // Cut off from the backend, a process can only know what it did itself.
      const floor = outages === undefined || outages !== this.#outages(process) ? own : strict;
      if (made.from < floor)
        this.violations.push(
          `${process.name} read of ${key}, begun at ${String(began)}, got what was made at ${String(made.from)}, before ${String(floor)}`,
        );
    } catch (error) {
      const allowed =
        this.#failures.has(error) || (how.signal?.aborted === true && error === how.signal.reason);
      if (!allowed)
        this.violations.push(
          `${process.name} read of ${key} failed: ${String(error)} ${error instanceof Error ? String(error.stack) : ''}`,
        );
    }
  }

  async invalidate(process: Process, which: number): Promise<void> {
    const { request, reaches } = INVALIDATIONS[which % INVALIDATIONS.length] ?? {
      request: 'clear',
      reaches: KEY_NAMES,
    };
    this.disturbed = true;
    const calledAt = ++this.#moment;
    const { cache } = process;
    const running =
      request === 'clear'
        ? cache.clear()
        : request === 'clear x'
          ? cache.clear({ tenant: 'x' })
          : cache.invalidate(request);
    const { durable } = await running;
    this.#moment++;
    this.acknowledged.push({
      by: process,
      reaches,
      calledAt,
      durable,
      streamedAt: this.server.stream.length,
    });
  }

  async soften(process: Process): Promise<void> {
    this.disturbed = true;
    await process.cache.invalidate({ tags: ['t'], mode: 'soft' });
  }

  /**
   * What is set counts as made when `set` has returned: until then it may come before or after what
   * happens beside it.
   */
  async set(process: Process, key: KeyName): Promise<void> {
    this.disturbed = true;
    const id = this.#made.size + 1;
    const made = { key, from: Infinity };
    this.#made.set(id, made);
    await process.cache.set(KEYS[key], { key, id }, this.#options(key));
    made.from = ++this.#moment;
  }

  /**
   * A method whose result is put: made when the method began, and from then on what was there
   * before is old.
   */
  async put(process: Process, key: KeyName): Promise<void> {
    this.disturbed = true;
    const { cache } = process;
    const { tags } = this.#options(key);
    const pending = await cache.puts.begin(KEYS[key], typeof tags === 'object' ? tags : []);
    const from = ++this.#moment;
    const id = this.#made.size + 1;
    this.#made.set(id, { key, from });
    try {
      for (let i = 0; i <= this.plan.slowness; i++)
        await this.step(`${process.name}: the method works`);
      if (this.failing) return;
      const { durable } = await cache.puts.store<Made>(
        pending,
        KEYS[key],
        { key, id },
        this.#options(key),
      );
      this.#moment++;
      this.acknowledged.push({
        by: process,
        reaches: [key],
        calledAt: from,
        durable,
        streamedAt: this.server.stream.length,
      });
    } finally {
      cache.puts.end(pending);
    }
  }

  /** Everyone is well and has heard everything; nothing is under way any more. */
  async heal(): Promise<void> {
    this.#healed = true;
    this.failing = false;
    for (const { link } of this.processes) {
      if (link?.state === 'down') link.change('up');
      link?.hearAgain('replay');
    }
    for (const { cache, engine } of this.processes) {
      await cache.drain();
      while (!engine.invalidator.isDrained) {
        await new Promise<void>((resolve) => {
          this.clock.after(100, resolve);
        });
        await cache.drain();
      }
    }
    // What the journals have replayed is heard by everyone too.
    for (const { link } of this.processes) link?.hearAgain('replay');
    for (const { cache } of this.processes) await cache.drain();
  }

  /** After `heal`: what is left behind, and is any of it old? */
  async audit(auditor: Process): Promise<void> {
    for (const process of this.processes) {
      const { name, cache, engine } = process;
      const { flights, background, journal } = cache.stats();
      const left = {
        flights,
        background,
        journal,
        waiting: engine.leases?.size ?? 0,
        producing: this.#producing.size,
      };
      if (Object.values(left).some((count) => count > 0))
        this.violations.push(`${name} leaves ${JSON.stringify(left)}`);
    }
    for (const key of KEY_NAMES) {
      const floor = this.acknowledged.reduce(
        (most, { reaches, calledAt }) => (reaches.includes(key) ? Math.max(most, calledAt) : most),
        0,
      );
      for (const process of [...this.processes, auditor]) {
        const value = await process.cache.get<Made>(KEYS[key]);
        const from = value === undefined ? Infinity : (this.#made.get(value.id)?.from ?? -1);
        if (from < floor)
          this.violations.push(
            `${process.name} keeps of ${key} what was made at ${String(from)}, before ${String(floor)}`,
          );
      }
    }
    this.violations.push(...this.server.broken);
    for (const key of this.server.leases.keys())
      if (!this.accidents && this.server.leaseOn(key) !== undefined)
        this.violations.push(`a lease on ${key} is left`);
    if (!this.disturbed && this.failures === 0 && this.productions > KEY_NAMES.length)
      this.violations.push(
        `${String(this.productions)} productions of ${String(KEY_NAMES.length)} keys although nothing was invalidated`,
      );
  }

  /** A process that reads the server directly, without faults. */
  auditor(): Process {
    const link = new SimulatedLink(
      this.server,
      'auditor',
      () => Promise.resolve(),
      () => 'answered',
      false,
    );
    const wired = wiredCache({
      clock: this.clock,
      holder: 'auditor',
      store: link,
      options: { jitter: 0 },
      isChecked: false,
    });
    return { ...wired, name: 'auditor', link, l1: false };
  }

  #process(name: string, l1: boolean, isolation: 'copy' | 'freeze', memory: boolean): Process {
    const { clock, step, plan } = this;
    const fate = (): Fate => {
      const next = this.#healed ? 'answered' : plan.fate();
      if (next !== 'answered') this.disturbed = this.accidents = true;
      return next;
    };
    const link = memory
      ? undefined
      : new SimulatedLink(this.server, name, step, fate, plan.scattered, plan.lateness);
    const options = { jitter: 0, ttl: 1_000, lease: { ttl: plan.leaseTtl } };
    const wired = wiredCache({
      clock,
      holder: name,
      l1,
      isolation,
      options,
      isChecked: false,
      ...(link === undefined ? {} : { store: link }),
    });
    return { ...wired, name, link, l1 };
  }

  #options(key: KeyName): GetOrSetOptions<Made> {
    const { staleWhileRevalidate, staleIfError } = this.plan;
    return { ...TAGS[key], staleWhileRevalidate, staleIfError };
  }

  #getOrSet(
    process: Process,
    key: KeyName,
    how: { readonly signal?: AbortSignal; readonly soft?: number },
  ): Promise<Made> {
    const options = {
      ...this.#options(key),
      ...(how.signal === undefined ? {} : { signal: how.signal }),
      ...(how.soft === undefined ? {} : { producerTimeout: { soft: how.soft } }),
    };
    return process.cache.getOrSet<Made>(KEYS[key], () => this.#produce(process, key), options);
  }

  async #produce(process: Process, key: KeyName): Promise<Made> {
    const id = this.#made.size + 1;
    this.#made.set(id, { key, from: ++this.#moment });
    this.productions++;
    const flight = process.engine.context.current();
    if (flight instanceof Flight) {
      this.#producing.set(flight, { process, key });
      this.#checkAlone(process, key);
    } else this.violations.push(`${process.name} produces ${key} outside of any flight`);
    try {
      await this.step(`${process.name}: ${key} asks the database`);
      const fails = this.failing;
      for (let i = 0; i < this.plan.slowness; i++)
        await this.step(`${process.name}: the database works`);
      await this.step(`${process.name}: the database answers for ${key}`);
      if (fails) {
        const failure = new ProducerFailure(`the database failed for ${key}`);
        this.failures++;
        this.#failures.add(failure);
        throw failure;
      }
      return { key, id };
    } finally {
      if (flight instanceof Flight) this.#producing.delete(flight);
    }
  }

  /**
   * At most one production that callers may join and that may be stored, of a key in a process that
   * learns of invalidations by itself.
   */
  #checkAlone(process: Process, key: KeyName): void {
    if (!process.engine.tiers.isCoherent) return;
    let attached = 0;
    for (const [flight, other] of this.#producing)
      if (other.process === process && other.key === key && flight.joinable && flight.storable)
        attached++;
    if (attached > 1 && (process.link === undefined || !this.disturbed))
      this.violations.push(
        `${process.name} runs ${String(attached)} productions of ${key} at a time`,
      );
  }

  #outages(process: Process): number | undefined {
    if (!process.engine.tiers.isUsable) return undefined;
    return process.link?.outages ?? 0;
  }

  /**
   * The latest call of an invalidation that has been acknowledged, and that this process has to
   * respect.
   */
  #floor(process: Process, key: KeyName, whose: 'all' | 'own'): number {
    let floor = 0;
    for (const { by, reaches, calledAt, durable, streamedAt } of this.acknowledged) {
      if (!reaches.includes(key) || calledAt <= floor) continue;
      const { link, l1 } = process;
      const hears =
        !l1 ||
        link === undefined ||
        link.deaf ||
        link.state === 'down' ||
        link.position >= streamedAt;
      if (by === process || (whose === 'all' && durable && hears)) floor = calledAt;
    }
    return floor;
  }
}
