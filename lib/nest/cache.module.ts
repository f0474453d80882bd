import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { MemoryBackend } from '../backends/memory/memory-backend.js';
import type { CacheService } from '../core/cache-service.js';
import { on } from '../core/invalidation-rules.js';
import type { CacheOptions } from '../core/types.js';
import { createCache } from '../create-cache.js';
import type { CacheBackend } from '../ports/backend.js';
import { CacheConfigError } from '../ports/errors.js';
import { CacheCoreModule } from './cache-core.module.js';
import { CacheInvalidated } from './cache-invalidated.js';
import { CacheRegistry } from './cache-registry.js';
import { CacheLog } from './cache-log.js';
import type { CacheModuleAsyncOptions, CacheModuleOptions, CacheOptionsFactory } from './module-options.js';
import { getCacheBackendToken, getCacheToken, optionsToken } from './tokens.js';

/**
 * Caches for an application. Each `forRoot` makes one cache with its own name; decorated methods find them in every module.
 *
 * ```ts
 * @Module({ imports: [CacheModule.forRoot()] }) // in memory, nothing else needed
 * ```
 */
@Module({})
export class CacheModule {
  /** @throws CacheConfigError (`CACHE_CONFIG`) when the application starts, for options that cannot work and for a name that is taken */
  static forRoot(options: CacheModuleOptions = {}): DynamicModule {
    const { isGlobal = true, ...cacheOptions } = options;
    const name = options.name ?? 'default';
    return moduleOf(name, isGlobal, [], [{ provide: optionsToken(name), useValue: cacheOptions }]);
  }

  /** As `forRoot`, with options that are made when the application starts. */
  static forRootAsync(options: CacheModuleAsyncOptions): DynamicModule {
    const { name = 'default', isGlobal = true, imports = [] } = options;
    return moduleOf(name, isGlobal, imports, optionsProviders(name, options));
  }
}

function moduleOf(name: string, isGlobal: boolean, imports: NonNullable<DynamicModule['imports']>, options: Provider[]): DynamicModule {
  const backend: Provider = {
    provide: getCacheBackendToken(name),
    inject: [optionsToken(name)],
    useFactory: (given: CacheOptions): CacheBackend => given.backend ?? new MemoryBackend(),
  };
  const cache: Provider = {
    provide: getCacheToken(name),
    inject: [optionsToken(name), getCacheBackendToken(name), CacheRegistry, CacheLog],
    useFactory: (given: CacheOptions, opened: CacheBackend, registry: CacheRegistry, log: CacheLog): CacheService => {
      if (given.name !== undefined && given.name !== name) {
        throw new CacheConfigError(
          `CacheModule.forRootAsync({ name: '${name}' }) got options with the name '${given.name}'. Give the name beside the factory only: injection tokens are made from it.`,
        );
      }
      const { tenant } = given;
      // What is not a function is for `createCache` to refuse.
      const resolver = typeof tenant === 'function' ? { tenant: registry.backgroundTenant.over(tenant) } : undefined;
      const made = createCache({ ...given, ...resolver, name, backend: opened });
      made.addRules(on(CacheInvalidated, (event) => (event.cache === name ? event.request : undefined)));
      log.listen(made);
      registry.add(made);
      return made;
    },
  };
  return {
    module: CacheModule,
    global: isGlobal,
    imports: [...imports, CacheCoreModule],
    providers: [...options, backend, cache],
    exports: [getCacheToken(name), getCacheBackendToken(name)],
  };
}

function optionsProviders(name: string, options: CacheModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const provide = optionsToken(name);
  if (useFactory !== undefined) {
    const make = useFactory as (...args: unknown[]) => CacheOptions | Promise<CacheOptions>;
    return [{ provide, inject, useFactory: async (...args: unknown[]) => checked(await make(...args)) }];
  }
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    throw new CacheConfigError('CacheModule.forRootAsync needs one of useFactory, useClass and useExisting; got none.');
  }
  const made: Provider = {
    provide,
    inject: [factory],
    useFactory: async (from: CacheOptionsFactory) => checked(await from.createCacheOptions()),
  };
  return useClass === undefined ? [made] : [{ provide: useClass, useClass }, made];
}

/** Before the backend is taken from them. */
function checked(options: CacheOptions): CacheOptions {
  if (typeof (options as unknown) === 'object' && (options as unknown) !== null) return options;
  throw new CacheConfigError(`The options that CacheModule.forRootAsync makes must be an object; got ${JSON.stringify(options)}.`);
}
