import { TestRunner } from 'vitest';
import { createAsyncContext } from '../../lib/async-context.js';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { envelope } from '../../lib/codecs/envelope.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CacheService } from '../../lib/core/cache.js';
import { Engine, type Storage } from '../../lib/core/compose.js';
import { resolveSettings } from '../../lib/core/options/options.js';
import type { CacheOptions } from '../../lib/core/options/types.js';
import { responseCodec } from '../../lib/http/response-codec.js';
import type { CacheBackend } from '../../lib/ports/backend.js';
import type { Codec } from '../../lib/ports/codec.js';
import type { MemoryTier } from '../../lib/ports/memory-tier.js';
import type { SharedBackend } from '../../lib/ports/shared-backend.js';
import type { FakeClock } from '../../lib/testing/fake-clock.js';
import { expectNothingLeft } from './nothing-left.js';

// Shared by all of them: on Node 20 every promise pays for every AsyncLocalStorage in use.
const context = createAsyncContext();
const further = [createAsyncContext(), createAsyncContext()];

export interface Wired {
  readonly cache: CacheService;
  readonly clock: FakeClock;
  /** What `createCache()` keeps to itself: flights, tiers, leases. */
  readonly engine: Engine;
  /** What the cache reported of its backend. */
  readonly problems: unknown[];
  /** The memory of the cache, or its L1. */
  readonly memory: MemoryTier;
}

export interface Wiring {
  readonly clock: FakeClock;
  readonly holder: string;
  /** A shared backend; left out, the cache lives in memory. */
  readonly store?: SharedBackend;
  /** A backend of two methods. */
  readonly backend?: CacheBackend;
  readonly l1?: boolean;
  readonly isolation?: 'copy' | 'freeze';
  /** Where the cache, or its L1, lives: for caches that share their memory. */
  readonly memory?: MemoryBackend;
  readonly options?: CacheOptions;
  /**
   * False for the many caches of a schedule, which are audited in another way. Otherwise each cache
   * is closed after its test, and nothing of it may be left then.
   */
  readonly isChecked?: boolean;
}

/** A cache wired as `createCache()` does it, with its engine in the open. */
export function wiredCache(wiring: Wiring): Wired {
  const { clock, holder, store, backend, l1 = false, isolation = 'copy', options = {} } = wiring;
  const codecs = new Map<string, Codec>(
    [jsonCodec, cborCodec, responseCodec].map((codec) => [codec.id, codec]),
  );
  const settings = resolveSettings(options, codecs);
  codecs.set(settings.policy.codec.id, settings.policy.codec);
  const problems: unknown[] = [];
  const report = ({ error }: { error: Error }) => problems.push(error);
  const opened = { namespace: settings.namespace, clock, report };
  const { memory: kept = new MemoryBackend({ maxEntries: 100, isolation }) } = wiring;
  const memory = kept.openMemory(opened);
  const storage: Storage =
    store !== undefined
      ? { kind: 'shared', backend: store, l1: l1 ? memory : undefined }
      : backend !== undefined
        ? { kind: 'two methods', backend, prefix: `${settings.namespace}:` }
        : { kind: 'memory', memory };
  const engine = new Engine({
    settings,
    storage,
    codecs,
    envelope,
    clock,
    context,
    warn: (error) => problems.push(error),
    holder,
    closeBackend: () => Promise.resolve(),
  });
  engine.reporter.events.on((event) => {
    if (event.type === 'corrupt') problems.push(event.error);
    if (event.type === 'backend_problem' && event.operation === 'close') problems.push(event.error);
  });
  const contexts = [...further];
  const { invalidations = [] } = options;
  const cache = new CacheService(
    engine,
    () => contexts.pop() ?? createAsyncContext(),
    invalidations,
  );
  const wired = { cache, clock, engine, problems, memory };
  if (wiring.isChecked !== false && TestRunner.getCurrentTest() !== undefined)
    expectNothingLeft(wired, store);
  return wired;
}
