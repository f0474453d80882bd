import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { play, stories } from '../support/schedule.js';

/*
 * fast-check's scheduler decides in which order the steps of the backend, of the producers and of
 * the notices take effect; the caches are the real engine. What has to hold whatever the order is
 * judged in test/support/world.ts.
 *
 *   RACE_RUNS=100000    schedules to explore in all (default 4,000; `npm run test:soak` 120,000)
 *   RACE_SEED=...       the seed that a failure printed
 */

const RUNS = Number(process.env.RACE_RUNS ?? 4_000);
const SEED =
  process.env.RACE_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.RACE_SEED);
const figures = { schedules: 0, reads: 0, stale: 0 };

describe('the schedules', () => {
  for (const [where, scene, share] of [
    ['memory', 'calm', 0.25],
    ['shared', 'calm', 0.35],
    ['shared', 'faults', 0.4],
  ] as const) {
    it(`the schedules keep the promise in ${where === 'memory' ? 'memory' : 'several processes at one server'}${scene === 'calm' ? '' : ' with faults and losses'}`, async () => {
      await fc.assert(
        fc.asyncProperty(stories(where, scene), fc.scheduler(), async (story, scheduler) => {
          const world = await play(story, scheduler);
          figures.schedules++;
          figures.reads += world.reads;
          figures.stale += world.violations.length;
          if (world.violations.length > 0) expect(world.violations).toEqual([]);
        }),
        {
          numRuns: Math.ceil(RUNS * share),
          seed: SEED,
          endOnFailure: process.env.RACE_SHRINK === undefined,
        },
      );
    }, 3_600_000);
  }

  afterAll(() => {
    console.log(
      `schedules explored: ${String(figures.schedules)}, reads judged: ${String(figures.reads)}, violations: ${String(figures.stale)}, seed: ${String(SEED)}`,
    );
  });
});
