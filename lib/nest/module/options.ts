import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { CacheOptions } from '../../core/options/types.js';

export interface CacheModuleOptions extends CacheOptions {
  /** Whether `CacheService` can be injected in every module after one import. Default true. */
  readonly isGlobal?: boolean;
}

/** For `useClass` and `useExisting`. */
export interface CacheOptionsFactory {
  createCacheOptions(): CacheOptions | Promise<CacheOptions>;
}

/**
 * The name is given here because the injection tokens are made from it, before there are options.
 */
export interface CacheModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly name?: string;
  readonly isGlobal?: boolean;
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory?: (...args: never[]) => CacheOptions | Promise<CacheOptions>;
  readonly useClass?: Type<CacheOptionsFactory>;
  readonly useExisting?: Type<CacheOptionsFactory>;
}
