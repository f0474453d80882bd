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
    expect(tour.output).toMatch(/ok +a posting, then at once the balances .* 20 of 20 saw the new balance\n/);
    expect(tour.output).toMatch(/ok +Redis frozen: reports one by one .* 0 failures\n/);
    expect(tour.output).toMatch(/ok +Redis back +hits again after/);
  });
});
