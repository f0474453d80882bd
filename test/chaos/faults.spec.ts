import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RedisServer, startRedis, until } from '../support/redis.js';
import { assertNoStale } from './checker.js';
import { faultsOf, trouble } from './faults.js';
import { connections, Fleet, leases } from './fleet.js';
import { figure, scaled, SEED } from './length.js';
import { seeded } from './random.js';

const ROWS = 48;
/** An L1 that cannot prove that it hears is not trusted for longer than this. */
const BOUND_MS = 3_000;

describe('four processes while Redis and the way to it break again and again', () => {
  let redis: RedisServer;
  let proxy: FaultProxy;
  let fleet: Fleet;
  beforeAll(async () => {
    redis = await startRedis();
    [proxy, fleet] = await Promise.all([startFaultProxy(redis.port), Fleet.start(4)]);
  });
  afterAll(async () => {
    await fleet.stop();
    await proxy.close();
    await redis.stop();
  });

  it('show nothing older than an acknowledged invalidation beyond 3 s, fail no call, and keep nothing old', async () => {
    const connectionsBefore = await connections(redis);
    // With L1 and without; two of them reach Redis directly and go on invalidating while the others
    // are cut off.
    await fleet.open(ROWS, (index) => ({
      url: index < 2 ? proxy.url : redis.url,
      cache: { namespace: 'faults', l1: index % 2 === 0, lease: { ttl: 1_000, wait: 3_000 } },
    }));
    const ms = scaled(10_000, 60_000);
    const acting = fleet.all<'run'>(() => ({
      do: 'run',
      work: {
        ms: ms + 2_000,
        users: 12,
        producerMs: 10,
        pauseMs: 6,
        changes: 0.04,
        failures: 0.01,
        seed: SEED,
      },
    }));
    const counts = await trouble(faultsOf(redis, proxy, scaled(1_500, 5_000)), seeded(SEED), ms, {
      least: scaled(100, 500),
      most: scaled(500, 2_500),
    });
    const reports = await acting;
    proxy.pass();
    const healed = performance.now();
    await until(
      async () =>
        (await fleet.all<'state'>(() => ({ do: 'state' }))).every(
          ({ stats }) => stats.journal === 0,
        ),
      'the journal',
    );
    const replayMs = performance.now() - healed;
    await sleep(BOUND_MS);
    // what everybody fills now, and what was left from before, is compared
    await fleet.all<'run'>(() => ({
      do: 'run',
      work: {
        ms: 1_000,
        users: 12,
        producerMs: 4,
        pauseMs: 4,
        changes: 0,
        failures: 0,
        seed: SEED + 1,
      },
    }));
    const audit = await fleet.audit(ROWS);
    const states = await fleet.all<'state'>(() => ({ do: 'state' }));
    const verdict = await fleet.check(() => BOUND_MS);
    const without = await fleet.check((process) => (process % 2 === 0 ? BOUND_MS : 0));
    const left = await leases(redis);
    const closed = await fleet.all<'close'>(() => ({ do: 'close' }));
    const sum = (of: (report: (typeof reports)[number]) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    figure('4 processes under faults', {
      faults: Object.values(counts).reduce((a, b) => a + b, 0),
      reads: verdict.reads,
      invalidations: verdict.invalidations,
      'not durable': sum((report) => report.notDurable),
      replayed: states.reduce((total, { events }) => total + (events.journal_replayed ?? 0), 0),
      'stale beyond 3 s': verdict.staleCount,
      'stale at once without L1': without.staleCount,
      'failed calls': sum((report) => report.failed),
      'slowest call ms': Math.max(...reports.map((report) => report.slowestMs)),
      'p99 ms': Math.max(...reports.map((report) => report.p99Ms)),
      'journal empty after ms': replayMs,
      'old in the audit': audit.old.length,
      'found in the audit': audit.found,
    });
    if (without.staleCount > 0) console.log(without.stale.slice(0, 5));
    assertNoStale(verdict);
    expect(audit.old).toEqual([]);
    expect(audit.found).toBeGreaterThan(0);
    for (const report of reports)
      expect(report).toMatchObject({ failed: 0, foreign: 0, errors: [] });
    expect(fleet.unhandled).toEqual([]);
    expect(left).toEqual([]);
    for (const process of closed) {
      expect(process).toMatchObject({ flights: 0, journal: 0, background: 0, timers: 0 });
      expect(process.heapGrowthMb).toBeLessThan(10);
    }
    await until(
      async () => (await connections(redis)) === connectionsBefore,
      'the end of all connections',
    );
  });
});
