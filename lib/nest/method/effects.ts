import { defer, finalize, from, mergeAll, mergeMap, type Observable, toArray } from 'rxjs';
import type { Caches } from '../module/caches.js';
import { isBefore, refuseIdle, runEvict } from './evict.js';
import type { MethodCall } from './method-call.js';
import { PutEffect } from './put.js';

/**
 * Evictions before the method, puts and evictions after it has succeeded; its caller goes on when they are acknowledged.
 * @param running the method was started before this
 */
export async function withEffects(
  call: MethodCall,
  caches: Caches,
  run: () => unknown,
  running: boolean,
): Promise<unknown> {
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
export function observedWithEffects(
  call: MethodCall,
  caches: Caches,
  run: () => unknown,
  running: boolean,
): Observable<unknown> {
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

async function before(
  call: MethodCall,
  caches: Caches,
  running: boolean,
): Promise<PutEffect | undefined> {
  const { evict: evictions, put } = call.plan;
  for (const evict of evictions) if (!isBefore(evict)) refuseIdle(call, caches, evict);
  for (const evict of evictions) if (isBefore(evict)) await runEvict(call, caches, evict);
  return put === undefined ? undefined : PutEffect.begin(call, caches, running);
}

async function after(
  call: MethodCall,
  caches: Caches,
  put: PutEffect | undefined,
  result: unknown,
): Promise<void> {
  await put?.keep(result);
  for (const evict of call.plan.evict)
    if (evict.timing !== 'before') await runEvict(call, caches, evict);
}
