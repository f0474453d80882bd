import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deferred, fleet } from '../support/fleet.js';

const tagged = { tags: ['t'] };

describe('the lease of a load', () => {
  it('comes with ticks that are newer than an invalidation between the first look and the lease', async () => {
    const { steps, first, second } = fleet(3);
    await second.cache.getOrSet('k', () => 'old', tagged);
    await second.cache.delete('k');
    // Until p0 is notified, only the ticks tell that the look after the lease was the later one.
    steps.hold('notice to p0');
    steps.hold('p0: lease segment:k >');
    const loading = first.cache.getOrSet('k', () => 'new', tagged);
    await setImmediate();
    await second.cache.invalidate({ tags: ['t'] });
    steps.release('p0: lease segment:k >');
    expect(await loading).toBe('new');
    await first.cache.drain();
    expect(await second.cache.getOrSet('k', () => 'produced again', tagged)).toBe('new');
  });

  it('is taken over from a load of another process that an invalidation has overtaken', async () => {
    const { first, second, third } = fleet(3);
    await second.cache.getOrSet('k', () => 'old', tagged);
    await second.cache.delete('k');
    const production = deferred<string>();
    const overtaken = first.cache.getOrSet('k', () => production.promise, tagged);
    await setImmediate();
    await second.cache.invalidate({ tags: ['t'] });
    expect(await third.cache.getOrSet('k', () => 'new', tagged)).toBe('new');
    await third.cache.drain();
    production.resolve('old');
    expect(await overtaken).toBe('old');
    await first.cache.drain();
    expect(await second.cache.getOrSet('k', () => 'produced again', tagged)).toBe('new');
  });

  it('that is taken over comes with ticks from after the take-over', async () => {
    const { steps, first, second, third } = fleet(3);
    await second.cache.getOrSet('k', () => 'old', tagged);
    await second.cache.delete('k');
    const production = deferred<string>();
    const overtaken = first.cache.getOrSet('k', () => production.promise, tagged);
    await setImmediate();
    await second.cache.invalidate({ tags: ['t'] });
    // Until p2 is notified, only the ticks tell that the look after the take-over was the later
    // one.
    steps.hold('notice to p2');
    steps.hold('p2: lease segment:k <');
    const loading = third.cache.getOrSet('k', () => 'new', tagged);
    await setImmediate();
    steps.hold('p2: lease segment:k >');
    steps.release('p2: lease segment:k <');
    await setImmediate();
    await second.cache.invalidate({ tags: ['t'] });
    steps.release('p2: lease segment:k >');
    expect(await loading).toBe('new');
    await third.cache.drain();
    expect(await second.cache.getOrSet('k', () => 'produced again', tagged)).toBe('new');
    production.resolve('old');
    expect(await overtaken).toBe('old');
  });

  it('is given back at once when the second look has found a value', async () => {
    const { steps, server, first, second } = fleet(3);
    steps.hold('p0: lease segment:k >');
    const late = first.cache.getOrSet('k', () => 'produced again');
    await setImmediate();
    expect(await second.cache.getOrSet('k', () => 'made once')).toBe('made once');
    await second.cache.drain();
    steps.release('p0: lease segment:k >');
    expect(await late).toBe('made once');
    await first.cache.drain();
    expect(server.leases.size).toBe(0);
  });
});
