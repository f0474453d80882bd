import { describe } from 'vitest';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import type { CacheOptions } from '../../lib/core/options/types.js';
import type { CacheBackend } from '../../lib/ports/backend.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { HeldSteps } from './held-steps.js';
import { beforeClosing } from './nothing-left.js';
import { SimulatedLink } from './simulated-backend.js';
import { SimulatedServer } from './simulated-server.js';
import { type Wired, wiredCache } from './wired-cache.js';

/** Where a cache may keep its entries: every behaviour that is promised holds in each of them. */
export const CONFIGURATIONS = [
  'memory/copy',
  'memory/freeze',
  'shared',
  'shared + L1',
  'two methods',
] as const;

export type Configuration = (typeof CONFIGURATIONS)[number];

/** Caches of one configuration that see each other's entries, at one clock. */
export interface Place {
  readonly clock: FakeClock;
  /** A cache of its own process, except in memory and over two methods. */
  open(options?: CacheOptions): Wired;
  /** What a cache of a shared backend asks its server, to be held. */
  readonly steps: HeldSteps;
}

export interface Described {
  readonly configuration: Configuration;
  readonly place: () => Place;
  /** One cache, when a test needs no more. */
  readonly open: (options?: CacheOptions) => Wired;
  readonly isShared: boolean;
  /** What callers get is one frozen object. */
  readonly isFrozen: boolean;
}

/**
 * Describes a behaviour once for each configuration.
 *
 * ```ts
 * describeCache(CONFIGURATIONS, ({ open }) => {
 *   it('stores what was produced', async () => { const { cache } = open(); ... });
 * });
 * ```
 */
export function describeCache(
  configurations: readonly Configuration[],
  test: (described: Described) => void,
): void {
  describe.each(configurations)('%s', (configuration) => {
    const place = (): Place => placeOf(configuration);
    test({
      configuration,
      place,
      open: (options) => place().open(options),
      isShared: configuration.startsWith('shared'),
      isFrozen: configuration === 'memory/freeze',
    });
  });
}

/** The codecs that a user chooses from. */
export const CODECS = ['json', 'cbor'] as const;

export function placeOf(configuration: Configuration): Place {
  const clock = new FakeClock();
  const steps = new HeldSteps();
  beforeClosing(() => {
    steps.releaseAll();
  });
  const isolation = configuration === 'memory/freeze' ? 'freeze' : 'copy';
  const memory = new MemoryBackend({ clock, isolation, maxEntries: 10_000 });
  const server = new SimulatedServer(clock);
  const backend = new MapBackend(clock);
  let processes = 0;
  const open = (options: CacheOptions = {}): Wired => {
    const holder = `p${String(processes++)}`;
    const common = { clock, holder, options: { jitter: 0, ...options } };
    switch (configuration) {
      case 'memory/copy':
      case 'memory/freeze':
        return wiredCache({ ...common, memory });
      case 'two methods':
        return wiredCache({ ...common, backend });
      default: {
        const store = new SimulatedLink(server, holder, steps.step, () => 'answered', false);
        return wiredCache({ ...common, store, l1: configuration === 'shared + L1' });
      }
    }
  };
  return { clock, open, steps };
}

/** The smallest backend: two methods over a map. */
export class MapBackend implements CacheBackend {
  readonly name = 'MapBackend';
  readonly values = new Map<string, { readonly bytes: Uint8Array; readonly until: number }>();

  constructor(private readonly clock: FakeClock) {}

  async get(key: string): Promise<Uint8Array | undefined> {
    const found = this.values.get(key);
    return found !== undefined && found.until > this.clock.now() ? found.bytes : undefined;
  }

  async set(key: string, bytes: Uint8Array, ttlMs: number): Promise<void> {
    this.values.set(key, { bytes, until: this.clock.now() + ttlMs });
  }
}
