import { tagsFromCallback } from '../../core/groups/groups.js';
import { RELOAD } from '../../core/options/call.js';
import { STATIC_OPTIONS } from '../../core/options/resolve-call.js';
import { CacheConfigError } from '../../ports/errors.js';
import { uriTag } from './cache-key.js';
import { RequestView } from './request-view.js';
import type { RequestContext } from './request-context.js';
import type { ResponseEntryOptions } from './response-cache.js';

/** Options whose tags depend on the request; they are computed when the cache reads them. */
export class RequestOptions implements ResponseEntryOptions {
  readonly [STATIC_OPTIONS]: ResponseEntryOptions;
  readonly [RELOAD]: boolean;
  readonly #context: RequestContext;
  #routeTags: readonly string[] | undefined;

  constructor(context: RequestContext, reload: boolean) {
    this[RELOAD] = reload;
    this[STATIC_OPTIONS] = context.route.cacheOptions;
    this.#context = context;
  }

  get tags(): readonly string[] {
    const { route, exchange } = this.#context;
    return route.tagsUri ? [...this.routeTags, uriTag(route, exchange)] : this.routeTags;
  }

  /** The tags that the route declares. */
  get routeTags(): readonly string[] {
    const { route, exchange } = this.#context;
    const declared = route.cacheOptions.tags ?? [];
    const { tags } = route.http;
    if (tags === undefined) return declared;
    try {
      return (this.#routeTags ??= [
        ...declared,
        ...tagsFromCallback(tags(new RequestView(exchange))),
      ]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new CacheConfigError(`http.tags of ${route.where} threw: ${message}`, {
        cause: error,
      });
    }
  }
}
