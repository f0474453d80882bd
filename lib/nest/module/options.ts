import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { CacheOptions } from '../../core/options/types.js';

export interface CacheModuleOptions extends CacheOptions {
  /** Exported to all modules, so that `CacheService` can be injected everywhere after one import. Default true. */
  readonly isGlobal?: boolean;
}

/** For `useClass` and `useExisting`. */
export interface CacheOptionsFactory {
  createCacheOptions(): CacheOptions | Promise<CacheOptions>;
}

/** The name is given here, since the tokens of a module are known before its options are made. */
export interface CacheModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly name?: string;
  readonly isGlobal?: boolean;
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory?: (...args: never[]) => CacheOptions | Promise<CacheOptions>;
  readonly useClass?: Type<CacheOptionsFactory>;
  readonly useExisting?: Type<CacheOptionsFactory>;
}
