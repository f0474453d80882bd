import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InvalidationTracker } from '../../../lib/core/invalidate/invalidation-tracker.js';
import type { AsyncContext } from '../../../lib/ports/context.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { wiredCache } from '../../support/wired-cache.js';

/**
 * A context that everything runs in, and that never ends: as that of a consumer which was started
 * by a task.
 */
class Lasting implements AsyncContext {
  value: object | undefined;

  run<T>(value: object, task: () => Promise<T>): Promise<T> {
    this.value = value;
    return task();
  }

  enter<T>(value: object, task: (end: () => void) => T): T {
    this.value = value;
    return task(() => undefined);
  }

  current(): object | undefined {
    return this.value;
  }

  runOutside<T>(task: () => T): T {
    return task();
  }

  /** Promises that are kept alive for those who wait. */
  get kept(): number {
    const seen = Object.values(this.value ?? {}) as unknown[];
    return [this.value, ...seen].reduce<number>(
      (sum, held) => sum + (held instanceof Set ? held.size : 0),
      0,
    );
  }
}

describe('the tracker of invalidations', () => {
  it('keeps no invalidation that has settled', async () => {
    const context = new Lasting();
    const tracker = new InvalidationTracker(context);
    let end = (): void => undefined;
    let settle = (): void => undefined;
    const running = tracker.run(() => new Promise<void>((resolve) => (end = resolve)));
    for (let i = 0; i < 10; i++)
      await tracker
        .track(i === 3 ? Promise.reject(new Error('away')) : Promise.resolve())
        .catch(() => undefined);
    await setImmediate();
    expect(context.kept).toBe(0);
    void tracker.track(new Promise<void>((resolve) => (settle = resolve)));
    end();
    await Promise.resolve();
    expect(context.kept).toBe(1);
    settle();
    await running;
    expect(context.kept).toBe(0);
  });

  it('collects nothing from what goes on after the task has ended', async () => {
    const context = new Lasting();
    const tracker = new InvalidationTracker(context);
    await tracker.run(() => undefined);
    const never = tracker.track(new Promise(() => undefined));
    expect([context.kept, never instanceof Promise]).toEqual([0, true]);
  });
});

describe('awaitInvalidations', () => {
  /** A cache over a backend whose deletes take a while. */
  function slowlyDeleting() {
    const clock = new FakeClock();
    const deleted: string[] = [];
    const backend = {
      get: () => Promise.resolve(undefined),
      set: () => Promise.resolve(),
      delete: (key: string) =>
        new Promise<void>((resolve) => {
          clock.after(10, () => {
            deleted.push(key);
            resolve();
          });
        }),
    };
    return { deleted, ...wiredCache({ clock, holder: 'p', backend }) };
  }

  it('settles when the invalidations that the task started but did not await are acknowledged', async () => {
    const { cache, clock, deleted } = slowlyDeleting();
    const result = cache.awaitInvalidations(async () => {
      void cache.delete('a');
      await Promise.resolve();
      void cache.delete('b');
      return 'done';
    });
    let isSettled = false;
    void result.then(() => (isSettled = true));
    await clock.advance(9);
    expect(isSettled).toBe(false);
    await clock.advance(1);
    expect(await result).toBe('done');
    expect(deleted).toHaveLength(2);
  });

  it('waits for them when the task fails, too', async () => {
    const { cache, clock, deleted } = slowlyDeleting();
    const failing = cache.awaitInvalidations(() => {
      void cache.delete('a');
      throw new RangeError('rolled back');
    });
    failing.catch(() => undefined);
    await clock.advance(10);
    await expect(failing).rejects.toThrow(RangeError);
    expect(deleted).toHaveLength(1);
  });
});
