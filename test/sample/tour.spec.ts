import { afterAll, describe, expect, it } from 'vitest';
import { SampleProcess } from './support.js';

describe('the tour', () => {
  const running: SampleProcess[] = [];
  afterAll(() => Promise.all(running.map((process) => process.stop())));

  it('walks through everything, finds it as promised, and ends by itself', async () => {
    const tour = new SampleProcess('tour.mjs');
    running.push(tour);
    const { code } = await tour.exited;
    expect(tour.output).toContain('All as promised.');
    expect(code).toBe(0);
    expect(tour.output).toMatch(/ok +1,000 callers at once, one cold report .* 1 production\n/);
    expect(tour.output).toMatch(
      /ok +a posting, then at once the balances .* 20 of 20 saw the new balance\n/,
    );
    expect(tour.output).toMatch(/ok +Redis frozen: reports one by one .* 0 failures\n/);
    expect(tour.output).toMatch(/ok +Redis back +hits again after/);
  });

  it('shows how an invalidation crosses from one process to another, with an L1 and without', async () => {
    const tour = new SampleProcess('tour.mjs', {}, '--processes', '2');
    running.push(tour);
    const { code } = await tour.exited;
    expect(tour.output).toContain('All as promised.');
    expect(code).toBe(0);
    for (const mode of ['L1', 'no L1']) {
      expect(tour.output).toMatch(
        new RegExp(
          `ok +${mode}: 4 reports, twice in each of 2 processes .* 4 productions, then 0\\n`,
        ),
      );
      for (const way of ['HTTP', 'GraphQL']) {
        expect(tour.output).toMatch(
          new RegExp(
            `ok +${mode}, ${way}: 10 postings, each read at once in all processes .* 0 old reads`,
          ),
        );
        expect(tour.output).toMatch(
          new RegExp(
            `ok +${mode}, ${way}: 100 callers on 2 processes, one cold report .* 1 production\\n`,
          ),
        );
      }
    }
  });

  it.each([
    [['--processes', '0'], {}, "--processes must be a whole number from 1 to 8, but is '0'"],
    [['--processes', 'x'], {}, "--processes must be a whole number from 1 to 8, but is 'x'"],
    [['--proceses', '2'], {}, "Unknown option '--proceses'"],
    [
      ['--processes', '2'],
      { REDIS_SERVER_BIN: 'no-such-redis-server' },
      'REDIS_URL=redis://localhost:6379 npm run tour -- --processes 2',
    ],
  ])('says what to do about %j %j', async (args, env, message) => {
    const tour = new SampleProcess('tour.mjs', env, ...args);
    running.push(tour);
    expect((await tour.exited).code).toBe(1);
    expect(tour.output).toContain(message);
    expect(tour.output).not.toContain('    at ');
  });
});
