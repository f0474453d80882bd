import { describe, expect, it } from 'vitest';
import { countPromises } from './count-promises.js';

describe('countPromises', () => {
  it('counts nothing for a call that makes no promise', async () => {
    expect(await countPromises(() => 1)).toBe(0);
  });

  it('counts the promise that a call returns', async () => {
    const settled = await countPromises(() => Promise.resolve(1));
    const waited = await countPromises(
      () => new Promise((resolve) => queueMicrotask(() => resolve(1))),
    );
    expect(settled).toBe(1);
    expect(waited).toBe(1);
  });

  it('counts each async function and each step that it awaits', async () => {
    const inner = async () => 1;
    const outer = async () => (await inner()) + (await inner());
    const one = await countPromises(inner);
    const all = await countPromises(outer);
    expect(one).toBe(1);
    expect(all).toBeGreaterThanOrEqual(5);
  });

  it('counts what the call leaves to be done on the same turn', async () => {
    const background = () => {
      void Promise.resolve().then(() => Promise.resolve());
    };
    expect(await countPromises(background)).toBeGreaterThanOrEqual(3);
  });

  it('warms the call before it counts', async () => {
    let calls = 0;
    const firstIsDear = () => {
      calls++;
      return calls > 5 ? undefined : Promise.all([Promise.resolve(1), Promise.resolve(2)]);
    };
    expect(await countPromises(firstIsDear, { warmCalls: 5 })).toBe(0);
    expect(calls).toBe(6);
  });

  it('gives the same number each time', async () => {
    const call = async () => {
      await Promise.all([1, 2, 3].map(async (value) => Promise.resolve(value)));
    };
    const counts = [await countPromises(call), await countPromises(call)];
    expect(counts[0]).toBe(counts[1]);
  });

  it('rejects with what the call rejects with, and counts no longer', async () => {
    const fail = () => Promise.reject(new Error('no'));
    await expect(countPromises(fail, { warmCalls: 0 })).rejects.toThrow('no');
    expect(await countPromises(() => 1)).toBe(0);
  });
});
