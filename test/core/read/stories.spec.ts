import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deferred, fleet, memory } from '../../support/fleet.js';
import type { Wired } from '../../support/wired-cache.js';

/** The steps that calls take from now on, as a numbered list. */
function storyOf({ engine }: Wired): () => string {
  const steps: string[] = [];
  engine.reporter.onStep = (step) => steps.push(step);
  return () => `\n${steps.map((step, i) => `${String(i + 1)}. ${step}`).join('\n')}\n`;
}

const down = () => Promise.reject(new Error('the database is away'));

describe('the story of a call', () => {
  it('is short when the value is in memory', async () => {
    const wired = memory();
    await wired.cache.set('k', 'v');
    const story = storyOf(wired);
    await wired.cache.getOrSet('k', () => 'new');
    expect(story()).toMatchInlineSnapshot(`
      "
      1. hit in memory
      "
    `);
  });

  it('looks up, produces and stores when memory has nothing', async () => {
    const wired = memory();
    const story = storyOf(wired);
    await wired.cache.getOrSet('k', () => 'v');
    await wired.cache.drain();
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: nothing in l1
      2. produce
      3. store: stored
      4. answer: miss
      "
    `);
  });

  it('joins a load that runs already', async () => {
    const wired = memory();
    const { promise, resolve } = deferred<string>();
    const first = wired.cache.getOrSet('k', () => promise);
    const story = storyOf(wired);
    const second = wired.cache.getOrSet('k', () => 'never produced');
    resolve('v');
    expect(await Promise.all([first, second])).toEqual(['v', 'v']);
    expect(story()).toMatchInlineSnapshot(`
      "
      1. join the running flight
      2. store: stored
      3. answer: miss
      4. answer: joined
      "
    `);
  });

  it('asks a shared backend once for a hit', async () => {
    const { first, second } = fleet(3);
    await first.cache.set('k', 'v');
    const story = storyOf(second);
    expect(await second.cache.getOrSet('k', () => 'new')).toBe('v');
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: fresh in l2
      2. answer: hit
      "
    `);
  });

  it('takes the lease in a shared backend before it produces', async () => {
    const { first } = fleet(3);
    const story = storyOf(first);
    await first.cache.getOrSet('k', () => 'v');
    await first.cache.drain();
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: nothing in l2
      2. take the lease
      3. produce
      4. answer: miss
      5. store: stored
      "
    `);
  });

  it('waits for the process that has the lease, and takes what it has stored', async () => {
    const { clock, first, second } = fleet(3);
    const { promise, resolve } = deferred<string>();
    const producing = first.cache.getOrSet('k', () => promise);
    await clock.advance(1);
    const story = storyOf(second);
    const waiting = second.cache.getOrSet('k', () => 'never produced');
    await clock.advance(5);
    resolve('v');
    await clock.advance(200);
    expect(await Promise.all([producing, waiting])).toEqual(['v', 'v']);
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: nothing in l2
      2. wait for the lease of another process
      3. found by the second lookup
      4. answer: miss
      "
    `);
  });

  it('answers with a stale value at once, and refreshes it in the background', async () => {
    const wired = memory({ staleWhileRevalidate: '1m' });
    await wired.cache.getOrSet('k', () => 'old');
    await wired.clock.advance(2_000);
    const story = storyOf(wired);
    expect(await wired.cache.getOrSet('k', async () => 'new')).toBe('old');
    await wired.cache.drain();
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: stale in l1
      2. refresh in the background
      3. produce
      4. answer: stale
      5. store: stored
      "
    `);
  });

  it('falls back to a stale value when the producer fails', async () => {
    const wired = memory({ staleIfError: '1m' });
    await wired.cache.getOrSet('k', () => 'old');
    await wired.clock.advance(2_000);
    const story = storyOf(wired);
    expect(await wired.cache.getOrSet('k', down)).toBe('old');
    expect(await wired.cache.getOrSet('k', down)).toBe('old');
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: fallback in l1
      2. produce
      3. the producer fails
      4. answer: fallback
      5. look up: fallback in l1
      6. answer: fallback
      "
    `);
  });

  it('does not wait longer than the soft timeout when a stale value can answer', async () => {
    const wired = memory({ staleIfError: '1m', producerTimeout: { soft: 100 } });
    await wired.cache.getOrSet('k', () => 'old');
    await wired.clock.advance(2_000);
    const story = storyOf(wired);
    const { promise, resolve } = deferred<string>();
    const asked = wired.cache.getOrSet('k', () => promise);
    await wired.clock.advance(100);
    expect(await asked).toBe('old');
    resolve('new');
    await wired.cache.drain();
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: fallback in l1
      2. produce
      3. soft timeout
      4. answer: stale
      5. store: stored
      "
    `);
  });

  it('does not store what an invalidation has overtaken', async () => {
    const wired = memory();
    const story = storyOf(wired);
    const { promise, resolve } = deferred<string>();
    const asked = wired.cache.getOrSet('k', () => promise);
    await wired.cache.delete('k');
    resolve('old');
    expect(await asked).toBe('old');
    expect(await wired.cache.get('k')).toBeUndefined();
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: nothing in l1
      2. produce
      3. do not store
      4. answer: miss
      "
    `);
  });

  it('is refused by the backend what another process has invalidated without its knowing', async () => {
    const { clock, first, second } = fleet(3);
    const story = storyOf(first);
    const { promise, resolve } = deferred<string>();
    const asked = first.cache.getOrSet('k', () => promise);
    await clock.advance(1);
    first.link.deafen();
    await second.cache.delete('k');
    resolve('old');
    expect(await asked).toBe('old');
    await first.cache.drain();
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: nothing in l2
      2. take the lease
      3. produce
      4. answer: miss
      5. store: refused
      "
    `);
  });

  it('goes on without a backend that is away, and stores nothing', async () => {
    const { first } = fleet(3);
    first.link.change('down');
    const story = storyOf(first);
    expect(await first.cache.getOrSet('k', () => 'v')).toBe('v');
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: the backend is away
      2. produce, not to be stored
      3. do not store
      4. answer: miss
      "
    `);
  });

  it('finds by the second lookup what another process has stored meanwhile', async () => {
    const { steps, first, second } = fleet(3);
    const story = storyOf(first);
    // The first answer, that there is nothing, arrives late.
    steps.hold('p0: read segment:k <');
    const asked = first.cache.getOrSet('k', () => 'never produced');
    await setImmediate();
    await second.cache.getOrSet('k', () => 'v');
    await second.cache.drain();
    steps.release('p0: read segment:k <');
    expect(await asked).toBe('v');
    expect(story()).toMatchInlineSnapshot(`
      "
      1. look up: nothing in l2
      2. found by the second lookup
      3. answer: miss
      "
    `);
  });
});
