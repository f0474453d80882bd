import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { defer, lastValueFrom, mergeAll, type Observable, toArray } from 'rxjs';
import type { CacheService } from '../../core/cache.js';
import { CacheRegistry } from '../module/registry.js';

/**
 * Runs the task; settles when the invalidations that it has started, in any of the caches, are
 * acknowledged.
 */
export function awaitInvalidations<T>(
  caches: readonly CacheService[],
  task: () => Promise<T> | T,
): Promise<T> {
  const run = async (): Promise<T> => task();
  return caches.reduce<() => Promise<T>>(
    (inner, cache) => () => cache.awaitInvalidations(inner),
    run,
  )();
}

/**
 * Answers a command when the invalidations that it has caused are acknowledged: for controllers,
 * resolvers and message handlers of the command side. `@UseInterceptors(CacheCommandInterceptor)`.
 * A stream of several values is delivered when the handler has completed.
 */
@Injectable()
export class CacheCommandInterceptor implements NestInterceptor {
  constructor(private readonly registry: CacheRegistry) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Nest binds the handler to the context in which `handle` is called.
    return defer(() =>
      awaitInvalidations(this.registry.caches, () => lastValueFrom(next.handle().pipe(toArray()))),
    ).pipe(mergeAll());
  }
}
