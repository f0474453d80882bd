import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BackendError } from '../../../lib/ports/errors.js';
import type { SharedBackend } from '../../../lib/ports/shared-backend.js';
import { deferred, fleet } from '../../support/fleet.js';
import type { SimulatedLink } from '../../support/simulated-backend.js';

/** Lets the next call of a method fail at once. */
function failNext(link: SimulatedLink, method: 'lease' | 'read' | 'ensure'): void {
  const target = link as Partial<Record<keyof SharedBackend, unknown>>;
  target[method] = () => {
    // That of the class again.
    Reflect.deleteProperty(link, method);
    return Promise.reject(
      new BackendError('TIMEOUT', `${method} failed`, { unknownOutcome: true }),
    );
  };
}

describe('a load that takes a lease', () => {
  it('produces without storing when it cannot have the lease for as long as it may wait', async () => {
    const { clock, first, second } = fleet(3, false, { lease: { wait: 500 } });
    const { promise, resolve } = deferred<string>();
    const holding = first.cache.getOrSet('k', () => promise);
    await clock.advance(1);
    const waiting = second.cache.getOrSet('k', () => 'alone');
    await clock.advance(1_000);
    expect(await waiting).toBe('alone');
    resolve('stored');
    await holding;
    await first.cache.drain();
    expect(await second.cache.get('k')).toBe('stored');
    expect(second.cache.stats().cache_fills).toBe(0);
  });

  it('takes the lease of a load over that an invalidation has overtaken', async () => {
    const { clock, first, second } = fleet(3);
    // Ticks are known once the markers exist.
    await first.cache.getOrSet('other', () => 1, { tags: ['t'] });
    await first.cache.drain();
    const { promise, resolve } = deferred<string>();
    const overtaken = first.cache.getOrSet('k', () => promise, { tags: ['t'] });
    await clock.advance(1);
    await second.cache.invalidate({ tags: ['t'] });
    expect(await second.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    resolve('old');
    expect(await overtaken).toBe('old');
    await Promise.all([first.cache.drain(), second.cache.drain()]);
    expect(await first.cache.get('k')).toBe('new');
  });

  it('leaves a refresh to the process that has begun it', async () => {
    const { clock, first, second } = fleet(3, false, { staleWhileRevalidate: '1m' });
    await first.cache.getOrSet('k', () => 'old');
    await first.cache.drain();
    await clock.advance(1_500);
    const { promise, resolve } = deferred<string>();
    expect(await first.cache.getOrSet('k', () => promise)).toBe('old');
    await clock.advance(1);
    expect(await second.cache.getOrSet('k', () => 'never produced')).toBe('old');
    await second.cache.drain();
    expect(second.cache.stats()).toMatchObject({ cache_refreshes: 1, cache_productions: 0 });
    resolve('new');
    await first.cache.drain();
    expect(await second.cache.get('k')).toBe('new');
  });

  it.each(['lease', 'read', 'ensure'] as const)(
    'produces without storing when its %s fails, and leaves no lease and no unhandled rejection',
    async (method) => {
      const { clock, server, steps, first } = fleet(3);
      steps.hold('p0: read segment:k <');
      const asked = first.cache.getOrSet('k', () => 'v', { tags: ['t'] });
      await setImmediate();
      failNext(first.link, method);
      // The others are still under way when the one fails.
      steps.hold('p0:');
      steps.letPass('p0: read segment:k <');
      steps.release('p0: read segment:k <');
      await setImmediate();
      steps.release('p0:');
      expect(await asked).toBe('v');
      await first.cache.drain();
      await clock.advance(1);
      expect([...server.leases.keys()].filter((key) => server.leaseOn(key) !== undefined)).toEqual(
        [],
      );
      expect(await first.cache.get('k')).toBeUndefined();
      expect(first.cache.stats().cache_fills).toBe(0);
    },
  );
});
