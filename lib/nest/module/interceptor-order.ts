import { Injectable, type NestInterceptor } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheConfigError } from '../../ports/errors.js';
import { CacheInterceptor } from '../http/interceptor.js';
import { RouteContextInterceptor } from '../http/route-context-interceptor.js';

/** These change no answer; they open the context in which the tenant and the principal are found. By name, so that no package is needed. */
const OPENS_CONTEXT: ReadonlySet<string> = new Set(['ClsInterceptor']);

/** What every `ModuleRef` has, in all major versions of Nest, for its own use. */
interface Inside {
  readonly container?: {
    readonly applicationConfig?: { getGlobalInterceptors(): NestInterceptor[] };
  };
}

/**
 * Puts `CacheInterceptor` before the application's other global interceptors. What they make of an answer (ClassSerializerInterceptor leaves fields
 * out, others wrap it) has to be part of what is stored: from outside they would be handed finished text, in which nothing can be left out.
 *
 * Nest orders them by module, the root first, and has no public way to say it differently. It reads the list when it registers the routes, right
 * after it has configured the middleware; that is when this runs.
 */
@Injectable()
export class InterceptorOrder {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly cache: CacheInterceptor,
    private readonly marker: RouteContextInterceptor,
  ) {}

  /** @throws CacheConfigError (`CACHE_CONFIG`) when Nest does not have the list where it is looked for */
  arrange(): void {
    const interceptors =
      (this.moduleRef as unknown as Inside).container?.applicationConfig?.getGlobalInterceptors() ??
      [];
    const { cache, marker } = this;
    if (!interceptors.includes(cache) || !interceptors.includes(marker)) {
      throw new CacheConfigError(
        'CacheInterceptor is not among the global interceptors of the application, so that it cannot be put before the others. Use a version of @nestjs/core that this package names as a peer.',
      );
    }
    // Whoever registers it once more by APP_INTERCEPTOR means this one.
    const others = interceptors.filter(
      (one) => !(one instanceof CacheInterceptor) && one !== marker,
    );
    const arranged = [
      ...others.filter(opensContext),
      cache,
      ...others.filter((one) => !opensContext(one)),
      marker,
    ];
    // In place: it is Nest's own list.
    interceptors.splice(0, interceptors.length, ...arranged);
  }
}

function opensContext(interceptor: NestInterceptor): boolean {
  return OPENS_CONTEXT.has(interceptor.constructor.name);
}
