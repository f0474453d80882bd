import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InvalidationJournal } from '../../lib/core/groups/journal.js';
import type { GetOrSetOptions } from '../../lib/core/options/types.js';
import { BackendError } from '../../lib/ports/errors.js';
import { deferred, fleet, memory } from '../support/fleet.js';

describe('a stale value that stands in', () => {
  const windows: GetOrSetOptions<string> = { staleIfError: 60_000 };

  async function deletedWhileInLine(options: GetOrSetOptions<string>) {
    const { clock, steps, first, second, third } = fleet(3);
    await first.cache.getOrSet('k', () => 'old', windows);
    await first.cache.drain();
    await clock.advance(1_100);
    const holder = deferred<string>();
    const held = second.cache.getOrSet('k', () => holder.promise, windows);
    await setImmediate();
    const production = deferred<string>();
    const early = first.cache.getOrSet('k', () => production.promise, options);
    await setImmediate();
    steps.hold('notice');
    expect(await third.cache.delete('k')).toEqual({ durable: true });
    const late = first.cache.getOrSet('k', () => production.promise, options);
    early.catch(() => undefined);
    late.catch(() => undefined);
    await clock.advance(100);
    return { clock, early, late, production, end: () => (holder.resolve('held'), held) };
  }

  it('a stale value does not answer for a failure when its caller came after the delete of another process', async () => {
    const { clock, late, production, end } = await deletedWhileInLine(windows);
    production.reject(new Error('down'));
    await clock.advance(100);
    await expect(late).rejects.toThrow('down');
    await end();
  });

  it('a stale value does not answer for slowness when its caller came after the delete of another process', async () => {
    const { clock, late, production, end } = await deletedWhileInLine({
      ...windows,
      producerTimeout: { soft: 500 },
    });
    await clock.advance(600);
    production.resolve('new');
    await expect(late).resolves.toBe('new');
    await end();
  });

  it.each(['failure', 'slowness'])(
    'does not stand in for a %s towards a caller who came after the delete, when its look was under way at the delete',
    async (trouble) => {
      const { clock, steps, first } = fleet(3, true);
      const options = { ...windows, producerTimeout: { soft: 500 } };
      await first.cache.getOrSet('k', () => 'old', options);
      await first.cache.drain();
      await clock.advance(1_100);
      steps.hold('p0: read segment:k <');
      const production = deferred<string>();
      const early = first.cache.getOrSet('k', () => production.promise, options);
      await setImmediate();
      expect(await first.cache.delete('k')).toEqual({ durable: true });
      steps.release('p0: read segment:k <');
      await setImmediate();
      const late = first.cache.getOrSet('k', () => production.promise, options);
      late.catch(() => undefined);
      await setImmediate();
      if (trouble === 'failure') production.reject(new Error('down'));
      else await clock.advance(600);
      await expect(early).resolves.toBe('old');
      if (trouble === 'failure') await expect(late).rejects.toThrow('down');
      production.resolve('new');
      if (trouble === 'slowness') await expect(late).resolves.toBe('new');
    },
  );

  it('a stale value answers every caller at once while one refresh runs', async () => {
    const { clock, cache } = memory();
    const options = { staleWhileRevalidate: 10_000 };
    await cache.getOrSet('k', () => 'old', options);
    await clock.advance(1_100);
    const refresh = deferred<string>();
    let productions = 0;
    const produce = () => {
      productions++;
      return refresh.promise;
    };
    for (let i = 0; i < 3; i++)
      expect(await Promise.race([cache.getOrSet('k', produce, options), clock.advance(10)])).toBe(
        'old',
      );
    refresh.resolve('new');
    await cache.drain();
    expect([await cache.get('k'), productions]).toEqual(['new', 1]);
  });

  it('a stale value is not preferred to a production because the caller before lost patience', async () => {
    const { clock, cache } = memory();
    const options = { staleIfError: 60_000 };
    await cache.getOrSet('k', () => 'old', options);
    await clock.advance(1_100);
    const impatience = new AbortController();
    const obedient = ({ signal }: { signal: AbortSignal }) =>
      new Promise<string>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('stopped'));
        });
      });
    const abandoned = cache.getOrSet('k', obedient, { ...options, signal: impatience.signal });
    await setImmediate();
    impatience.abort(new Error('no patience'));
    await expect(abandoned).rejects.toThrow('no patience');
    await setImmediate();
    expect(await cache.getOrSet('k', () => 'new', options)).toBe('new');
    await clock.advance(30_000);
    expect(cache.stats()).toMatchObject({ cache_producer_err: 0, flights: 0 });
  });
});

describe('a caller who comes after the acknowledged change of another process, before its notice', () => {
  it('a caller does not join a load whose groups were invalidated, although its lease is still held', async () => {
    const { steps, first, second } = fleet(3);
    // So that the clock exists: a lease names the ticks of the look before it.
    await first.cache.getOrSet('other', () => 'value');
    await first.cache.drain();
    steps.hold('notice');
    const slow = deferred<string>();
    const early = first.cache.getOrSet('k', () => slow.promise, { tags: ['t'] });
    await setImmediate();
    await second.cache.invalidate({ tags: ['t'] });
    const late = first.cache.getOrSet('k', () => 'new', { tags: ['t'] });
    await setImmediate();
    slow.resolve('old');
    expect(await Promise.all([early, late])).toEqual(['old', 'new']);
  });

  it('a caller does not join a load whose key was deleted by another process', async () => {
    const { steps, first, second } = fleet(3);
    steps.hold('notice');
    const slow = deferred<string>();
    const early = first.cache.getOrSet('k', () => slow.promise);
    await setImmediate();
    await second.cache.delete('k');
    const late = first.cache.getOrSet('k', () => 'new');
    await setImmediate();
    slow.resolve('old');
    expect(await Promise.all([early, late])).toEqual(['old', 'new']);
  });

  it('a caller does not get what a load had found before an acknowledged change', async () => {
    const { clock, steps, first, second, third } = fleet(3);
    steps.hold('notice');
    const slow = deferred<string>();
    const filling = second.cache.getOrSet('k', () => slow.promise);
    await setImmediate();
    const early = first.cache.getOrSet('k', () => 'unused');
    await setImmediate();
    slow.resolve('old');
    await filling;
    await second.cache.drain();
    steps.hold('p0: read segment:k <');
    await clock.advance(100);
    await third.cache.delete('k');
    const late = first.cache.getOrSet('k', () => 'new');
    steps.release('p0: read segment:k <');
    await clock.advance(100);
    expect(await Promise.all([early, late])).toEqual(['old', 'new']);
  });
});

describe('an L1', () => {
  it('an L1 that is notified of a change finds the change made when it asks', async () => {
    const { steps, first, second } = fleet(3, true);
    await first.cache.getOrSet('k', () => 'old');
    await first.cache.drain();
    steps.hold('p1: delete');
    const deleting = second.cache.delete('k');
    await setImmediate();
    expect(await first.cache.getOrSet('k', () => 'too early')).toBe('old');
    steps.release('p1: delete');
    await deleting;
    await setImmediate();
    expect(await first.cache.getOrSet('k', () => 'new')).toBe('new');
  });
});

describe('in L1', () => {
  it('L1 keeps no load whose key was deleted after it was stored, before that was known', async () => {
    const { steps, first } = fleet(3, true);
    steps.hold('p0: fill segment:k <');
    await first.cache.getOrSet('k', () => 'old');
    await setImmediate();
    await first.cache.delete('k');
    steps.release('p0: fill segment:k <');
    await first.cache.drain();
    await expect(first.cache.getOrSet('k', () => 'new')).resolves.toBe('new');
  });

  it('L1 keeps nothing that was read before its key was deleted and arrives after it', async () => {
    const { steps, first, second } = fleet(3, true);
    await second.cache.getOrSet('k', () => 'old');
    await second.cache.drain();
    steps.hold('p0: read segment:k <');
    const early = first.cache.getOrSet('k', () => 'not needed');
    await setImmediate();
    await first.cache.delete('k');
    steps.release('p0: read segment:k <');
    await expect(early).resolves.toBe('old');
    await expect(first.cache.getOrSet('k', () => 'new')).resolves.toBe('new');
  });
});

describe('a load that an invalidation has overtaken', () => {
  it('a load that an invalidation has overtaken does not take its successor with it when it ends', async () => {
    const { cache } = memory();
    const [first, second] = [deferred<string>(), deferred<string>()];
    const one = cache.getOrSet('k', () => first.promise);
    await setImmediate();
    await cache.delete('k');
    const two = cache.getOrSet('k', () => second.promise);
    await setImmediate();
    first.resolve('old');
    await one;
    await setImmediate();
    const three = cache.getOrSet('k', () => 'a third production');
    await setImmediate();
    expect(cache.stats().flights).toBe(1);
    second.resolve('new');
    expect(await Promise.all([one, two, three])).toEqual(['old', 'new', 'new']);
  });
});

describe('a settle window', () => {
  it('a settle window keeps out what began within it and ended after it', async () => {
    const { clock, cache } = memory();
    await cache.invalidate({ keys: ['k'], settle: 100 });
    const replica = deferred<string>();
    const read = cache.getOrSet('k', () => replica.promise);
    await clock.advance(200);
    replica.resolve('from before');
    expect(await read).toBe('from before');
    await cache.drain();
    expect(await cache.get('k')).toBeUndefined();
  });

  it('a settle window that has long ended does not keep anything out', async () => {
    const { clock, cache } = memory();
    await cache.invalidate({ tags: ['t'], settle: 100 });
    await clock.advance(200);
    await cache.getOrSet('k', () => 'new', { tags: ['t'] });
    await cache.drain();
    expect(await cache.get('k')).toBe('new');
  });
});

describe('callers of one key in one tick', () => {
  it('callers of one key in one tick get values of their own even when nothing is stored', async () => {
    const { cache } = memory();
    const produce = (context: { skip(): void }) => {
      context.skip();
      return { list: [1] };
    };
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => cache.getOrSet('k', produce)));
    one?.list.push(2);
    two?.list.push(3);
    expect([two?.list, three?.list]).toEqual([[1, 3], [1]]);
  });

  it('callers of one key in one tick are hits when the backend has the value', async () => {
    const { first, second } = fleet(3);
    await first.cache.getOrSet('k', () => 'v');
    await first.cache.drain();
    await Promise.all([1, 2, 3].map(() => second.cache.getOrSet('k', () => 'other')));
    expect(second.cache.stats()).toMatchObject({ cache_hits: 3, cache_misses: 0 });
  });

  it('callers of one key in one tick are refused when they wait for each other', async () => {
    const { cache } = memory();
    const gate = deferred<undefined>();
    const b = (): Promise<string> => cache.getOrSet('a', () => 'never');
    // The first to run when the gate opens: it boards `b`, and the producer of `a` comes along in
    // the same tick.
    const outside = gate.promise.then(() => cache.getOrSet('b', b));
    const a = cache.getOrSet('a', async () => {
      await gate.promise;
      return cache.getOrSet('b', b);
    });
    outside.catch(() => undefined);
    a.catch(() => undefined);
    await setImmediate();
    gate.resolve(undefined);
    await setImmediate();
    await setImmediate();
    expect(cache.stats().flights).toBe(0);
    await expect(a).rejects.toMatchObject({ code: 'CACHE_REENTRANT' });
  });
});

describe('a producer that asks for its own key', () => {
  it('a producer that asks for its own key is refused even when something else was invalidated meanwhile', async () => {
    const { first, second } = fleet(3);
    const asked = first.cache.getOrSet('k', async () => {
      await second.cache.invalidate({ tags: ['elsewhere'] });
      return first.cache.getOrSet('k', () => 'inner');
    });
    await expect(asked).rejects.toMatchObject({ code: 'CACHE_REENTRANT' });
  });
});

describe('a set', () => {
  it('a set that an invalidation of its tag overtook under way is not kept in L1', async () => {
    const { steps, first, second } = fleet(3, true);
    steps.hold('p0: set');
    const setting = first.cache.set('k', 'old', { tags: ['t'] });
    await setImmediate();
    await second.cache.invalidate({ tags: ['t'] });
    steps.release('p0: set');
    await setting;
    expect(await first.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
  });

  it('a set that an invalidation of its tag overtook before it was sent is not kept in L1', async () => {
    const { steps, first, second } = fleet(3, true);
    steps.hold('p0: ensure');
    const setting = first.cache.set('k', 'old', { tags: ['t'] });
    await setImmediate();
    steps.hold('<');
    steps.release('p0: ensure');
    await setImmediate();
    const invalidating = second.cache.invalidate({ tags: ['t'] });
    await setImmediate();
    steps.release('<');
    await Promise.all([setting, invalidating]);
    expect(await first.cache.getOrSet('k', () => 'new', { tags: ['t'] })).toBe('new');
  });
});

describe('an early refresh', () => {
  it('an early refresh takes into L1 what another process has refreshed already', async () => {
    const { clock, first, second } = fleet(3, true);
    const early = { refreshAhead: 0.5 } as const;
    await first.cache.getOrSet('k', () => 'old', early);
    await first.cache.drain();
    await second.cache.getOrSet('k', () => 'unused', early);
    await clock.advance(600);
    await second.cache.getOrSet('k', () => 'new', early);
    await second.cache.drain();
    await first.cache.getOrSet('k', () => 'unused', early);
    await first.cache.drain();
    expect(await first.cache.get('k')).toBe('new');
  });
});

describe('a backend that does not answer in time', () => {
  it('a backend that does not answer in time delays the production by its deadline once, not once for each request', async () => {
    const { clock, first } = fleet(3);
    const silence = <T>(_: unknown, ms = 250): Promise<T> =>
      new Promise((_resolve, reject) => {
        clock.after(ms, () => {
          reject(new BackendError('TIMEOUT', 'silence'));
        });
      });
    Object.assign(first.link, {
      read: silence,
      acquire: silence,
      ensure: (scopes: unknown) => silence(scopes),
    });
    const began = clock.now();
    let producedAt = Infinity;
    const asked = first.cache.getOrSet('k', () => {
      producedAt = clock.now();
      return 'v';
    });
    await clock.advance(1_000);
    expect(await asked).toBe('v');
    expect(producedAt - began).toBeLessThanOrEqual(250);
  });
});

describe('the journal', () => {
  const change = (key: string) => ({ kind: 'keys' as const, keys: [key], settleMs: 0 });

  it('a journal that overflowed does not lose a change that comes while the namespace is being invalidated', () => {
    const list = new InvalidationJournal();
    for (let i = 0; i <= 10_000; i++) list.add(change(String(i)), i);
    expect(list.size).toBe(1);
    const sent = list.first;
    list.add(change('late'), 20_000);
    if (sent !== undefined) list.remove(sent);
    expect(list.size).toBe(1);
  });

  it('a journal that overflowed is kept as long as its latest change', () => {
    const list = new InvalidationJournal();
    for (let i = 0; i <= 10_000; i++) list.add(change(String(i)), 1);
    list.add(change('late'), 9);
    list.expire(5);
    expect(list.size).toBe(1);
  });
});

describe('a change of very many keys', () => {
  it('a change of very many keys is repeated from where it stopped, not from its beginning', async () => {
    const { clock, first } = fleet(3);
    const remove = first.link.delete.bind(first.link);
    let sent = 0;
    let failing = true;
    Object.assign(first.link, {
      delete: (keys: readonly string[], settleMs: number) => {
        sent += keys.length;
        if (failing && keys.includes('segment:k2500'))
          return Promise.reject(new BackendError('TIMEOUT', 'busy'));
        return remove(keys, settleMs);
      },
    });
    const keys = Array.from({ length: 3_000 }, (_, i) => `k${String(i)}`);
    expect(await first.cache.deleteMany(keys)).toEqual({ durable: false });
    expect(first.cache.stats().journal).toBe(1);
    failing = false;
    await clock.advance(5_000);
    expect([first.cache.stats().journal, sent]).toEqual([0, 4_000]);
  });
});

describe('a change that the backend refuses whenever it is sent', () => {
  async function refused(everything: boolean) {
    const { clock, first, second } = fleet(3);
    const refuse = () => Promise.reject(new BackendError('FAILED', 'NOPERM'));
    await first.cache.getOrSet('k', () => 'old', { ttl: '1h' });
    await first.cache.drain();
    Object.assign(first.link, { delete: refuse, ...(everything ? { invalidate: refuse } : {}) });
    expect(await first.cache.delete('k')).toEqual({ durable: false });
    await clock.advance(60_000);
    return { first, second };
  }

  it('a change that the backend always refuses does not keep the others waiting for ever: everything is invalidated instead', async () => {
    const { first, second } = await refused(false);
    expect([
      first.cache.stats().journal,
      await first.cache.get('k'),
      await second.cache.get('k'),
    ]).toEqual([0, undefined, undefined]);
  });

  it('a change that the backend always refuses keeps it out of use when the invalidation of everything is refused as well', async () => {
    const { first } = await refused(true);
    expect([first.cache.stats().journal, await first.cache.get('k')]).toEqual([1, undefined]);
  });
});

describe('a gap in what a process hears', () => {
  it.each([false, true])(
    'keeps no load that is under way from being stored, with L1: %s',
    async (l1) => {
      const { first, second } = fleet(3, l1);
      const production = deferred<string>();
      const loading = first.cache.getOrSet('k', () => production.promise);
      await setImmediate();
      first.link.deafen();
      first.link.hearAgain('gap');
      production.resolve('made once');
      await loading;
      await first.cache.drain();
      expect(await second.cache.getOrSet('k', () => 'made again')).toBe('made once');
    },
  );

  it('a gap in the notices still keeps a load out of the backend whose key was deleted in it', async () => {
    const { first, second } = fleet(3, true);
    const production = deferred<string>();
    const loading = first.cache.getOrSet('k', () => production.promise);
    await setImmediate();
    first.link.deafen();
    await second.cache.delete('k');
    first.link.hearAgain('gap');
    const after = first.cache.getOrSet('k', () => 'new');
    production.resolve('old');
    expect([await loading, await after]).toEqual(['old', 'new']);
    await first.cache.drain();
    expect([await first.cache.get('k'), await second.cache.get('k')]).toEqual(['new', 'new']);
  });
});

describe('a busy process', () => {
  it('a busy process still takes the lease when its lookup was answered late, so that the others do not produce too', async () => {
    const { clock, steps, first, second } = fleet(3);
    steps.hold('p0: read segment:k <');
    const production = deferred<string>();
    const slow = first.cache.getOrSet('k', () => production.promise);
    await clock.advance(300);
    steps.release('p0: read segment:k <');
    await setImmediate();
    const other = second.cache.getOrSet('k', () => 'made again');
    await setImmediate();
    production.resolve('made once');
    await clock.advance(100);
    expect(await Promise.all([slow, other])).toEqual(['made once', 'made once']);
  });
});

describe('a failure that no caller waits for', () => {
  // An unhandled rejection fails the run of the tests, and ends a process in production.
  it('is no unhandled rejection when the caller left while the backend was asked', async () => {
    const { steps, first } = fleet(3);
    steps.hold('p0: read segment:k <');
    const impatience = new AbortController();
    const left = first.cache.getOrSet('k', () => 'v', { signal: impatience.signal });
    await setImmediate();
    impatience.abort(new Error('no patience'));
    steps.release('p0: read segment:k <');
    await expect(left).rejects.toThrow('no patience');
    await first.cache.drain();
    expect(first.cache.stats()).toMatchObject({ flights: 0, background: 0 });
  });

  it('is no unhandled rejection when the second look fails before the lease is answered', async () => {
    const { steps, first } = fleet(3);
    const [lease, read] = ['p0: lease segment:k <', 'p0: read segment:k <'];
    steps.hold('p0: lease segment:k >');
    const asked = first.cache.getOrSet('k', () => 'v');
    await setImmediate();
    steps.hold(lease);
    steps.hold(read);
    steps.release('p0: lease segment:k >');
    await setImmediate();
    first.link.change('down');
    steps.release(read);
    await setImmediate();
    steps.release(lease);
    expect(await asked).toBe('v');
    await first.cache.drain();
  });
});
