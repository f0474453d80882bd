import { describe, expect, it } from 'vitest';
import { Background } from '../../../lib/core/observe/background.js';

describe('background work', () => {
  it('is counted and waited for with all that it starts, and its failures are reported', async () => {
    const reported: unknown[] = [];
    const background = new Background((error) => reported.push(error));
    const order: string[] = [];
    background.run(async () => {
      await Promise.resolve();
      order.push('first');
      background.run(async () => {
        await Promise.resolve();
        order.push('second');
        throw new Error('failed');
      });
    });
    expect(background.size).toBe(1);
    await background.drain();
    expect([order, background.size, String(reported[0])]).toEqual([
      ['first', 'second'],
      0,
      'Error: failed',
    ]);
  });
});
