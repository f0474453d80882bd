import { randomUUID } from 'node:crypto';
import { createAsyncContext } from './async-context.js';
import { BackgroundTenant } from './background-tenant.js';
import { MemoryBackend } from './backends/memory/memory-backend.js';
import { systemClock } from './clock.js';
import { cborCodec } from './codecs/cbor.js';
import { envelope } from './codecs/envelope.js';
import { jsonCodec } from './codecs/json.js';
import { CacheService } from './core/cache.js';
import { Engine, type Storage } from './core/compose.js';
import { resolveSettings, type Settings } from './core/options/options.js';
import { TENANT_SCOPE } from './core/options/resolve-call.js';
import type { CacheOptions } from './core/options/types.js';
import { responseCodec } from './http/response-codec.js';
import type { BackendContext, CacheBackend } from './ports/backend.js';
import type { Codec } from './ports/codec.js';
import { CacheConfigError } from './ports/errors.js';

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
  // The backend may report before the engine exists; no one can listen before that.
  const late: { engine?: Engine } = {};
  const context: BackendContext = {
    namespace: settings.namespace,
    clock,
    maxValueBytes: settings.maxValueBytes,
    report: ({ operation, error }) =>
      late.engine?.reporter.report({ type: 'backend_problem', operation, error }),
  };
  const engine = new Engine({
    settings,
    storage: openBackend(backend, options, settings, context),
    codecs,
    envelope,
    clock,
    context: createAsyncContext(),
    warn: (error) => {
      process.emitWarning(error instanceof Error ? error : new Error(String(error)));
    },
    holder: randomUUID(),
    closeBackend: retain(backend),
  });
  late.engine = engine;
  return new CacheService(engine, createAsyncContext, options.invalidations ?? []);
}

/**
 * During a background refresh the resolver returns the tenant that is refreshed. That of an
 * application does so for all of its caches.
 */
function withBackgroundTenant(settings: Settings): Settings {
  if (!settings.hasTenantResolver || TENANT_SCOPE in settings.tenant) return settings;
  return Object.freeze({
    ...settings,
    tenant: new BackgroundTenant().wrapResolver(settings.tenant),
  });
}

function openBackend(
  backend: CacheBackend,
  { l1 }: CacheOptions,
  settings: Settings,
  context: BackendContext,
): Storage {
  const wantsL1 = l1 !== undefined && l1 !== false;
  if (backend.openMemory !== undefined) {
    if (wantsL1) throw new CacheConfigError(L1_OF_MEMORY);
    return { kind: 'memory', memory: backend.openMemory(context) };
  }
  if (backend.openShared === undefined) {
    if (wantsL1) throw new CacheConfigError(L1_WITHOUT_NOTICES);
    return { kind: 'two methods', backend, prefix: `${settings.namespace}:` };
  }
  const tier = wantsL1 ? new MemoryBackend(l1 === true ? {} : l1).openMemory(context) : undefined;
  return { kind: 'shared', backend: backend.openShared(context), l1: tier };
}

const L1_OF_MEMORY =
  'l1 is a cache in memory in front of a shared backend; this backend is in memory already. ' +
  'Leave l1 out, or give a shared backend.';
const L1_WITHOUT_NOTICES =
  'l1 needs a backend that tells of the invalidations of other processes (openShared), such as ' +
  'RedisBackend; this one has get and set only. Leave l1 out.';

const REFERENCES = Symbol.for('nest-query-cache:references');

/**
 * The last cache to be closed closes a backend that several caches share. The count is kept on the
 * backend, not in this module.
 */
function retain(backend: CacheBackend & { [REFERENCES]?: number }): () => Promise<void> {
  backend[REFERENCES] = (backend[REFERENCES] ?? 0) + 1;
  return async () => {
    const references = (backend[REFERENCES] ?? 1) - 1;
    backend[REFERENCES] = references;
    if (references === 0) await backend.close?.();
  };
}
