import { describe, expect, it } from 'vitest';
import { Timeouts } from '../../../lib/core/read/timeouts.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';

function setUp() {
  const clock = new FakeClock(0);
  const timeouts = new Timeouts(clock);
  const fired: string[] = [];
  const start = (ms: number, name: string) =>
    timeouts.start(ms, () => fired.push(`${name}@${String(clock.now())}`));
  return { clock, timeouts, fired, start };
}

/** A clock whose time the test sets, also backwards. */
class SettableClock {
  time = 1_000_000;
  readonly timers = new Set<() => void>();

  now(): number {
    return this.time;
  }

  after(_ms: number, task: () => void): () => void {
    this.timers.add(task);
    return () => this.timers.delete(task);
  }

  fire(): void {
    for (const task of [...this.timers]) {
      this.timers.delete(task);
      task();
    }
  }
}

describe('timeouts', () => {
  it('of one length share a timer and fire in the order in which they began, each at its time', async () => {
    const { clock, fired, start } = setUp();
    for (let i = 0; i < 5; i++) {
      start(100, `t${String(i)}`);
      await clock.advance(10);
    }
    expect(clock.pending).toBe(1);
    await clock.advance(49);
    expect(fired).toEqual([]);
    await clock.advance(200);
    expect(fired).toEqual(['t0@100', 't1@110', 't2@120', 't3@130', 't4@140']);
    expect(clock.pending).toBe(0);
  });

  it('of different lengths do not wait for each other', async () => {
    const { clock, fired, start } = setUp();
    start(100, 'long');
    start(50, 'short');
    expect(clock.pending).toBe(2);
    await clock.advance(100);
    expect(fired).toEqual(['short@50', 'long@100']);
  });

  it('do not fire once they are cancelled, wherever they are in the order', async () => {
    const { clock, fired, start } = setUp();
    const [first, , middle, , last] = ['a', 'b', 'c', 'd', 'e'].map((name) => start(100, name));
    for (const timeout of [middle, first, last, first]) timeout?.cancel();
    start(100, 'f');
    await clock.advance(100);
    expect(fired).toEqual(['b@100', 'd@100', 'f@100']);
  });

  it('may be cancelled and started by one that fires', async () => {
    const { clock, timeouts, fired, start } = setUp();
    timeouts.start(100, () => {
      second.cancel();
      start(100, 'later');
    });
    const second = start(100, 'cancelled');
    start(100, 'third');
    await clock.advance(100);
    expect([fired, clock.pending]).toEqual([['third@100'], 1]);
    await clock.advance(100);
    expect(fired).toEqual(['third@100', 'later@200']);
  });

  it('start no timer for one that was cancelled and follows another', async () => {
    const { clock, start } = setUp();
    for (let i = 0; i < 1_000; i++) start(100, 'x').cancel();
    expect(clock.pending).toBe(1);
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  it('keep no timer of lengths that are not in use any more', () => {
    const { clock, start } = setUp();
    for (let ms = 1; ms <= 100; ms++) start(ms, 'x').cancel();
    expect(clock.pending).toBe(1);
  });

  it('fire when the wall clock was set back, instead of waiting for it to catch up', () => {
    const clock = new SettableClock();
    const timeouts = new Timeouts(clock);
    const fired: string[] = [];
    timeouts.start(100, () => fired.push('first'));
    clock.time -= 500_000;
    clock.fire();
    expect([fired, clock.timers.size]).toEqual([['first'], 0]);
  });

  it('started again by one that fires have their whole length, though time passes meanwhile', () => {
    const clock = new SettableClock();
    const timeouts = new Timeouts(clock);
    let fired = 0;
    const again = () => {
      fired++;
      clock.time += 1;
      if (fired < 10) timeouts.start(100, again);
    };
    timeouts.start(100, again);
    clock.time += 100;
    clock.fire();
    expect([fired, clock.timers.size]).toEqual([1, 1]);
  });

  it('still fire after they were stopped, and leave no timer behind', async () => {
    const { clock, timeouts, fired, start } = setUp();
    start(100, 'running');
    const cancelled = start(200, 'cancelled');
    start(300, 'idle').cancel();
    timeouts.stop();
    expect(clock.pending).toBe(2);
    cancelled.cancel();
    expect(clock.pending).toBe(1);
    await clock.advance(100);
    expect([fired, clock.pending]).toEqual([['running@100'], 0]);
    start(100, 'late').cancel();
    expect(clock.pending).toBe(0);
  });
});
