import type { Type } from '@nestjs/common';
import { CACHE_OPTIONS, checkIsOptions } from '../../core/options/options.js';
import type { CacheOptions } from '../../core/options/types.js';
import { CacheConfigError } from '../../ports/errors.js';
import { assertKnownOptions, isObject, formatValue } from '../../ports/validate.js';
import type {
  CacheModuleAsyncOptions,
  CacheModuleOptions,
  CacheOptionsFactory,
} from './options.js';

const NAMES: ReadonlySet<string> = new Set([...CACHE_OPTIONS, 'isGlobal']);
const WAYS = ['useFactory', 'useClass', 'useExisting'] as const;
const ASYNC_NAMES: ReadonlySet<string> = new Set([
  'name',
  'isGlobal',
  'imports',
  'inject',
  ...WAYS,
] satisfies (keyof CacheModuleAsyncOptions)[]);

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function checkIsObject(
  method: 'forRoot' | 'forRootAsync',
  options: unknown,
): asserts options is object {
  checkIsOptions(options, `The options of CacheModule.${method}`);
  const { isGlobal } = options as CacheModuleOptions;
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean')
    throw new CacheConfigError(`isGlobal must be true or false; got ${formatValue(isGlobal)}.`);
}

/** What is for the cache. @throws CacheConfigError (`CACHE_CONFIG`) that lists the options of the module, when one does not exist */
export function cacheOptionsOf(options: CacheModuleOptions): CacheOptions {
  assertKnownOptions(options, NAMES, 'cache option');
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'isGlobal'));
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function checkAsyncOptions(options: unknown): asserts options is CacheModuleAsyncOptions {
  checkIsObject('forRootAsync', options);
  for (const name of Object.keys(options)) {
    if (!CACHE_OPTIONS.has(name) || ASYNC_NAMES.has(name)) continue;
    throw new CacheConfigError(
      `CacheModule.forRootAsync has no option ${name}: it belongs into the options that the factory gives.`,
    );
  }
  assertKnownOptions(options, ASYNC_NAMES, 'option of CacheModule.forRootAsync');
  const given = options as Partial<Readonly<Record<string, unknown>>>;
  const [way, other] = WAYS.filter((name) => given[name] !== undefined);
  if (way === undefined || other !== undefined) {
    throw new CacheConfigError(
      `CacheModule.forRootAsync needs one of useFactory, useClass and useExisting; got ${way === undefined ? 'none' : `${way} and ${String(other)}`}.`,
    );
  }
  if (typeof given[way] !== 'function')
    throw new CacheConfigError(
      `${way} must be ${way === 'useFactory' ? 'a function that gives the options' : 'a class with createCacheOptions()'}; got ${formatValue(given[way])}.`,
    );
  for (const list of ['imports', 'inject'] as const) {
    if (given[list] !== undefined && !Array.isArray(given[list]))
      throw new CacheConfigError(
        `${list} of CacheModule.forRootAsync must be an array; got ${formatValue(given[list])}.`,
      );
  }
}

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function factoryOf(made: unknown, type: Type<CacheOptionsFactory>): CacheOptionsFactory {
  if (
    isObject(made) &&
    typeof (made as Partial<CacheOptionsFactory>).createCacheOptions === 'function'
  )
    return made as CacheOptionsFactory;
  throw new CacheConfigError(
    `CacheModule.forRootAsync: ${type.name} must have the method createCacheOptions(), which gives the options of the cache.`,
  );
}

/** Before the backend is taken from them. @throws CacheConfigError (`CACHE_CONFIG`) */
export function checkMade(options: CacheOptions): CacheOptions {
  checkIsOptions(options, 'The options that CacheModule.forRootAsync makes');
  if ('isGlobal' in options) {
    throw new CacheConfigError(
      'CacheModule.forRootAsync got options with isGlobal. Give it beside the factory only: Nest asks for it before the options are made.',
    );
  }
  return options;
}
