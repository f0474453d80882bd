import type { Type } from '@nestjs/common';
import { CACHE_CHECKS } from '../../core/options/checks.js';
import { assertCacheOptions } from '../../core/options/options.js';
import type { CacheOptions } from '../../core/options/types.js';
import { CacheConfigError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { assertKnownOptions, type Checks, parseOptions } from '../../ports/validate.js';
import type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './options.js';

const MODULE_CHECKS = { ...CACHE_CHECKS, isGlobal: is.flag } satisfies Checks<CacheModuleOptions>;

const factoryClass = is.callback('a class with createCacheOptions()');
const ASYNC_CHECKS = {
  name: CACHE_CHECKS.name,
  isGlobal: is.flag,
  imports: is.array,
  inject: is.array,
  useFactory: is.callback('a function that returns the options'),
  useClass: factoryClass,
  useExisting: factoryClass,
} satisfies Checks<CacheModuleAsyncOptions>;
const WAYS = ['useFactory', 'useClass', 'useExisting'] as const;

/**
 * Only what the module itself needs; `cacheOptionsOf` checks the rest when the application starts.
 * @throws CacheConfigError (`CACHE_CONFIG`)
 */
export function assertModuleOptions(options: unknown): asserts options is CacheModuleOptions {
  assertCacheOptions(options, 'The options of CacheModule.forRoot');
  const { isGlobal } = options as CacheModuleOptions;
  if (isGlobal !== undefined) is.flag(isGlobal, 'isGlobal');
}

/**
 * The options of the cache, without those of the module; `createCache` checks their values.
 * @throws CacheConfigError (`CACHE_CONFIG`) for an unknown name
 */
export function cacheOptionsOf(options: CacheModuleOptions): CacheOptions {
  assertKnownOptions(options, MODULE_CHECKS, 'CacheModule.forRoot');
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'isGlobal'));
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertAsyncOptions(options: unknown): asserts options is CacheModuleAsyncOptions {
  assertCacheOptions(options, 'The options of CacheModule.forRootAsync');
  const given = parseOptions(options, ASYNC_CHECKS, {
    what: 'The options of CacheModule.forRootAsync',
    owner: 'CacheModule.forRootAsync',
    example: '{ useFactory }',
    prefix: 'CacheModule.forRootAsync: ',
    hint: ' Options of the cache belong to what the factory returns.',
  });
  const ways = WAYS.filter((name) => given[name] !== undefined);
  if (ways.length !== 1) {
    throw new CacheConfigError(
      'CacheModule.forRootAsync needs one of useFactory, useClass and useExisting; ' +
        `got ${ways.length === 0 ? 'none' : ways.join(' and ')}.`,
    );
  }
}

const factory = is.objectWith<CacheOptionsFactory>(
  'an object with the method createCacheOptions(), which returns the options of the cache',
  'createCacheOptions',
);

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertFactory(made: unknown, type: Type<CacheOptionsFactory>): CacheOptionsFactory {
  return factory(made, `CacheModule.forRootAsync: ${type.name}`);
}

/** Called before the backend is read from them. @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertFactoryResult(options: CacheOptions): CacheOptions {
  assertCacheOptions(options, 'The options that CacheModule.forRootAsync makes');
  if ('isGlobal' in options) {
    throw new CacheConfigError(
      'CacheModule.forRootAsync got options with isGlobal. ' +
        'Give it beside the factory only: Nest needs it before the options are made.',
    );
  }
  return options;
}
