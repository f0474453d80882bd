import { describe, expect, it } from 'vitest';
import { startDeadline, withDeadline } from '../../../../lib/backends/redis/connection/deadline.js';

describe('deadlines', () => {
  it('fires a deadline once, not after it was cancelled or the work was done in time', async () => {
    const fired: string[] = [];
    startDeadline(5, () => fired.push('cancelled'))();
    const first = new Promise((resolve) => {
      startDeadline(5, () => resolve(fired.push('first')));
    });
    await first;
    // as long again: as much as a second firing would need
    await new Promise<void>((resolve) => {
      startDeadline(5, resolve);
    });
    expect(fired).toEqual(['first']);
    await expect(withDeadline(Promise.resolve(7), 5, () => new Error('late'))).resolves.toBe(7);
    await expect(
      withDeadline(new Promise(() => undefined), 5, () => new Error('late')),
    ).rejects.toThrow('late');
  });

  it('gives a reply another chance when a deadline fires late because the process was busy', async () => {
    let answered = false;
    const answer = new Promise((resolve) =>
      setTimeout(() => {
        // asked for after the block: one more turn of the loop than the deadline itself
        setImmediate(() => setImmediate(resolve, 'answer'));
        answered = true;
      }, 1),
    );
    const result = withDeadline(answer, 30, () => new Error('late'));
    const end = performance.now() + 150;
    while (performance.now() < end);
    expect(answered).toBe(false);
    await expect(result).resolves.toBe('answer');
  });
});
