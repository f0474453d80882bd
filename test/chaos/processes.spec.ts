import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis.js';
import type { Report } from './actor.js';
import { assertNoStale } from './checker.js';
import { connections, Fleet, leases } from './fleet.js';
import { figure, scaled, SEED } from './length.js';

const ROWS = 48;

describe('four processes and a healthy Redis', () => {
  let redis: RedisServer;
  let fleet: Fleet;
  beforeAll(async () => {
    [redis, fleet] = await Promise.all([startRedis(), Fleet.start(4)]);
  });
  afterAll(async () => {
    await Promise.all([redis.stop(), fleet.stop()]);
  });

  it.each([
    { what: 'without L1', l1: false, bound: 0, seconds: 3 },
    { what: 'with L1', l1: true, bound: 250, seconds: 3 },
  ])(
    'show nothing older than an acknowledged invalidation, $what, after $bound ms',
    async ({ what, l1, bound, seconds }) => {
      const connectionsBefore = await connections(redis);
      await fleet.open(ROWS, () => ({
        url: redis.url,
        cache: { namespace: `healthy ${what}`, l1 },
      }));
      await sleep(300);
      const reports = await fleet.all<'run'>(() => ({
        do: 'run',
        work: {
          ms: scaled(seconds * 1_000, 60_000),
          users: 12,
          producerMs: 10,
          pauseMs: 4,
          changes: 0.05,
          failures: 0.01,
          seed: SEED,
        },
      }));
      const verdict = await fleet.check(() => boundOn(reports, bound));
      const beyond = await fleet.check(() => bound);
      await sleep(300);
      const audit = await fleet.audit(ROWS);
      const closed = await fleet.all<'close'>(() => ({ do: 'close' }));
      figure(`4 processes ${what}`, {
        reads: verdict.reads,
        invalidations: verdict.invalidations,
        [`stale beyond ${String(bound)} ms`]: beyond.staleCount,
        'longest pause of a process ms': pauseOf(reports),
        'lag p50 ms': verdict.lagP50,
        'lag p99 ms': verdict.lagP99,
        'lag max ms': verdict.lagMax,
        'not monotonic': verdict.notMonotonic,
        'old in the audit': audit.old.length,
        'not durable': reports.reduce((sum, report) => sum + report.notDurable, 0),
        'slowest call ms': Math.max(...reports.map((report) => report.slowestMs)),
      });
      assertNoStale(verdict);
      expectSound(reports);
      expect(audit.old).toEqual([]);
      expect(audit.found).toBeGreaterThan(0);
      expect(fleet.unhandled).toEqual([]);
      for (const process of closed) {
        expect(process).toMatchObject({ flights: 0, journal: 0, background: 0, timers: 0 });
        expect(process.heapGrowthMb).toBeLessThan(10);
      }
      expect(await leases(redis)).toEqual([]);
      expect(await connections(redis)).toBe(connectionsBefore);
    },
  );

  it('tell each other of an invalidation while all of them read one row without rest', async () => {
    await fleet.open(ROWS, () => ({ url: redis.url, cache: { namespace: 'lag', l1: true } }));
    await sleep(300);
    const reports = await fleet.all<'run'>((index) => ({
      do: 'run',
      work: {
        ms: scaled(2_500, 20_000),
        users: 1,
        producerMs: 0,
        pauseMs: 1,
        changes: index === 0 ? 0.15 : 0,
        failures: 0,
        seed: SEED,
        rows: 4,
      },
    }));
    const verdict = await fleet.check(() => boundOn(reports, 250));
    const beyond = await fleet.check(() => 250);
    await fleet.all<'close'>(() => ({ do: 'close' }));
    figure('coherence lag of L1 in 4 processes', {
      'invalidations x processes': verdict.lags.length,
      'p50 ms': verdict.lagP50,
      'p99 ms': verdict.lagP99,
      'max ms': verdict.lagMax,
      'stale beyond 250 ms': beyond.staleCount,
      'longest pause of a process ms': pauseOf(reports),
    });
    assertNoStale(verdict);
    expect(verdict.lags.length).toBeGreaterThan(0);
  });
});

/**
 * A notice passes through three processes, each of which may get no processor for a while. Without
 * L1 nothing is waited for, so nothing is added.
 */
function boundOn(reports: readonly Report[], bound: number): number {
  return bound === 0 ? 0 : bound + 3 * pauseOf(reports);
}

function pauseOf(reports: readonly Report[]): number {
  return Math.max(...reports.map(({ pausedMs }) => pausedMs));
}

function expectSound(reports: readonly Report[]): void {
  for (const report of reports) expect(report).toMatchObject({ failed: 0, foreign: 0, errors: [] });
}
