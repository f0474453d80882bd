import { createAsyncContext } from '../../lib/async-context.js';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { envelope } from '../../lib/codecs/envelope.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CacheService } from '../../lib/core/cache.js';
import { Engine, type Storage } from '../../lib/core/compose.js';
import { resolveSettings } from '../../lib/core/options/options.js';
import type { CacheOptions } from '../../lib/core/options/types.js';
import type { CacheBackend } from '../../lib/ports/backend.js';
import type { Clock } from '../../lib/ports/clock.js';
import type { Codec } from '../../lib/ports/codec.js';
import type { MemoryTier } from '../../lib/ports/memory-tier.js';
import type { SharedBackend } from '../../lib/ports/shared-backend.js';

// Shared by all of them: on Node 20 every promise pays for every AsyncLocalStorage in use.
const context = createAsyncContext();
const further = [createAsyncContext(), createAsyncContext()];

export interface Wired {
  readonly cache: CacheService;
  /** What `createCache()` keeps to itself: flights, tiers, leases. */
  readonly engine: Engine;
  /** What the cache reported of its backend. */
  readonly problems: unknown[];
  /** The memory of the cache, or its L1. */
  readonly memory: MemoryTier;
}

interface Wiring {
  readonly clock: Clock;
  readonly holder: string;
  /** A shared backend; left out, the cache lives in memory. */
  readonly store?: SharedBackend;
  /** A backend of two methods. */
  readonly backend?: CacheBackend;
  readonly l1?: boolean;
  readonly isolation?: 'copy' | 'freeze';
  readonly options?: CacheOptions;
}

/** A cache wired as `createCache()` does it, with its engine in the open. */
export function wiredCache(wiring: Wiring): Wired {
  const { clock, holder, store, backend, l1 = false, isolation = 'copy', options = {} } = wiring;
  const codecs = new Map<string, Codec>([jsonCodec, cborCodec].map((codec) => [codec.id, codec]));
  const settings = resolveSettings(options, codecs);
  const problems: unknown[] = [];
  const report = ({ error }: { error: Error }) => problems.push(error);
  const opened = { namespace: settings.namespace, clock, report };
  const memory = new MemoryBackend({ maxEntries: 100, isolation }).openMemory(opened);
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
  });
  const contexts = [...further];
  const cache = new CacheService(engine, () => contexts.pop() ?? createAsyncContext(), []);
  return { cache, engine, problems, memory };
}
