import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PerKeyQueue } from '../../../lib/core/read/per-key-queue.js';
import { deferred } from '../../support/fleet.js';

describe('a queue per key', () => {
  it('runs the tasks of one key one after another, and those of others beside them', async () => {
    const queue = new PerKeyQueue();
    const order: string[] = [];
    const first = deferred<string>();
    const run = (key: string, name: string, work?: Promise<string>) =>
      queue.enqueue(key, async () => {
        order.push(`${name} begins`);
        const result = await (work ?? Promise.resolve(name));
        order.push(`${name} ends`);
        return result;
      });
    const running = [run('k', 'first', first.promise), run('k', 'second'), run('other', 'third')];
    await setImmediate();
    expect(order).toEqual(['first begins', 'third begins', 'third ends']);
    first.resolve('first');
    expect(await Promise.all(running)).toEqual(['first', 'second', 'third']);
    expect(order.slice(3)).toEqual(['first ends', 'second begins', 'second ends']);
  });

  it('goes on after a task that failed, whose error reaches its caller only', async () => {
    const queue = new PerKeyQueue();
    const failing = queue.enqueue('k', () => Promise.reject(new Error('failed')));
    const next = queue.enqueue('k', async () => 'next');
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('next');
  });

  it('begins at once again when nothing of the key is under way', async () => {
    const queue = new PerKeyQueue();
    await queue.enqueue('k', async () => 1);
    await setImmediate();
    let hasBegun = false;
    void queue.enqueue('k', async () => (hasBegun = true));
    expect(hasBegun).toBe(true);
  });
});
