import { expect, onTestFinished, TestRunner } from 'vitest';
import type { SharedBackend } from '../../lib/ports/shared-backend.js';
import { SimulatedLink } from './simulated-backend.js';
import type { Wired } from './wired-cache.js';

interface Checked {
  readonly wired: Wired;
  readonly backend: SharedBackend | undefined;
}

/** The caches of the tests that run, and what these tests hold, by test. */
const CACHES = new Map<string, Checked[]>();
const HELD = new Map<string, (() => void)[]>();

const NOTHING = { flights: 0, leases: 0, background: 0, journal: 0, listeners: 0 };
/** `close` settles within two seconds. */
const CLOSE_MS = 3_000;

/**
 * Closes the cache after the test that runs now, and checks that nothing of it is left: no flight,
 * lease, waiting call, background work, undelivered invalidation, listener or timer.
 */
export function expectNothingLeft(wired: Wired, backend: SharedBackend | undefined): void {
  const id = TestRunner.getCurrentTest()?.id ?? '';
  const known = CACHES.get(id);
  if (known !== undefined) {
    known.push({ wired, backend });
    return;
  }
  const caches = [{ wired, backend }];
  CACHES.set(id, caches);
  onTestFinished(async () => {
    CACHES.delete(id);
    for (const release of HELD.get(id) ?? []) release();
    HELD.delete(id);
    const clocks = [...new Set(caches.map(({ wired: { clock } }) => clock))];
    const closing = caches.map(({ wired: { cache } }) => cache.close());
    await Promise.all([...closing, ...clocks.map((clock) => clock.advance(CLOSE_MS))]);
    for (const checked of caches) expect(leftOf(checked), 'left after close').toEqual(NOTHING);
    const timers = clocks.reduce((sum, { pending }) => sum + pending, 0);
    expect(timers, 'timers that are left after close').toBe(0);
  });
}

/** Lets go of what the test still holds, before its caches are closed. */
export function beforeClosing(release: () => void): void {
  const id = TestRunner.getCurrentTest()?.id;
  if (id !== undefined) HELD.set(id, [...(HELD.get(id) ?? []), release]);
}

function leftOf({ wired: { engine, problems }, backend }: Checked): typeof NOTHING {
  const { flights, loads, leases, background, invalidator } = engine;
  // With the backend away they cannot be delivered; that has to be reported.
  const wasReported = problems.some((error) => String(error).includes('could not be delivered'));
  return {
    flights: flights.ownedBy(loads).length,
    leases: leases?.size ?? 0,
    background: background.size,
    journal: wasReported ? 0 : invalidator.pending,
    listeners: backend instanceof SimulatedLink ? backend.listenerCount : 0,
  };
}
