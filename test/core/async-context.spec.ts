import { describe, expect, it } from 'vitest';
import { createAsyncContext } from '../../lib/async-context.js';

describe('createAsyncContext', () => {
  it('gives each context its own value, the innermost one, across awaits', async () => {
    const [a, b] = [createAsyncContext(), createAsyncContext()];
    const [one, two, three] = [{ n: 1 }, { n: 2 }, { n: 3 }];
    expect(a.current()).toBeUndefined();
    await a.run(one, async () => {
      await Promise.resolve();
      expect([a.current(), b.current()]).toEqual([one, undefined]);
      await b.run(two, async () => {
        await Promise.resolve();
        expect([a.current(), b.current()]).toEqual([one, two]);
        a.run(three, () => expect([a.current(), b.current()]).toEqual([three, two]));
        expect([a.current(), b.current()]).toEqual([one, two]);
        expect(a.detached(() => [a.current(), b.current()])).toEqual([undefined, undefined]);
      });
    });
    expect([a.current(), b.current()]).toEqual([undefined, undefined]);
  });
});
