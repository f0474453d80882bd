import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { race, TIMED_OUT } from '../../../lib/core/read/race.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { deferred } from '../../support/fleet.js';

describe('race', () => {
  it('gives what the work gives, and leaves no timer and no listener', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const limits = { clock, ms: 100, signal: controller.signal };
    expect(await race(Promise.resolve('v'), limits)).toBe('v');
    await expect(race(Promise.reject(new Error('failed')), limits)).rejects.toThrow('failed');
    expect(clock.pending).toBe(0);
    controller.abort();
  });

  it('is the work itself when nothing limits it', () => {
    const work = Promise.resolve(1);
    expect(race(work, { clock: new FakeClock() })).toBe(work);
  });

  it('gives up after its time, while the work goes on', async () => {
    const clock = new FakeClock();
    const { promise, reject } = deferred<string>();
    const racing = race(promise, { clock, ms: 100 });
    await clock.advance(100);
    expect(await racing).toBe(TIMED_OUT);
    reject(new Error('too late to be heard of'));
    await setImmediate();
  });

  it('rejects with the reason of the signal, and leaves no timer', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const { promise } = deferred<string>();
    const racing = race(promise, { clock, ms: 100, signal: controller.signal });
    controller.abort('enough');
    await expect(racing).rejects.toBe('enough');
    expect(clock.pending).toBe(0);
  });

  it('rejects at once with a signal that has aborted already, and handles the failure of the work', async () => {
    const clock = new FakeClock();
    const { promise, reject } = deferred<string>();
    const racing = race(promise, { clock, ms: 100, signal: AbortSignal.abort('long ago') });
    await expect(racing).rejects.toBe('long ago');
    // An unhandled rejection would fail this test run.
    reject(new Error('nobody waits'));
    await setImmediate();
    expect(clock.pending).toBe(0);
  });
});
