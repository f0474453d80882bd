import { createAsyncContext } from '../../lib/async-context.js';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { envelope } from '../../lib/codecs/envelope.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CacheService } from '../../lib/core/cache.js';
import { Engine } from '../../lib/core/compose.js';
import { resolveSettings } from '../../lib/core/options/options.js';
import { PackedStore } from '../../lib/core/read/packed-store.js';
import type { CacheOptions } from '../../lib/core/options/types.js';
import type { Clock } from '../../lib/ports/clock.js';
import type { Codec, Payload } from '../../lib/ports/codec.js';
import type { SharedBackend } from '../../lib/ports/shared-backend.js';

// Shared by all of them: on Node 20 every promise pays for every AsyncLocalStorage that was ever used.
const context = createAsyncContext();
const further = [createAsyncContext(), createAsyncContext()];

export interface Wired {
  readonly cache: CacheService;
  /** What `createCache()` keeps to itself: flights, tiers, desks. */
  readonly engine: Engine;
  /** What the cache reported of its backend. */
  readonly problems: unknown[];
}

interface Wiring {
  readonly clock: Clock;
  readonly holder: string;
  /** Left out: the cache lives in memory. */
  readonly store?: SharedBackend<Payload>;
  readonly l1?: boolean;
  readonly isolation?: 'copy' | 'freeze';
  readonly options?: CacheOptions;
}

/** A cache wired as `createCache()` does it, with its engine in the open. */
export function wiredCache({
  clock,
  holder,
  store,
  l1 = false,
  isolation = 'copy',
  options = {},
}: Wiring): Wired {
  const codecs = new Map<string, Codec>([jsonCodec, cborCodec].map((codec) => [codec.id, codec]));
  const settings = resolveSettings(options, codecs);
  const problems: unknown[] = [];
  const opened = {
    namespace: settings.namespace,
    clock,
    report: ({ error }: { error: Error }) => problems.push(error),
  };
  const memory = new MemoryBackend({ maxEntries: 100, isolation }).openMemory(opened);
  const packed =
    store === undefined
      ? undefined
      : new PackedStore(store, envelope, (_key, error) => problems.push(error));
  const engine = new Engine({
    settings,
    store: packed ?? memory.store,
    near: packed === undefined || l1 ? memory.near : undefined,
    local: packed === undefined,
    codecs,
    clock,
    context,
    warn: (error) => problems.push(error),
    holder,
    closeBackend: () => Promise.resolve(),
  });
  const contexts = [...further];
  return {
    cache: new CacheService(engine, () => contexts.pop() ?? createAsyncContext(), []),
    engine,
    problems,
  };
}
