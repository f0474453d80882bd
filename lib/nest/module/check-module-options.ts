import type { Type } from '@nestjs/common';
import { CACHE_CHECKS } from '../../core/options/checks.js';
import { assertCacheOptions } from '../../core/options/options.js';
import type { CacheOptions } from '../../core/options/types.js';
import { CacheConfigError } from '../../ports/errors.js';
import {
  assertKnownOptions,
  callback,
  check,
  type Checks,
  flag,
  isObject,
  parseOptions,
} from '../../ports/validate.js';
import type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './options.js';

const MODULE_CHECKS = { ...CACHE_CHECKS, isGlobal: flag } satisfies Checks<CacheModuleOptions>;

const array = check('an array', Array.isArray);
const factoryClass = callback('a class with createCacheOptions()');
const ASYNC_CHECKS = {
  name: CACHE_CHECKS.name,
  isGlobal: flag,
  imports: array,
  inject: array,
  useFactory: callback('a function that returns the options'),
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
  if (isGlobal !== undefined) flag(isGlobal, 'isGlobal');
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
  const misplaced = Object.keys(options).find(
    (name) => Object.hasOwn(CACHE_CHECKS, name) && !Object.hasOwn(ASYNC_CHECKS, name),
  );
  if (misplaced !== undefined)
    throw new CacheConfigError(
      `CacheModule.forRootAsync has no option ${misplaced}: ` +
        'it belongs to the options that the factory returns.',
    );
  const given = parseOptions(options, ASYNC_CHECKS, {
    what: 'The options of CacheModule.forRootAsync',
    owner: 'CacheModule.forRootAsync',
    example: '{ useFactory }',
    prefix: 'CacheModule.forRootAsync: ',
  });
  const ways = WAYS.filter((name) => given[name] !== undefined);
  if (ways.length !== 1) {
    throw new CacheConfigError(
      'CacheModule.forRootAsync needs one of useFactory, useClass and useExisting; ' +
        `got ${ways.length === 0 ? 'none' : ways.join(' and ')}.`,
    );
  }
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function assertFactory(made: unknown, type: Type<CacheOptionsFactory>): CacheOptionsFactory {
  if (
    isObject(made) &&
    typeof (made as Partial<CacheOptionsFactory>).createCacheOptions === 'function'
  )
    return made as CacheOptionsFactory;
  throw new CacheConfigError(
    `CacheModule.forRootAsync: ${type.name} must have the method createCacheOptions(), ` +
      'which returns the options of the cache.',
  );
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
