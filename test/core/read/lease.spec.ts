import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Background } from '../../../lib/core/observe/background.js';
import { Leases } from '../../../lib/core/read/lease.js';
import { Timeouts } from '../../../lib/core/read/timeouts.js';
import { emptyLookup } from '../../../lib/core/read/lookup.js';
import type { Marker } from '../../../lib/ports/groups.js';
import type { SharedBackend } from '../../../lib/ports/shared-backend.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { callOf, flightOf } from './support.js';

function setUp() {
  const clock = new FakeClock(0);
  const requests: string[] = [];
  const state = { isHeld: true };
  const backend: Pick<SharedBackend, 'renew' | 'release'> = {
    renew: async (key, token) => {
      requests.push(`renew ${key} ${token} at ${String(clock.now())}`);
      return state.isHeld;
    },
    release: async (key, token) => {
      requests.push(`release ${key} ${token}`);
    },
  };
  const background = new Background(() => undefined);
  const leases = new Leases(
    backend as SharedBackend,
    clock,
    3_000,
    background,
    new Timeouts(clock),
    'me',
  );
  return { clock, requests, state, leases };
}

const marker = (hard: number): Marker => ({ hard, soft: hard, settleUntil: 0, combinations: [] });

describe('a token', () => {
  it('is never the same twice, and tells whether it is of a method whose result is put', () => {
    const { leases } = setUp();
    const tokens = [leases.newToken(undefined), leases.newToken([7]), leases.newPutToken()];
    expect(new Set(tokens).size).toBe(3);
    expect(tokens.map((token) => leases.isPutToken(token))).toEqual([false, false, true]);
    expect(tokens.every((token) => token.startsWith('me.'))).toBe(true);
  });

  it('is overtaken by an invalidation after the ticks that its holder knew', () => {
    const { leases } = setUp();
    const call = callOf('k');
    const lookup = (hard: number) => ({
      ...emptyLookup(call, 'l2' as const, 0),
      scopes: [{ clock: hard, markers: [marker(hard)] }],
    });
    const token = leases.newToken([7]);
    expect(leases.isOvertaken(token, lookup(7))).toBe(false);
    expect(leases.isOvertaken(token, lookup(8))).toBe(true);
    expect(leases.isOvertaken(token, emptyLookup(call, 'l2', 0))).toBe(false);
    expect(leases.isOvertaken(leases.newToken([7, 7]), lookup(8))).toBe(false);
  });

  it('is never overtaken when it names no ticks', () => {
    const { leases } = setUp();
    const scopes = [{ clock: 9, markers: [marker(9)] }];
    const lookup = { ...emptyLookup(callOf('k'), 'l2' as const, 0), scopes };
    for (const token of [leases.newToken(undefined), leases.newPutToken()]) {
      expect(leases.isOvertaken(token, lookup)).toBe(false);
    }
  });
});

describe('a lease that is held', () => {
  it('is renewed every third of its time, until it is released', async () => {
    const { clock, leases, requests } = setUp();
    const flight = flightOf('k');
    flight.lease = 'L1';
    leases.startRenewal(flight);
    await clock.advance(2_500);
    expect(requests).toEqual(['renew k L1 at 1000', 'renew k L1 at 2000']);
    leases.release(flight);
    leases.release(flight);
    await clock.advance(5_000);
    expect(requests.slice(2)).toEqual(['release k L1']);
    expect([flight.lease, clock.pending]).toEqual([undefined, 0]);
  });

  it('is not renewed once it was used for a fill', async () => {
    const { clock, leases, requests } = setUp();
    const flight = flightOf('k');
    flight.lease = 'L1';
    leases.startRenewal(flight);
    flight.lease = undefined;
    await clock.advance(10_000);
    expect([requests, clock.pending]).toEqual([[], 0]);
  });

  it('and turns out to be lost, keeps further callers away from its load', async () => {
    const { clock, leases, state } = setUp();
    const [load, put] = [flightOf('k'), flightOf('k', { kind: 'put' })];
    for (const flight of [load, put]) {
      flight.lease = 'L1';
      leases.startRenewal(flight);
    }
    state.isHeld = false;
    await clock.advance(1_000);
    expect([load.joinable, load.storable, put.lease]).toEqual([false, true, undefined]);
    leases.release(load);
    leases.release(put);
    leases.timeouts.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('waiting for a lease of another process', () => {
  it('ends for everyone when it is released', async () => {
    const { clock, leases } = setUp();
    const woken: string[] = [];
    const waiting = ['a', 'b'].map((name) =>
      leases.waitForRelease('k', 9, 3_000).then(() => woken.push(name)),
    );
    leases.onReleased('other');
    await setImmediate();
    expect([woken, leases.size]).toEqual([[], 1]);
    leases.onReleased('k');
    await Promise.all(waiting);
    expect([woken, leases.size, clock.pending]).toEqual([['a', 'b'], 0, 0]);
  });

  it('ends after a growing pause when nobody tells of a release', async () => {
    const { clock, leases } = setUp();
    const pauses: number[] = [];
    for (let tries = 0; tries < 6; tries++) {
      const began = clock.now();
      let ended = 0;
      const waiting = leases.waitForRelease('k', tries, 3_000).then(() => (ended = clock.now()));
      while (ended === 0) await clock.advance(1);
      await waiting;
      pauses.push(ended - began);
    }
    const middles = [10, 20, 40, 80, 80, 80];
    pauses.forEach((pause, i) => {
      const middle = middles[i] ?? 0;
      expect(pause).toBeGreaterThanOrEqual(0.75 * middle);
      expect(pause).toBeLessThanOrEqual(1.25 * middle + 1);
    });
  });

  it('does not go on beyond the end of the lease', async () => {
    const { clock, leases } = setUp();
    const waiting = leases.waitForRelease('k', 9, 3);
    await clock.advance(5);
    await waiting;
    expect(leases.size).toBe(0);
  });
});
