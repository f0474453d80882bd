import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import { createAsyncContext } from '../lib/async-context.js';

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
        await a.run(three, async () => expect([a.current(), b.current()]).toEqual([three, two]));
        expect([a.current(), b.current()]).toEqual([one, two]);
        expect(a.runOutside(() => [a.current(), b.current()])).toEqual([undefined, undefined]);
      });
    });
    expect([a.current(), b.current()]).toEqual([undefined, undefined]);
  });

  it('is left by everything detached, also by what was begun in something detached', async () => {
    const a = createAsyncContext();
    const [one, two] = [{ n: 1 }, { n: 2 }];
    const seen = await a.runOutside(() =>
      a.run(one, () =>
        a.runOutside(() => {
          const later = Promise.resolve().then(() => a.current());
          const inner = a.run(two, async () => a.current());
          return Promise.all([Promise.resolve(a.current()), later, inner]);
        }),
      ),
    );
    expect(seen).toEqual([undefined, undefined, two]);
  });

  it('costs the process nothing while nothing runs in it', async () => {
    const disable = vi.spyOn(AsyncLocalStorage.prototype, 'disable');
    try {
      // A storage of its own: in that of the process something may still run that another test has
      // started.
      vi.resetModules();
      const fresh = await import('../lib/async-context.js');
      const [a, b] = [fresh.createAsyncContext(), fresh.createAsyncContext()];
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => (open = resolve));
      const value = {};
      const first = a.run(value, async () => {
        await gate;
        return a.current();
      });
      await b.run({}, () => Promise.resolve());
      await expect(b.run({}, () => Promise.reject(new Error('fails')))).rejects.toThrow('fails');
      expect(() =>
        b.enter({}, () => {
          throw new Error('at once');
        }),
      ).toThrow('at once');
      const end = b.enter({}, (given) => given);
      expect(disable).not.toHaveBeenCalled();
      open();
      expect(await first).toBe(value);
      expect(disable).not.toHaveBeenCalled();
      end();
      end();
      expect(disable).toHaveBeenCalledTimes(1);
      expect(await a.run(value, async () => a.current())).toBe(value);
      expect(disable).toHaveBeenCalledTimes(2);
    } finally {
      disable.mockRestore();
    }
  });
});
