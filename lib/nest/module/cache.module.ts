import {
  type DynamicModule,
  Inject,
  Module,
  Optional,
  type Provider,
  type Type,
} from '@nestjs/common';
import { MemoryBackend } from '../../backends/memory/memory-backend.js';
import type { CacheService } from '../../core/cache.js';
import { on } from '../../core/invalidate/rules.js';
import type { CacheOptions, InvalidateRequest } from '../../core/options/types.js';
import { createCache } from '../../create-cache.js';
import type { CacheBackend } from '../../ports/backend.js';
import { CacheConfigError } from '../../ports/errors.js';
import { CacheCoreModule } from './cache-core.module.js';
import { CacheInvalidated } from '../events/cache-invalidated.js';
import { CacheRegistry } from './registry.js';
import { CacheLog } from './log.js';
import {
  assertAsyncOptions,
  assertFactory,
  assertFactoryResult,
  assertModuleOptions,
  cacheOptionsOf,
} from './check-module-options.js';
import type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './options.js';
import { getCacheBackendToken, getCacheToken, optionsToken } from './tokens.js';

/**
 * Caches for an application. Each `forRoot` makes one cache with its own name; decorated methods
 * find them in every module.
 *
 * ```ts
 * @Module({ imports: [CacheModule.forRoot()] }) // in memory, nothing else needed
 * ```
 */
@Module({})
export class CacheModule {
  /**
   * @throws CacheConfigError (`CACHE_CONFIG`) when the class itself is imported and there is no
   * `forRoot` anywhere
   */
  constructor(@Optional() @Inject(CacheRegistry) registry?: CacheRegistry) {
    if (registry === undefined)
      throw new CacheConfigError(
        'CacheModule is imported without options, so there is no cache. Import ' +
          'CacheModule.forRoot() in the root module.',
      );
  }

  /**
   * @throws CacheConfigError (`CACHE_CONFIG`) when the application starts, for options that cannot
   * work and for a name that is taken
   */
  static forRoot(options: CacheModuleOptions = {}): DynamicModule {
    assertModuleOptions(options);
    const { isGlobal = true, name = 'default' } = options;
    return dynamicModule(
      name,
      isGlobal,
      [],
      [{ provide: optionsToken(name), useFactory: () => cacheOptionsOf(options) }],
    );
  }

  /**
   * As `forRoot`, with options that are made when the application starts.
   * @throws CacheConfigError (`CACHE_CONFIG`) at once, unless exactly one of `useFactory`,
   * `useClass` and `useExisting` is given
   */
  static forRootAsync(options: CacheModuleAsyncOptions): DynamicModule {
    assertAsyncOptions(options);
    const { name = 'default', isGlobal = true, imports = [] } = options;
    return dynamicModule(name, isGlobal, imports, optionsProviders(name, options));
  }
}

function dynamicModule(
  name: string,
  isGlobal: boolean,
  imports: NonNullable<DynamicModule['imports']>,
  options: Provider[],
): DynamicModule {
  const backend: Provider = {
    provide: getCacheBackendToken(name),
    inject: [optionsToken(name)],
    useFactory: ({ backend = new MemoryBackend() }: CacheOptions): CacheBackend => backend,
  };
  const cache: Provider = {
    provide: getCacheToken(name),
    inject: [optionsToken(name), getCacheBackendToken(name), CacheRegistry, CacheLog],
    useFactory: (
      given: CacheOptions,
      opened: CacheBackend,
      registry: CacheRegistry,
      log: CacheLog,
    ): CacheService => {
      if (given.name !== undefined && given.name !== name) {
        throw new CacheConfigError(
          `CacheModule.forRootAsync({ name: '${name}' }) got options with the name ` +
            `'${given.name}'. Give the name beside the factory only: injection tokens are made ` +
            'from it.',
        );
      }
      const { tenant } = given;
      // `createCache` refuses what is not a function.
      const resolver =
        typeof tenant === 'function'
          ? { tenant: registry.backgroundTenant.wrapResolver(tenant) }
          : undefined;
      const made = createCache({ ...given, ...resolver, name, backend: opened });
      made.addRules(
        on(CacheInvalidated, (event) => (event.cache === name ? requestOf(event) : undefined)),
      );
      log.listen(made);
      registry.add(made, opened.openMemory === undefined);
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
    return [
      {
        provide,
        inject,
        useFactory: async (...args: unknown[]) => assertFactoryResult(await make(...args)),
      },
    ];
  }
  const factory = (useExisting ?? useClass) as Type<CacheOptionsFactory>;
  const made: Provider = {
    provide,
    inject: [factory],
    useFactory: async (from: unknown) =>
      assertFactoryResult(await assertFactory(from, factory).createCacheOptions()),
  };
  return useClass === undefined ? [made] : [{ provide: useClass, useClass }, made];
}

/**
 * JavaScript may leave the request out. An empty one is refused, where undefined would be ignored.
 */
function requestOf(event: CacheInvalidated): InvalidateRequest {
  const { request } = event as Partial<CacheInvalidated>;
  return request ?? {};
}
