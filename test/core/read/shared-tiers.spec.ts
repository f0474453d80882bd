import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { CacheEvent } from '../../../lib/core/observe/events.js';
import { describeCache } from '../../support/describe-cache.js';
import { fleet } from '../../support/fleet.js';

describeCache(['shared', 'shared + L1'], ({ place }) => {
  it('makes what one process stores a hit of the others, and what it invalidates a miss', async () => {
    const { open: openHere } = place();
    const [first, second] = [openHere(), openHere()];
    await first.cache.getOrSet('k', () => 'v', { resultTags: () => ['t'] });
    await first.cache.drain();
    expect(await second.cache.getOrSet('k', () => 'never produced')).toBe('v');
    await first.cache.invalidate({ tags: ['t'] });
    expect(await second.cache.get('k')).toBeUndefined();
    await second.cache.set('k', 'new');
    expect(await first.cache.get('k')).toBe('new');
    await first.cache.delete('k');
    expect(await second.cache.get('k')).toBeUndefined();
  });
});

describe('a process whose backend is away', () => {
  it.each([false, true])('uses nothing that is stored, in L1 neither, L1: %s', async (l1) => {
    const { first } = fleet(3, l1);
    await first.cache.set('k', 'stored');
    first.link.change('down');
    expect([await first.cache.get('k'), await first.cache.getOrSet('k', () => 'made')]).toEqual([
      undefined,
      'made',
    ]);
    first.link.change('up');
    first.link.hearAgain('replay');
    await first.cache.drain();
    expect(first.cache.stats().cache_fills).toBe(0);
  });
});

describe('a process with L1', () => {
  it('answers from L1 without asking the backend, until it is told of an invalidation', async () => {
    const { steps, first, second } = fleet(3, true);
    await first.cache.set('k', 'old');
    expect(await second.cache.get('k')).toBe('old');
    steps.hold('p1: read');
    expect(await second.cache.get('k')).toBe('old');
    steps.release('p1: read');
    await first.cache.set('k', 'new');
    expect(await second.cache.get('k')).toBe('new');
    expect(second.cache.stats()).toMatchObject({ cache_hits: 3, cache_l1_hits: 1 });
  });

  it('does not answer from L1 while it may miss notices, and empties it after a gap', async () => {
    const { first, second } = fleet(3, true);
    const events: CacheEvent[] = [];
    second.cache.events.onProblem((event) => events.push(event));
    await first.cache.set('k', 'old');
    expect(await second.cache.get('k')).toBe('old');
    second.link.deafen();
    await first.cache.set('k', 'new');
    expect(await second.cache.get('k')).toBe('new');
    expect(second.memory.size).toBe(1);
    second.link.hearAgain('gap');
    expect([second.memory.size, events]).toEqual([
      0,
      [{ type: 'notices_missed', reason: 'simulated' }],
    ]);
    expect(await second.cache.get('k')).toBe('new');
  });

  it('does not keep in L1 what was invalidated while it was read', async () => {
    const { steps, first, second } = fleet(3, true);
    await first.cache.set('k', 'old', { tags: ['t'] });
    steps.hold('p1: read segment:k <');
    const reading = second.cache.get('k');
    await setImmediate();
    await first.cache.invalidate({ tags: ['t'] });
    steps.release('p1: read segment:k <');
    await reading;
    expect(second.memory.size).toBe(0);
    expect(await second.cache.get('k')).toBeUndefined();
  });
});

describe('stored bytes that cannot be read', () => {
  it('are a miss, are reported, and are replaced by the next load', async () => {
    const { server, first } = fleet(3);
    await first.cache.set('k', 'v', { ttl: '1h' });
    const until = Infinity;
    server.values.set('segment:k', { payload: 'garbage', until });
    expect(await first.cache.get('k')).toBeUndefined();
    expect([first.cache.stats().cache_corrupt, first.problems.length]).toEqual([1, 1]);
    expect(await first.cache.getOrSet('k', () => 'new')).toBe('new');
    await first.cache.drain();
    expect(await first.cache.get('k')).toBe('new');
  });

  it('are those of another key, whose name was shortened to the same', async () => {
    const { server, first } = fleet(3);
    await first.cache.set('k', 'v', { ttl: '1h' });
    const stored = server.values.get('segment:k');
    if (stored !== undefined) server.values.set('segment:l', stored);
    expect(await first.cache.get('l')).toBeUndefined();
    expect(String(first.problems[0])).toContain('The entry was stored for another key.');
  });
});

describe('markers that the backend has lost', () => {
  it('are made anew, and an entry is used again when the clock proves that nothing was invalidated', async () => {
    const { server, first } = fleet(3);
    await first.cache.set('k', 'v', { tags: ['t'], ttl: '1h' });
    server.markers.delete(' t:t');
    expect(await first.cache.get('k')).toBeUndefined();
    expect(await first.cache.getOrSet('k', () => 'never produced', { tags: ['t'] })).toBe('v');
    await first.cache.invalidate({ tags: ['u'] });
    server.markers.delete(' t:t');
    expect(await first.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
  });

  it('make the entries of their groups misses, because an invalidation may be lost with them', async () => {
    const { server, first } = fleet(3);
    await first.cache.set('k', 'v', { tags: ['t'], ttl: '1h' });
    await first.cache.invalidate({ tags: ['t'] });
    server.markers.delete(' t:t');
    expect(await first.cache.get('k')).toBeUndefined();
    expect(await first.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
    await first.cache.drain();
    expect(await first.cache.get('k')).toBe('new');
  });
});
