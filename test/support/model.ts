import { setImmediate } from 'node:timers/promises';
import { CacheKey } from '../../lib/core/key/key.js';
import type { GetOrSetOptions, InvalidateRequest, KeyLike } from '../../lib/core/options/types.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { SimulatedLink } from './simulated-backend.js';
import { SimulatedServer } from './simulated-server.js';
import { type Wired, wiredCache } from './wired-cache.js';

export type Name = 'a' | 'b' | 'c' | 'd';
export const NAMES: readonly Name[] = ['a', 'b', 'c', 'd'];

const list = (tenant?: string) =>
  (tenant === undefined ? CacheKey.builder() : CacheKey.builder().tenant(tenant)).segment('list');

interface Subject {
  readonly key: KeyLike;
  readonly options: GetOrSetOptions;
  readonly tags: readonly string[];
  readonly tenant: string | undefined;
  readonly segment: string | undefined;
}

export const SUBJECTS: Readonly<Record<Name, Subject>> = {
  a: { key: 'a', options: { tags: ['red'] }, tags: ['red'], tenant: undefined, segment: undefined },
  b: {
    key: list().param('p', 1).build(),
    options: { tags: () => ['red', 'blue'] },
    tags: ['red', 'blue'],
    tenant: undefined,
    segment: 'list',
  },
  c: {
    key: list('x').param('p', 1).build(),
    options: { tags: ['red'], resultTags: () => ['blue'] },
    tags: ['red', 'blue'],
    tenant: 'x',
    segment: 'list',
  },
  d: { key: list('y').param('p', 1).build(), options: {}, tags: [], tenant: 'y', segment: 'list' },
};

/** Which keys an invalidation means: as simple as the documentation says it. */
export function reached({
  keys = [],
  tags = [],
  segment,
  tenant,
  match = 'any',
}: InvalidateRequest): Name[] {
  return NAMES.filter((name) => {
    const subject = SUBJECTS[name];
    if (keys.includes(subject.key)) return true;
    if (subject.tenant !== tenant) return false;
    if (tags.length === 0 && segment === undefined) return tenant !== undefined;
    const named = [
      ...tags.map((tag) => subject.tags.includes(tag)),
      ...(segment === undefined ? [] : [subject.segment === segment]),
    ];
    return match === 'all' ? named.every(Boolean) : named.some(Boolean);
  });
}

/**
 * What must hold, without any cache: versions in a database, and below which version nobody may
 * read any more.
 */
export class Model {
  readonly versions = new Map<Name, number>(NAMES.map((name) => [name, 1]));
  readonly #floors = new Map<string, number>();
  /** Processes that cannot reach the backend. */
  readonly down = new Set<number>();
  /** Invalidations that wait in a journal. */
  readonly waiting = new Map<number, Set<Name>>();

  version(name: Name): number {
    return this.versions.get(name) ?? 0;
  }

  bump(name: Name): number {
    const version = this.version(name) + 1;
    this.versions.set(name, version);
    return version;
  }

  floor(process: number, name: Name): number {
    return this.#floors.get(`${String(process)} ${name}`) ?? 0;
  }

  invalidated(by: number, names: readonly Name[], durable: boolean, processes: number): void {
    for (const name of names) {
      // Cut off, a process knows of its own invalidations only; the others learn of them when the
      // journal has been replayed.
      for (let p = 0; p < processes; p++)
        if (p === by || durable) this.#floors.set(`${String(p)} ${name}`, this.version(name));
      if (!durable) this.waiting.set(by, new Set([...(this.waiting.get(by) ?? []), name]));
    }
  }

  replayed(process: number, processes: number): void {
    const names = this.waiting.get(process) ?? [];
    this.waiting.delete(process);
    for (const name of names)
      for (let p = 0; p < processes; p++) {
        const id = `${String(p)} ${name}`;
        this.#floors.set(id, Math.max(this.#floors.get(id) ?? 0, this.floor(process, name)));
      }
  }
}

/** The caches: one in memory, or three processes at one server, two of them with L1. */
export class Real {
  readonly clock = new FakeClock();
  readonly server = new SimulatedServer(this.clock);
  readonly processes: readonly (Wired & { readonly link: SimulatedLink | undefined })[];
  reads = 0;
  hits = 0;

  constructor(where: 'memory' | 'shared') {
    const { clock } = this;
    const options = { jitter: 0, ttl: 1_000 };
    this.processes =
      where === 'memory'
        ? [{ link: undefined, ...wiredCache({ clock, holder: 'm', options, isChecked: false }) }]
        : [false, true, true].map((l1, i) => {
            const link = new SimulatedLink(
              this.server,
              `p${String(i)}`,
              () => Promise.resolve(),
              () => 'answered',
              i === 0,
            );
            return {
              link,
              ...wiredCache({
                clock,
                holder: `p${String(i)}`,
                store: link,
                l1,
                isolation: i === 1 ? 'copy' : 'freeze',
                options,
                isChecked: false,
              }),
            };
          });
  }

  at(process: number): Wired & { readonly link: SimulatedLink | undefined } {
    const found = this.processes[process % this.processes.length];
    if (found === undefined) throw new Error('no such process');
    return found;
  }

  /** Lets time pass while something waits. */
  async finish<T>(work: Promise<T>): Promise<T> {
    const state = { done: false };
    const end = work.finally(() => {
      state.done = true;
    });
    end.catch(() => undefined);
    for (let i = 0; i < 10_000; i++) {
      await setImmediate();
      if (state.done) return end;
      if (i > 1) await this.clock.advance(10);
    }
    throw new Error('it does not end');
  }
}
