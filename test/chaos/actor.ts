import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheService } from '../../lib/core/cache.js';
import type { InvalidationResult } from '../../lib/core/options/types.js';
import { DURABLE, type History, LOCAL, monotonic, READ } from './history.js';
import { below, type Random, seeded } from './random.js';
import { isOf, type Row, type Stored, type World } from './world.js';

/** What the actors need of a cache; a faulty stand-in can be given in its place. */
export type Cached = Pick<
  CacheService,
  'getOrSet' | 'get' | 'set' | 'delete' | 'invalidate' | 'clear'
>;

/** Where the versions come from. */
export interface Source {
  read(row: number, lagMs?: number): Promise<number>;
  write(rows: readonly number[]): Promise<number[]>;
}

export interface Work {
  readonly ms: number;
  /** Ends earlier when this process has read so often. */
  readonly reads?: number;
  /** Loops that act at once. */
  readonly users: number;
  /** A production takes up to this long. */
  readonly producerMs: number;
  /** Each user rests up to this long after an operation; 0: not at all. */
  readonly pauseMs: number;
  /** Share of operations that change something. */
  readonly changes: number;
  /** Share of productions that fail. */
  readonly failures: number;
  readonly seed: number;
  /** Every operation is about one of the first so many rows. */
  readonly rows?: number;
}

export interface Report {
  reads: number;
  changes: number;
  notDurable: number;
  failed: number;
  foreign: number;
  productions: number;
  producerErrors: number;
  slowestMs: number;
  /** The longest time in which the process, for want of a free processor, did nothing. */
  pausedMs: number;
  p99Ms: number;
  errors: string[];
}

class ProducerFailure extends Error {}

/** Acts on a cache as an application would, at random, and writes down what it did and saw. */
export class Actor {
  readonly report: Report = {
    reads: 0,
    changes: 0,
    notDurable: 0,
    failed: 0,
    foreign: 0,
    productions: 0,
    producerErrors: 0,
    slowestMs: 0,
    pausedMs: 0,
    p99Ms: 0,
    errors: [],
  };
  readonly #writing = new Set<number>();
  #took: number[] = [];

  constructor(
    readonly process: number,
    readonly cache: Cached,
    readonly world: World,
    readonly source: Source,
    readonly history: History,
  ) {}

  async run(work: Work): Promise<Report> {
    const until = performance.now() + work.ms;
    const pauses = monitorEventLoopDelay({ resolution: 10 });
    pauses.enable();
    await Promise.all(
      Array.from({ length: work.users }, (_, user) =>
        this.#user(work, seeded(work.seed * 1_000 + this.process * 50 + user), until),
      ),
    );
    const sorted = Float64Array.from(this.#took).sort();
    this.report.p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    this.report.slowestMs = sorted.at(-1) ?? 0;
    this.report.pausedMs = pauses.max / 1e6;
    pauses.disable();
    this.#took = [];
    return this.report;
  }

  async #user(work: Work, random: Random, until: number): Promise<void> {
    while (performance.now() < until && this.report.reads < (work.reads ?? Infinity)) {
      const row = this.world.row(
        below(random, Math.min(work.rows ?? Infinity, this.world.rows.length)),
      );
      try {
        if (random() < work.changes) await this.#change(row, random);
        else if (random() < 0.1) await this.#get(row);
        else await this.#getOrSet(row, work, random);
      } catch (error) {
        this.#failure(error);
      }
      if (work.pauseMs > 0) await sleep(random() * work.pauseMs);
      // a run that never waits must not keep timers and sockets waiting
      else if (random() < 0.01) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #get(row: Row): Promise<void> {
    const start = monotonic();
    const value = await this.cache.get(row.key);
    this.#saw(row, value, start, true);
  }

  async #getOrSet(row: Row, work: Work, random: Random): Promise<void> {
    const start = monotonic();
    const seed = random();
    try {
      const value = await this.cache.getOrSet(row.key, () => this.produce(row, work, seed), {
        ...(row.lateTags ? { tags: () => row.tags } : { tags: row.tags }),
        ...(row.shortLived
          ? { ttl: 400, staleWhileRevalidate: 800, staleIfError: 2_000, refreshAhead: 0.5 }
          : {
              ttl: '60s',
              staleIfError: '60s',
              ...(row.id % 3 === 0 ? { producerTimeout: { soft: 5 } } : {}),
            }),
      });
      this.#saw(row, value, start, false);
    } catch (error) {
      if (error instanceof ProducerFailure) this.report.producerErrors++;
      else this.#failure(error);
    }
    this.#took.push((monotonic() - start) / 1e6);
  }

  /** Reads the database, with the delays before and after it that make races. */
  async produce(
    row: Row,
    work: Pick<Work, 'producerMs' | 'failures'>,
    seed: number,
    lagMs = 0,
  ): Promise<Stored> {
    this.report.productions++;
    if (work.producerMs > 0 && seed < 0.5) await sleep(seed * work.producerMs);
    const version = await this.source.read(row.id, lagMs);
    if (work.producerMs > 0 && seed > 0.3) await sleep((seed / 2) * work.producerMs);
    if ((seed * 7_919) % 1 < work.failures) throw new ProducerFailure('the database is away');
    return {
      tenant: row.tenant ?? null,
      id: row.id,
      version,
      ...(row.id % 7 === 0 ? { pad: 'x'.repeat(3_000) } : {}),
    };
  }

  #saw(row: Row, value: unknown, start: number, mayMiss: boolean): void {
    this.report.reads++;
    if (value === undefined && mayMiss) return;
    if (!isOf(row, value)) {
      this.report.foreign++;
      if (this.report.errors.length < 10)
        this.report.errors.push(`row ${row.key.text} gave ${JSON.stringify(value)}`);
      return;
    }
    this.history.add(this.process, READ, row.id, value.version, start, monotonic());
  }

  async #change(row: Row, random: Random): Promise<void> {
    const dice = random();
    if (row.owner !== undefined && row.owner !== this.process) {
      // not ours to write; deleting it needlessly is allowed at any time
      if (dice < 0.3) await this.cache.delete(row.key);
      return;
    }
    if (row.owner !== undefined) {
      await this.#own(row, dice);
      return;
    }
    if (dice < 0.08) {
      await this.cache.invalidate({
        ...(row.tenant === undefined ? {} : { tenant: row.tenant }),
        tags: row.tags.slice(0, 1),
        mode: 'soft',
      });
      return;
    }
    if (dice < 0.5) {
      await this.#announced([row], () => this.cache.delete(row.key));
      return;
    }
    const { request, rows } = this.world.group(random);
    const free = rows.filter((member) => member.owner === undefined);
    await this.#announced(free, () =>
      request === 'clear' ? this.cache.clear() : this.cache.invalidate(request),
    );
  }

  /** One change of a row at a time, because `set` says what the value is. */
  async #own(row: Row, dice: number): Promise<void> {
    if (this.#writing.has(row.id)) return;
    this.#writing.add(row.id);
    try {
      await this.#announced([row], (version) =>
        dice < 0.6
          ? this.cache.set(
              row.key,
              { tenant: row.tenant ?? null, id: row.id, version },
              { ttl: '60s', tags: row.tags },
            )
          : this.cache.delete(row.key),
      );
    } finally {
      this.#writing.delete(row.id);
    }
  }

  /** The write first, then the invalidation, and what was promised by it. */
  async #announced(
    rows: readonly Row[],
    invalidate: (version: number) => Promise<InvalidationResult>,
  ): Promise<void> {
    const versions = await this.source.write(rows.map((row) => row.id));
    const start = monotonic();
    const { durable } = await invalidate(versions[0] ?? 0);
    const end = monotonic();
    this.report.changes++;
    if (!durable) this.report.notDurable++;
    rows.forEach((row, i) => {
      this.history.add(
        this.process,
        durable ? DURABLE : LOCAL,
        row.id,
        versions[i] ?? 0,
        start,
        end,
      );
    });
  }

  #failure(error: unknown): void {
    this.report.failed++;
    if (this.report.errors.length < 10)
      this.report.errors.push(error instanceof Error ? String(error.stack) : String(error));
  }
}
