import { describe, expect, it } from 'vitest';
import { isPromise } from '../../../lib/core/read/tiers.js';
import { CONFIGURATIONS, describeCache } from '../../support/describe-cache.js';
import { callOf, entryOf, flightOf } from './support.js';

describe('an answer of the tiers', () => {
  it('has to be waited for when it is a promise, and is there when it is anything else', () => {
    const value = {
      then: (resolve: (one: number) => void) => {
        resolve(1);
      },
    };
    for (const answer of [undefined, 'stored', false, {}, value]) {
      expect(isPromise<unknown>(answer)).toBe(false);
    }
    expect(isPromise(Promise.resolve())).toBe(true);
  });
});

describeCache(CONFIGURATIONS, ({ configuration, open }) => {
  const isInMemory = configuration.startsWith('memory');

  function setUp() {
    const { cache, clock, engine } = open();
    const until = clock.now() + 100;
    const ends = { freshUntil: until, staleUntil: until, fallbackUntil: until };
    const entry = entryOf({ createdAt: clock.now(), ...ends });
    return { cache, entry, tiers: engine.tiers };
  }

  it('answers at once where nothing has to be waited for: in memory, and for what is in L1', async () => {
    const { cache, entry, tiers } = setUp();
    const first = tiers.lookup(callOf('k'), false);
    const flight = flightOf('k');
    const lease = tiers.lease(flight, await first);
    const permit = await lease;
    const store = tiers.store(flight, { ...entry, startTicks: flight.startTicks }, undefined);
    expect(await store).toBe('stored');
    const second = tiers.lookup(callOf('k'), false);
    expect(await second).toMatchObject({ freshness: 'fresh' });
    await cache.drain();
    expect(permit).toBeUndefined();
    expect([first, lease, store, second].map((answer) => isPromise<unknown>(answer))).toEqual([
      !isInMemory,
      !isInMemory,
      !isInMemory,
      !isInMemory && configuration !== 'shared + L1',
    ]);
  });

  it('gives up what a production took, however often it is told to, so that the next one may store', async () => {
    const { cache, entry, tiers } = setUp();
    const given = flightOf('k');
    await tiers.lease(given, await tiers.lookup(given.call, false));
    for (let i = 0; i < 2; i++) tiers.release(given);
    await cache.drain();
    const next = flightOf('k');
    expect(await tiers.lease(next, await tiers.lookup(next.call, false))).toBeUndefined();
    const own = { ...entry, startTicks: next.startTicks };
    expect(await tiers.store(next, own, undefined)).toBe('stored');
    await cache.drain();
  });

  it('stores nothing of a production that an invalidation has detached', async () => {
    const { cache, entry, tiers } = setUp();
    const flight = flightOf('k');
    await tiers.lease(flight, await tiers.lookup(flight.call, false));
    flight.detach();
    expect([tiers.mayStillStore(flight, await tiers.lookup(flight.call, true))]).toEqual([
      configuration.startsWith('shared'),
    ]);
    const own = { ...entry, startTicks: flight.startTicks };
    expect(await tiers.store(flight, own, undefined)).toBe('refused');
    tiers.release(flight);
    await cache.drain();
    expect(await tiers.lookup(flight.call, false)).toMatchObject({ value: undefined });
  });
});
