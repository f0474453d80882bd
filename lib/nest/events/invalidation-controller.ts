import {
  BadRequestException,
  Body,
  type CanActivate,
  Controller,
  HttpCode,
  Inject,
  Post,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { CacheService } from '../../core/cache.js';
import { CacheKey } from '../../core/key/key.js';
import type { InvalidateRequest, InvalidationResult, KeyLike } from '../../core/options/types.js';
import { CacheError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, isObject, parseOptions } from '../../ports/validate.js';
import { getCacheToken } from '../module/tokens.js';

export interface InvalidationEndpointOptions {
  /** The path that takes POST requests, for instance `'internal/cache/invalidations'`. */
  readonly path: string;
  /** Who may use it: a guard class or instance, or several that must all agree. Required. */
  readonly guard: Type<CanActivate> | CanActivate | readonly (Type<CanActivate> | CanActivate)[];
  /** The name of the cache. Default 'default'. */
  readonly cache?: string;
}

/** A key in the JSON of a request. */
interface KeyParts {
  readonly tenant?: string | number;
  readonly segment?: string | number;
  readonly params?: Readonly<Record<string, unknown>>;
}

const CHECKS = {
  path: is.that<string>("a path such as 'internal/cache'", is.isFilled),
  guard: is.that<InvalidationEndpointOptions['guard']>(
    'a guard class or instance, or an array of them: without one, ' +
      'anyone who reaches the endpoint can empty the cache',
    (given) =>
      Array.isArray(given) ? given.length > 0 : typeof given === 'function' || isObject(given),
  ),
  cache: is.cacheName,
} satisfies Checks<InvalidationEndpointOptions>;
const PARTS: ReadonlySet<string> = new Set(['tenant', 'segment', 'params']);

/**
 * An endpoint by which a command side in another process or language invalidates. There is none
 * unless the application adds it:
 *
 * ```ts
 * const invalidations = CacheInvalidationController.forRoot({ path: 'internal/cache', guard });
 *
 * @Module({ controllers: [invalidations] })
 * ```
 *
 * The body is what `cache.invalidate` takes, as JSON; a key is a string or
 * `{ tenant, segment, params }`. It answers 200 with `{ durable }` when the invalidation is
 * acknowledged, and 400 with a message for a body that names nothing.
 */
export const CacheInvalidationController = Object.freeze({
  /** @throws CacheConfigError (`CACHE_CONFIG`) without a path or a guard */
  forRoot(options: InvalidationEndpointOptions): Type {
    const { cache = 'default' } = parseOptions(options, CHECKS, {
      what: 'CacheInvalidationController.forRoot: the options',
      owner: 'CacheInvalidationController',
      example: "{ path: 'internal/cache', guard: InternalGuard }",
      prefix: 'CacheInvalidationController.forRoot: ',
      required: ['path', 'guard'],
    });
    @Controller(options.path)
    @UseGuards(...[options.guard].flat())
    class Invalidations {
      constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

      @Post()
      @HttpCode(200)
      async invalidate(@Body() body: unknown): Promise<InvalidationResult> {
        const service = this.moduleRef.get<CacheService>(getCacheToken(cache), { strict: false });
        try {
          return await service.invalidate(requestOf(body));
        } catch (error) {
          if (
            error instanceof CacheError &&
            (error.code === 'CACHE_CONFIG' || error.code === 'CACHE_KEY')
          ) {
            throw new BadRequestException(error.message);
          }
          throw error;
        }
      }
    }
    return Invalidations;
  },
});

function requestOf(body: unknown): InvalidateRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BadRequestException('Expected a JSON object with keys, tags, tenant or segment.');
  }
  const { keys, tags, tenant, segment, ...others } = body as Record<string, unknown>;
  if (keys !== undefined && !Array.isArray(keys))
    throw new BadRequestException(
      'keys must be a list of strings, or of { tenant, segment, params }.',
    );
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')))
    throw new BadRequestException('tags must be a list of strings.');
  if (!isPart(tenant)) throw new BadRequestException('tenant must be a string or a number.');
  if (!isPart(segment)) throw new BadRequestException('segment must be a string or a number.');
  return {
    ...others,
    ...(keys === undefined ? undefined : { keys: keys.map(keyOf) }),
    ...(tags === undefined ? undefined : { tags: tags }),
    ...(tenant === undefined ? undefined : { tenant }),
    ...(segment === undefined ? undefined : { segment: String(segment) }),
  };
}

function isPart(given: unknown): given is string | number | undefined {
  return given === undefined || typeof given === 'string' || typeof given === 'number';
}

function keyOf(given: unknown): KeyLike {
  if (typeof given === 'string') return given;
  if (
    typeof given !== 'object' ||
    given === null ||
    !Object.keys(given).every((name) => PARTS.has(name))
  ) {
    throw new BadRequestException(
      'A key must be a string, or an object of tenant, segment and params.',
    );
  }
  const { tenant, segment, params } = given as KeyParts;
  if (params !== undefined && (typeof params !== 'object' || (params as object | null) === null)) {
    throw new BadRequestException('The params of a key must be an object.');
  }
  const builder = CacheKey.builder();
  if (tenant !== undefined) builder.tenant(tenant);
  if (segment !== undefined) builder.segment(segment);
  return builder.params(params ?? {}).build();
}
