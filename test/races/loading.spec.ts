import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CacheKey } from '../../lib/core/key/key.js';
import type { GetOrSetOptions, InvalidateRequest } from '../../lib/core/options/types.js';
import { deferred, fleet, memory } from '../support/fleet.js';

describe('an invalidation during a load with a stale value that may stand in', () => {
  const key = CacheKey.builder().tenant('x').segment('rows').param('page', 1).build();
  const options: GetOrSetOptions<string> = {
    tags: ['mine'],
    resultTags: () => ['found'],
    staleIfError: '1h',
  };

  async function loading(
    own: GetOrSetOptions<string>,
    invalidate: (parts: ReturnType<typeof fleet>) => Promise<unknown>,
  ) {
    const parts = fleet(3, true);
    const { clock, first } = parts;
    await first.cache.getOrSet(key, () => 'kept', options);
    await first.cache.drain();
    await clock.advance(1_500);
    const production = deferred<string>();
    const asked = first.cache.getOrSet(key, () => production.promise, { ...options, ...own });
    asked.catch(() => undefined);
    await setImmediate();
    await invalidate(parts);
    await setImmediate();
    return { ...parts, asked, production };
  }

  const harmless: [string, (parts: ReturnType<typeof fleet>) => Promise<unknown>][] = [
    [
      'of a tag of nobody, in another process',
      ({ second }) => second.cache.invalidate({ tags: ['nobody'] }),
    ],
    [
      'of a tag of nobody, in the same tenant',
      ({ first }) => first.cache.invalidate({ tags: ['nobody'], tenant: 'x' }),
    ],
    [
      'of some of its tags and another one',
      ({ first }) =>
        first.cache.invalidate({ tags: ['mine', 'nobody'], match: 'all', tenant: 'x' }),
    ],
    [
      'that is soft',
      ({ second }) => second.cache.invalidate({ tags: ['mine'], mode: 'soft', tenant: 'x' }),
    ],
    [
      'that may have been missed',
      async ({ first }) => {
        first.link.deafen();
        first.link.hearAgain('gap');
        await setImmediate();
      },
    ],
    [
      'that may have taken the lease',
      async ({ clock, server }) => {
        server.lose('lease', 0);
        await clock.advance(1_100);
      },
    ],
  ];

  it.each(harmless)(
    '%s, leaves the value to those who were waiting when the production fails',
    async (_, invalidate) => {
      const { first, asked, production } = await loading({}, invalidate);
      production.reject(new Error('down'));
      expect(await asked).toBe('kept');
      expect(first.cache.stats().cache_fallback).toBe(1);
    },
  );

  it.each(harmless)(
    '%s, leaves the value to those who were waiting when the production is slow',
    async (_, invalidate) => {
      const { clock, asked, production } = await loading(
        { producerTimeout: { soft: '2s' } },
        invalidate,
      );
      await clock.advance(2_000);
      expect(await Promise.race([asked, setImmediate('still waiting')])).toBe('kept');
      production.resolve('new');
    },
  );

  const harmful: [string, InvalidateRequest][] = [
    ['of its key', { keys: [key] }],
    ['of its tag', { tags: ['mine'], tenant: 'x' }],
    ['of a tag that its value had', { tags: ['found'], tenant: 'x' }],
    ['of both', { tags: ['mine', 'found'], match: 'all', tenant: 'x' }],
    ['of its segment', { segment: 'rows', tenant: 'x' }],
  ];

  it.each(harmful)(
    'an invalidation during a load, %s, makes the stale value unusable for anything',
    async (_, request) => {
      const { first, asked, production } = await loading({}, ({ second }) =>
        second.cache.invalidate(request),
      );
      const late = first.cache.getOrSet(key, () => 'new', options);
      production.reject(new Error('down'));
      await expect(asked).rejects.toThrow('down');
      expect(await late).toBe('new');
    },
  );

  it.each(harmful)(
    '%s, makes the value unusable when the production times out',
    async (_, request) => {
      const own = { producerTimeout: { soft: '2s', hard: '5s' } } as const;
      const { clock, asked } = await loading(own, ({ second }) => second.cache.invalidate(request));
      await clock.advance(5_000);
      await expect(asked).rejects.toMatchObject({ code: 'CACHE_PRODUCER_TIMEOUT' });
    },
  );

  it('an invalidation of anything makes later callers look for themselves', async () => {
    const { cache, clock } = memory();
    await cache.getOrSet('k', () => 'kept', { staleIfError: '1h' });
    await clock.advance(1_500);
    const production = deferred<string>();
    const early = cache.getOrSet('k', () => production.promise, { staleIfError: '1h' });
    await setImmediate();
    await cache.invalidate({ tags: ['nobody'] });
    await cache.delete('k');
    const late = cache.getOrSet('k', () => Promise.reject(new Error('down too')), {
      staleIfError: '1h',
    });
    production.reject(new Error('down'));
    await expect(early).rejects.toThrow('down');
    await expect(late).rejects.toThrow('down too');
  });
});

describe('a settle window of a tag that only the result tells', () => {
  const ways: [string, GetOrSetOptions<string>, boolean][] = [
    ['tags of the value', { tags: () => ['account:7'] }, false],
    ['result tags', { tags: ['accounts'], resultTags: () => ['account:7'] }, false],
    ['addTags', {}, true],
  ];
  const windows: GetOrSetOptions<string> = {
    ttl: '1h',
    staleWhileRevalidate: '1h',
    staleIfError: '1h',
  };

  for (const where of ['memory', 'shared', 'shared with L1'] as const) {
    const open = () => {
      if (where !== 'memory') return fleet(3, where === 'shared with L1');
      const opened = memory();
      return { ...opened, first: opened, second: opened };
    };

    it.each(ways)(
      `a settle window ends what a lagging replica gave, with %s, ${where}`,
      async (_, options, adds) => {
        const { clock, first, second } = open();
        let replica = 'old';
        const read = ({ cache } = first) =>
          cache.getOrSet<string>(
            'row',
            ({ addTags }) => {
              if (adds) addTags('account:7');
              return replica;
            },
            { ...windows, ...options },
          );
        // Another row of the account: its marker is known to be kept.
        await first.cache.getOrSet('other', () => 'row', { ...windows, tags: ['account:7'] });
        await first.cache.drain();
        await second.cache.invalidate({ tags: ['account:7'], settle: 500 });
        expect(await read()).toBe('old');
        await first.cache.drain();
        replica = 'new';
        await clock.advance(499);
        expect([await read(), await read(second)]).toEqual(['old', 'old']);
        await clock.advance(1);
        expect([await read(), await read(second)]).toEqual(['new', 'new']);
        await first.cache.drain();
        replica = 'newer';
        await clock.advance(30 * 60_000);
        expect([await read(), await read(second)]).toEqual(['new', 'new']);
      },
    );

    it(`a settle window keeps out what began within it and ended after it, and nothing that began later, ${where}`, async () => {
      const { clock, first, second } = open();
      const production = deferred<string>();
      await second.cache.invalidate({ tags: ['account:7'], settle: 500 });
      const read = first.cache.getOrSet('row', () => production.promise, {
        ...windows,
        tags: () => ['account:7'],
      });
      await clock.advance(1_000);
      production.resolve('old');
      await read;
      await first.cache.drain();
      expect(await first.cache.get('row')).toBeUndefined();
      await first.cache.getOrSet('row', () => 'new', { ...windows, tags: () => ['account:7'] });
      await first.cache.drain();
      await clock.advance(30 * 60_000);
      expect(await first.cache.get('row')).toBe('new');
    });
  }
});

describe('a process that is cut off from the backend', () => {
  for (const l1 of [false, true]) {
    const cutOff = async (options: GetOrSetOptions<string>) => {
      const parts = fleet(3, l1);
      const { clock, first, second } = parts;
      await second.cache.getOrSet('k', () => 'very old', options);
      await second.cache.drain();
      await clock.advance(1_100);
      const production = deferred<string>();
      const early = first.cache.getOrSet('k', () => production.promise, options);
      early.catch(() => undefined);
      await setImmediate();
      first.link.change('down');
      expect(await second.cache.delete('k')).toEqual({ durable: true });
      return { ...parts, early, production };
    };

    it(`a process that is cut off does not share a load that began longer ago than the coherence bound, L1: ${String(l1)}`, async () => {
      const { clock, first, early, production } = await cutOff({});
      await clock.advance(2_999);
      const within = first.cache.getOrSet('k', () => 'too early');
      await setImmediate();
      await clock.advance(1);
      const late = first.cache.getOrSet('k', () => 'new');
      await setImmediate();
      production.resolve('old');
      expect(await Promise.all([early, within, late])).toEqual(['old', 'old', 'new']);
    });

    it.each([0, 10_000])(
      `does not give a stale value to who comes %s ms after the delete of another process, L1: ${String(l1)}`,
      async (ms) => {
        const { clock, first, early, production } = await cutOff({ staleIfError: '1h' });
        await clock.advance(ms);
        const late = first.cache.getOrSet('k', () => 'new', { staleIfError: '1h' });
        await setImmediate();
        production.reject(new Error('down'));
        expect(await Promise.all([early, late])).toEqual(['very old', 'new']);
      },
    );

    it(`a process that is cut off produces once for a thousand callers, L1: ${String(l1)}`, async () => {
      const { clock, first } = fleet(3, l1);
      first.link.change('down');
      const production = deferred<string>();
      let productions = 0;
      const produce = () => {
        productions++;
        return production.promise;
      };
      const asked: Promise<string>[] = [];
      for (let i = 0; i < 10; i++) {
        for (let j = 0; j < 100; j++) asked.push(first.cache.getOrSet('k', produce));
        await clock.advance(200);
      }
      production.resolve('v');
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['v']));
      expect(productions).toBe(1);
    });
  }
});

describe('a load that something else is invalidated beside', () => {
  for (const where of ['memory', 'shared', 'shared with L1'] as const) {
    const open = () => {
      const options = { ttl: '1h' } as const;
      if (where !== 'memory') return fleet(3, where === 'shared with L1', options);
      const opened = memory(options);
      return { ...opened, first: opened, second: opened };
    };
    const unrelated = { tags: ['of nobody'] };

    /** A caller and an invalidation of something else every second. */
    async function busy(
      options: GetOrSetOptions<string>,
      produce: (clock: ReturnType<typeof open>['clock']) => Promise<string>,
    ) {
      const opened = open();
      const { clock, first, second } = opened;
      let productions = 0;
      const asked: Promise<string>[] = [];
      for (let i = 0; i < 24; i++) {
        const call = first.cache.getOrSet(
          'k',
          () => {
            productions++;
            return produce(clock);
          },
          options,
        );
        call.catch(() => undefined);
        asked.push(call);
        await clock.advance(500);
        await second.cache.invalidate(unrelated);
        await clock.advance(500);
      }
      for (let i = 0; i < 60; i++) await clock.advance(1_000);
      return {
        ...opened,
        productions: () => productions,
        results: await Promise.allSettled(asked),
      };
    }
    const after = (ms: number) => (clock: ReturnType<typeof open>['clock']) =>
      new Promise<string>((resolve) => {
        clock.after(ms, () => {
          resolve('v');
        });
      });

    it(`a load is the only one of its key, however long it takes and whatever else is invalidated, ${where}`, async () => {
      const { first, results, productions } = await busy({}, after(25_000));
      expect(results.every((result) => result.status === 'fulfilled' && result.value === 'v')).toBe(
        true,
      );
      expect([productions(), first.cache.stats().flights]).toEqual([1, 0]);
    });

    it(`a load that fails is followed by one for all who came later, ${where}`, async () => {
      const failing = (clock: ReturnType<typeof open>['clock']) =>
        after(25_000)(clock).then(() => Promise.reject(new Error('down')));
      const { results, productions } = await busy({}, failing);
      expect(results.every((result) => result.status === 'rejected')).toBe(true);
      expect(productions()).toBe(2);
    });

    it(`a load that never settles holds no caller up for longer than its hard timeout and the caller's own, ${where}`, async () => {
      const { results, productions } = await busy(
        { producerTimeout: { hard: '30s' } },
        () => new Promise(() => undefined),
      );
      expect(results.every((result) => result.status === 'rejected')).toBe(true);
      expect(productions()).toBe(2);
    });

    async function closed(options: GetOrSetOptions<string> = {}) {
      const opened = open();
      const { first, second } = opened;
      const production = deferred<string>();
      const early = first.cache.getOrSet('k', () => production.promise, options);
      early.catch(() => undefined);
      await setImmediate();
      await second.cache.invalidate(unrelated);
      return { ...opened, early, production };
    }

    it(`a load whose result turns out to have an invalidated tag gives its value to no later caller, ${where}`, async () => {
      const { first, early, production } = await closed({ tags: () => ['of nobody'] });
      const late = first.cache.getOrSet('k', () => 'new', { tags: () => ['of nobody'] });
      await setImmediate();
      production.resolve('old');
      expect(await Promise.all([early, late])).toEqual(['old', 'new']);
    });

    it(`a load that is invalidated in the end gives its value to no later caller, ${where}`, async () => {
      const { clock, first, second, early, production } = await closed();
      const late = first.cache.getOrSet('k', () => 'new');
      await setImmediate();
      await second.cache.delete('k');
      const later = first.cache.getOrSet('k', () => 'newer');
      await clock.advance(100);
      production.resolve('old');
      await clock.advance(100);
      expect([await early, await late, await later]).toEqual(['old', 'newer', 'newer']);
    });

    it(`a load does not share its error with callers who came after an invalidation, ${where}`, async () => {
      const { first, early, production } = await closed();
      const late = first.cache.getOrSet('k', () => 'there it is');
      await setImmediate();
      production.reject(new Error('not there yet'));
      await expect(early).rejects.toThrow('not there yet');
      expect(await late).toBe('there it is');
    });

    it(`a load lets impatient callers go, and goes on for those who wait, ${where}`, async () => {
      const opened = open();
      const { first, second } = opened;
      const [one, two] = [new AbortController(), new AbortController()];
      const production = deferred<string>();
      let seen: AbortSignal | undefined;
      const produce = ({ signal }: { signal: AbortSignal }) => {
        seen = signal;
        return production.promise;
      };
      const early = first.cache.getOrSet('k', produce, { signal: one.signal });
      await setImmediate();
      await second.cache.invalidate(unrelated);
      const impatient = first.cache.getOrSet('k', () => 'unused', { signal: two.signal });
      const patient = first.cache.getOrSet('k', () => 'unused');
      await setImmediate();
      two.abort(new Error('two'));
      await expect(impatient).rejects.toThrow('two');
      one.abort(new Error('one'));
      await expect(early).rejects.toThrow('one');
      expect(seen?.aborted).toBe(false);
      production.resolve('v');
      expect(await patient).toBe('v');
    });

    it(`a caller who waits for a load that cannot be shared gets the stale value at the soft timeout, ${where}`, async () => {
      const options = { ttl: '1s', staleIfError: '1h', producerTimeout: { soft: '2s' } } as const;
      const { clock, first, second } = open();
      await first.cache.getOrSet('k', () => 'kept', options);
      await first.cache.drain();
      await clock.advance(1_100);
      const production = deferred<string>();
      const early = first.cache.getOrSet('k', () => production.promise, options);
      await setImmediate();
      await second.cache.invalidate(unrelated);
      await clock.advance(1_000);
      const late = first.cache.getOrSet('k', () => 'unused', options);
      await clock.advance(1_000);
      expect(await Promise.race([early, setImmediate('waiting')])).toBe('kept');
      expect(await Promise.race([late, setImmediate('waiting')])).toBe('waiting');
      await clock.advance(1_000);
      expect(await Promise.race([late, setImmediate('waiting')])).toBe('kept');
      production.resolve('new');
      await first.cache.drain();
      expect(await first.cache.get('k')).toBe('new');
    });

    it(`a producer that would wait for itself is refused whatever else was invalidated, ${where}`, async () => {
      const { first, second } = open();
      const gate = deferred<undefined>();
      const a = first.cache.getOrSet('a', async () => {
        await gate.promise;
        return first.cache.getOrSet('b', () => 'unused');
      });
      await setImmediate();
      await second.cache.invalidate(unrelated);
      const b = first.cache.getOrSet('b', () => first.cache.getOrSet('a', () => 'unused'));
      const both = Promise.allSettled([a, b]);
      await setImmediate();
      gate.resolve(undefined);
      const results = await both;
      expect(
        results.map((result) =>
          result.status === 'rejected' ? (result.reason as { code: string }).code : '',
        ),
      ).toContain('CACHE_REENTRANT');
    });
  }

  it('a load that waits for another process is the only one of its process', async () => {
    const { clock, first, second, third } = fleet(3, false, { ttl: '1h', lease: { wait: '10s' } });
    const held = deferred<string>();
    const holder = third.cache.getOrSet('k', () => held.promise);
    await setImmediate();
    let productions = 0;
    const asked: Promise<string>[] = [];
    for (let i = 0; i < 9; i++) {
      asked.push(first.cache.getOrSet('k', () => `own ${String(++productions)}`));
      await clock.advance(500);
      await second.cache.invalidate({ tags: ['of nobody'] });
      await clock.advance(500);
    }
    await clock.advance(2_000);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['own 1']));
    held.resolve('held');
    expect(await holder).toBe('held');
  });
});

describe('a refresh before the end of the ttl', () => {
  it('a refresh before the end of the ttl that fails is tried again after a pause, not at every hit', async () => {
    const options = { ttl: 100_000, refreshAhead: 0.5 } as const;
    const { clock, cache } = memory();
    await cache.getOrSet('k', () => 'v', options);
    await cache.drain();
    await clock.advance(60_000);
    let productions = 0;
    const hits = async () => {
      for (let i = 0; i < 100; i++) {
        const hit = await cache.getOrSet(
          'k',
          (): string => {
            productions++;
            throw new Error('down');
          },
          options,
        );
        expect(hit).toBe('v');
        await cache.drain();
      }
      return productions;
    };
    expect(await hits()).toBe(1);
    await clock.advance(1_000);
    expect(await hits()).toBe(2);
    await clock.advance(2_000);
    await cache.getOrSet('k', () => 'new', options);
    await cache.drain();
    expect(await cache.get('k')).toBe('new');
  });
});

describe('a caller in the tick in which a producer asks for its own key', () => {
  it('a caller in the tick in which a producer asks for its own key joins the load, without the error of the producer', async () => {
    const { cache } = memory();
    const outside = new AsyncResource('outside');
    const production = deferred<string>();
    let inner: Promise<string> | undefined;
    let other: Promise<string> | undefined;
    const first = cache.getOrSet('k', () => {
      inner = cache.getOrSet('k', () => 'inner');
      inner.catch(() => undefined);
      other = outside.runInAsyncScope(() => cache.getOrSet('k', () => 'other'));
      return production.promise;
    });
    await setImmediate();
    production.resolve('v');
    expect([await first, await other]).toEqual(['v', 'v']);
    await expect(inner).rejects.toMatchObject({ code: 'CACHE_REENTRANT' });
  });
});
