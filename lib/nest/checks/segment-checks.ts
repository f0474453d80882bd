import { Inject, Injectable, type Type } from '@nestjs/common';
import { CacheConfigError } from '../../ports/errors.js';
import { handlerMetadataOf, methodsOf } from '../decorators/find-metadata.js';
import {
  cachesValueOnly,
  classMetadataOf,
  declaredKey,
  isRoute,
  type MethodMetadata,
} from '../decorators/metadata.js';
import { HTTP_CACHE_SOURCE, type HttpCacheSource } from '../http/response-cache.js';
import { CACHED_METHODS } from '../http/routes.js';
import { type SegmentOwner, valueOwner } from '../method/segments.js';
import { CacheRegistry } from '../module/registry.js';
import type { Provided } from './alike.js';
import { isShortened } from './shortened-names.js';

/** That each segment belongs to one method, of one class and of instances that are alike. */
@Injectable()
export class SegmentChecks {
  constructor(
    private readonly registry: CacheRegistry,
    @Inject(HTTP_CACHE_SOURCE) private readonly source: HttpCacheSource,
  ) {}

  /**
   * @param method undefined when the class overrides it
   * @throws CacheConfigError (`CACHE_CONFIG`) when another method has its segment
   */
  checkMethod(
    metadata: MethodMetadata,
    method: object | undefined,
    host: Type,
    provided: Provided,
  ): void {
    const { cacheable, noCache } = metadata;
    if (cacheable === undefined || noCache) return;
    const isResponse = method !== undefined && isRoute(method) && !cachesValueOnly(metadata);
    // What `useExisting` names is a provider itself.
    if (isResponse || provided.isAlias) return;
    const owner = valueOwner(metadata, host, provided);
    this.registry.segments.reserve(owner);
    const key = declaredKey(metadata);
    // A key function that mentions a segment names it itself.
    const namesSegment =
      typeof key === 'string' || (typeof key === 'function' && String(key).includes('segment'));
    if (cacheable.name === undefined && !namesSegment) this.#checkClassName(owner);
  }

  /**
   * The routes of a controller whose responses are cached.
   * @throws CacheConfigError (`CACHE_CONFIG`) when a segment belongs to another route
   */
  checkRoutes(host: Type): void {
    for (const [name, method] of methodsOf(host)) {
      if (!CACHED_METHODS.includes(Reflect.getMetadata('method', method))) continue;
      const options = this.source.routeOptions(host, method);
      if (options === undefined || options.changes === true || options.key !== undefined) continue;
      const metadata = handlerMetadataOf(host, method);
      const { cache, segment } = options;
      const owner: SegmentOwner = {
        kind: 'response',
        cache,
        segment,
        host,
        declared: metadata ?? method,
        method: String(name),
        hasInstanceKey: false,
      };
      this.registry.segments.reserve(owner);
      if (metadata?.cacheable?.name === undefined) this.#checkClassName(owner);
    }
  }

  /**
   * A minifier gives the class another name in the next build, perhaps that of another class today.
   * @throws CacheConfigError (`CACHE_CONFIG`) where two builds could find entries of each other
   */
  #checkClassName({ cache, segment, host, method }: SegmentOwner): void {
    const { name } = host;
    if (classMetadataOf(host)?.cacheable?.name !== undefined || !isShortened(name)) return;
    const problem =
      `${name}.${method} is cached with the segment ${JSON.stringify(segment)}, but the name of ` +
      'its class seems to have been shortened by a minifier';
    const advice =
      "Give it a name that stays: @Cacheable({ name: 'Accounts.find' }); or keep the names of " +
      'classes (keep_classnames of terser, keepNames of esbuild).';
    if (this.registry.isShared(cache)) {
      throw new CacheConfigError(
        `${problem}: another build may give this name to another class, and would answer with ` +
          `what is stored of this one. ${advice}`,
      );
    }
    this.registry.warnOnce(
      'shortened names',
      `${problem}: an invalidation of the segment by the name in the source code reaches ` +
        `nothing. ${advice}`,
    );
  }
}
