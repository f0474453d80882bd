import { randomUUID } from 'node:crypto';
import { createAsyncContext } from './async-context.js';
import { BackgroundTenant } from './background-tenant.js';
import { MemoryBackend } from './backends/memory/memory-backend.js';
import { systemClock } from './clock.js';
import { cborCodec } from './codecs/cbor.js';
import { envelope } from './codecs/envelope.js';
import { jsonCodec } from './codecs/json.js';
import { TENANT_SCOPE } from './core/options/resolve-call.js';
import { CacheService } from './core/cache.js';
import { Engine } from './core/compose.js';
import { resolveSettings, type Settings } from './core/options/options.js';
import { PackedStore } from './core/read/packed-store.js';
import { SimpleStore } from './core/read/simple-store.js';
import type { CacheOptions } from './core/options/types.js';
import type { BackendContext, CacheBackend } from './ports/backend.js';
import type { Clock } from './ports/clock.js';
import { responseCodec } from './http/response-codec.js';
import type { Codec } from './ports/codec.js';
import type { Entry } from './ports/entry.js';
import { CacheConfigError } from './ports/errors.js';
import type { SharedBackend, MemoryTier } from './ports/shared-backend.js';

/**
 * A cache without Nest: for scripts, workers and tests. Close it when it is no longer needed.
 *
 * ```ts
 * const cache = createCache({ ttl: '1m' });
 * const page = await cache.getOrSet('page-1', () => loadPage(1));
 * ```
 * @throws CacheConfigError (`CACHE_CONFIG`) for options that cannot work
 */
export function createCache(options: CacheOptions = {}): CacheService {
  const codecs = new Map<string, Codec>([jsonCodec, cborCodec].map((codec) => [codec.id, codec]));
  const settings = withBackgroundTenant(resolveSettings(options, codecs));
  codecs.set(responseCodec.id, responseCodec);
  codecs.set(settings.policy.codec.id, settings.policy.codec);
  const clock = options.clock ?? systemClock;
  const { backend = new MemoryBackend() } = options;
  // The backend may speak before the engine exists; nobody can listen before that either.
  const made: { engine?: Engine } = {};
  const context: BackendContext = {
    namespace: settings.namespace,
    clock,
    report: ({ operation, error }) => made.engine?.failed(operation, error),
  };
  const corrupt = (key: string, error: unknown): void => made.engine?.corrupt(key, error);
  const { store, near, local } = openBackend(backend, options, settings, context, clock, corrupt);
  const engine = new Engine({
    settings,
    store,
    near,
    local,
    codecs,
    clock,
    context: createAsyncContext(),
    warn: (error) => {
      process.emitWarning(error instanceof Error ? error : new Error(String(error)));
    },
    holder: randomUUID(),
    closeBackend: retain(backend),
  });
  made.engine = engine;
  return new CacheService(engine, createAsyncContext, options.invalidations ?? []);
}

/** In a refresh the resolver gives the tenant that is refreshed; that of an application does so for all of its caches. */
function withBackgroundTenant(settings: Settings): Settings {
  if (!settings.hasTenantResolver || TENANT_SCOPE in settings.tenant) return settings;
  return Object.freeze({
    ...settings,
    tenant: new BackgroundTenant().wrapResolver(settings.tenant),
  });
}

interface Opened {
  readonly store: SharedBackend<Entry>;
  readonly near: MemoryTier | undefined;
  readonly local: boolean;
}

function openBackend(
  backend: CacheBackend,
  options: CacheOptions,
  settings: Settings,
  context: BackendContext,
  clock: Clock,
  corrupt: (key: string, error: unknown) => void,
): Opened {
  const { l1 } = options;
  if (backend.openMemory !== undefined) {
    if (l1 !== undefined && l1 !== false) {
      throw new CacheConfigError(
        'l1 is a near cache in front of a shared backend; this backend is in memory already. Leave l1 out, or give a shared backend.',
      );
    }
    return { ...backend.openMemory(context), local: true };
  }
  if (backend.openShared === undefined) {
    if (l1 !== undefined && l1 !== false) {
      throw new CacheConfigError(
        'l1 needs a backend that tells of invalidations by other processes (openShared), such as RedisBackend; this one has get and set only. Leave l1 out.',
      );
    }
    const fences = new MemoryBackend().openMemory(context).store;
    const prefix = `${settings.namespace}:`;
    return {
      store: new SimpleStore(
        backend,
        prefix,
        fences,
        envelope,
        clock,
        settings.backendTimeout,
        corrupt,
      ),
      near: undefined,
      local: false,
    };
  }
  const near =
    l1 === undefined || l1 === false
      ? undefined
      : new MemoryBackend(l1 === true ? {} : l1).openMemory(context).near;
  return {
    store: new PackedStore(backend.openShared(context), envelope, corrupt),
    near,
    local: false,
  };
}

const REFERENCES = Symbol.for('nest-query-cache:users');

/** The last cache to be closed closes a backend that several caches share. The count is kept on the backend, not in this module. */
function retain(backend: CacheBackend & { [REFERENCES]?: number }): () => Promise<void> {
  backend[REFERENCES] = (backend[REFERENCES] ?? 0) + 1;
  return async () => {
    const users = (backend[REFERENCES] ?? 1) - 1;
    backend[REFERENCES] = users;
    if (users === 0) await backend.close?.();
  };
}
