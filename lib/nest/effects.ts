import { defer, finalize, from, mergeAll, mergeMap, type Observable, toArray } from 'rxjs';
import type { InvalidateRequest } from '../core/types.js';
import type { Caches } from './caches.js';
import type { CacheEvictOptions } from './decorator-options.js';
import { cacheNamed, fromArguments, guarded, type MethodCall } from './method-call.js';
import { methodKey } from './method-key.js';
import { PutEffect } from './put-effect.js';

/**
 * Evictions before the method, puts and evictions after it has succeeded; its caller goes on when they are acknowledged.
 * @param running the method was started before this
 */
export async function withEffects(call: MethodCall, caches: Caches, run: () => unknown, running: boolean): Promise<unknown> {
  const put = await before(call, caches, running);
  try {
    const result: unknown = await run();
    await after(call, caches, put, result);
    return result;
  } finally {
    put?.end();
  }
}

/** As `withEffects`. A stream has succeeded when it completes: its values come after that. */
export function observedWithEffects(call: MethodCall, caches: Caches, run: () => unknown, running: boolean): Observable<unknown> {
  return defer(() => {
    let put: PutEffect | undefined;
    let over = false;
    const ready = before(call, caches, running).then((begun) => {
      put = begun;
      if (over) put?.end();
    });
    return from(ready).pipe(
      mergeMap(() => run() as Observable<unknown>),
      toArray(),
      mergeMap(async (values) => {
        await after(call, caches, put, values.at(-1));
        return values;
      }),
      mergeAll(),
      finalize(() => {
        over = true;
        put?.end();
      }),
    );
  });
}

async function before(call: MethodCall, caches: Caches, running: boolean): Promise<PutEffect | undefined> {
  for (const evict of call.plan.evict) if (evict.timing === 'before' || evict.timing === 'both') await runEvict(call, caches, evict);
  return call.plan.put === undefined ? undefined : PutEffect.begin(call, caches, running);
}

async function after(call: MethodCall, caches: Caches, put: PutEffect | undefined, result: unknown): Promise<void> {
  await put?.keep(result);
  for (const evict of call.plan.evict) if (evict.timing !== 'before') await runEvict(call, caches, evict);
}

async function runEvict(call: MethodCall, caches: Caches, evict: CacheEvictOptions): Promise<void> {
  const { args, plan } = call;
  const cache = cacheNamed(evict.cache, plan, caches);
  if (cache === undefined) return;
  // Rather once too often than not at all.
  if (evict.when !== undefined && !guarded(call, caches, 'when', () => evict.when?.(...args), true)) return;
  // What it throws is the caller's to know: in silence the old values would stay.
  const request = requestOf(call, evict);
  if (evict.allEntries !== true) await cache.invalidate(request);
  else await cache.clear(request.tenant === undefined ? undefined : { tenant: request.tenant });
}

function requestOf({ plan, args }: MethodCall, evict: CacheEvictOptions): InvalidateRequest {
  const { match, mode, settle } = evict;
  const keys = [...(fromArguments(evict.keys, args) ?? [])];
  const maker = evict.key ?? (namesOther(evict) ? undefined : plan.key);
  if (maker !== undefined) keys.push(methodKey(maker, undefined, args));
  const tags = fromArguments(evict.tags, args);
  const segment = fromArguments(evict.segment, args);
  const tenant = fromArguments(evict.tenant, args);
  return {
    ...(keys.length === 0 ? undefined : { keys }),
    ...(tags === undefined ? undefined : { tags }),
    ...(segment === undefined ? undefined : { segment }),
    ...(tenant === undefined ? undefined : { tenant }),
    ...(match === undefined ? undefined : { match }),
    ...(mode === undefined ? undefined : { mode }),
    ...(settle === undefined ? undefined : { settle }),
  };
}

/** Does the eviction say what it means, without `@CacheKey`? */
export function namesOther({ key, keys, tags, segment, allEntries }: CacheEvictOptions): boolean {
  return key !== undefined || keys !== undefined || tags !== undefined || segment !== undefined || allEntries === true;
}
