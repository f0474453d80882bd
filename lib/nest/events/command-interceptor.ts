import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { defer, lastValueFrom, mergeAll, type Observable, toArray } from 'rxjs';
import { awaiting } from './awaiting.js';
import { CacheRegistry } from '../module/registry.js';

/**
 * Answers a command when the invalidations that it has caused are acknowledged: for controllers, resolvers and message handlers of the command
 * side. `@UseInterceptors(CacheCommandInterceptor)`. Events that have several values come when the handler has completed.
 */
@Injectable()
export class CacheCommandInterceptor implements NestInterceptor {
  constructor(private readonly registry: CacheRegistry) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Nest binds the handler to the context in which `handle` is called.
    return defer(() =>
      awaiting(this.registry.caches, () => lastValueFrom(next.handle().pipe(toArray()))),
    ).pipe(mergeAll());
  }
}
