import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../lib/testing.js';

describe('FakeClock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new FakeClock(1_000);
    expect(clock.now()).toBe(1_000);
    await clock.advance(250);
    expect(clock.now()).toBe(1_250);
  });

  it('runs what is due in order of time, then of making, each at its own moment', async () => {
    const clock = new FakeClock(0);
    const ran: string[] = [];
    const note = (name: string) => () => void ran.push(`${name}@${String(clock.now())}`);
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(30, note('d'));
    clock.after(20, note('b'));
    clock.after(31, note('later'));
    await clock.advance(30);
    expect(ran).toEqual(['a@10', 'b@20', 'c@30', 'd@30']);
    expect([clock.pending, clock.now()]).toEqual([1, 30]);
  });

  it('lets promises settle between two timers', async () => {
    const clock = new FakeClock(0);
    const ran: string[] = [];
    clock.after(1, () => {
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve();
        ran.push('all that followed from the first');
      })();
    });
    clock.after(2, () => void ran.push('second'));
    await clock.advance(2);
    expect(ran).toEqual(['all that followed from the first', 'second']);
  });

  it('also runs timers that are made on the way', async () => {
    const clock = new FakeClock(0);
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.now());
      clock.after(10, again);
    };
    clock.after(10, again);
    await clock.advance(35);
    expect(ran).toEqual([10, 20, 30]);
  });

  it('runs what promises have started before it moves', async () => {
    const clock = new FakeClock(0);
    const ran: number[] = [];
    void Promise.resolve().then(() => clock.after(5, () => void ran.push(clock.now())));
    await clock.advance(5);
    expect(ran).toEqual([5]);
  });

  it('never runs what was cancelled', async () => {
    const clock = new FakeClock();
    const ran: number[] = [];
    const cancel = clock.after(5, () => void ran.push(1));
    cancel();
    cancel();
    await clock.advance(10);
    expect([ran, clock.pending]).toEqual([[], 0]);
  });
});
