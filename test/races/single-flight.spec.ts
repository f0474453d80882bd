import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { CacheKey } from '../../lib/core/key/key.js';
import { ProducerTimeoutError, ReentrantProducerError } from '../../lib/ports/errors.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { SimulatedLink } from '../support/simulated-backend.js';
import { SimulatedServer } from '../support/simulated-server.js';
import { wiredCache } from '../support/wired-cache.js';

const immediately = () => Promise.resolve();

function open(where: 'memory' | 'shared' | 'shared with L1') {
  const clock = new FakeClock();
  const options = { jitter: 0 };
  if (where === 'memory') return wiredCache({ clock, holder: 'm', options });
  const store = new SimulatedLink(
    new SimulatedServer(clock),
    'p',
    immediately,
    () => 'answered',
    false,
  );
  return wiredCache({ clock, holder: 'p', store, l1: where !== 'shared', options });
}

function expectEmpty({ cache, engine }: ReturnType<typeof open>) {
  expect(cache.stats()).toMatchObject({ flights: 0, background: 0, journal: 0 });
  expect(engine.leases?.size ?? 0).toBe(0);
}

const figures: string[] = [];
afterAll(() => {
  console.log(figures.join('\n'));
});

for (const where of ['memory', 'shared', 'shared with L1'] as const) {
  for (const callers of [1_000, 10_000]) {
    describe(`${String(callers)} callers of one cold key, ${where}`, () => {
      const counting = (produce: () => unknown) => {
        const count = { productions: 0 };
        const producer = async () => {
          count.productions++;
          await setImmediate();
          return produce();
        };
        return { count, producer };
      };

      it.each([
        ['an object', { id: 1 }],
        ['null', null],
        ['undefined', undefined],
      ])('cause one production of %s', async (name, value) => {
        const opened = open(where);
        const { count, producer } = counting(() => value);
        const results = await Promise.all(
          Array.from({ length: callers }, () => opened.cache.getOrSet<unknown>('k', producer)),
        );
        expect(count.productions).toBe(1);
        expect(results.every((result) => JSON.stringify(result) === JSON.stringify(value))).toBe(
          true,
        );
        await opened.cache.drain();
        const { cache_hits, cache_misses } = opened.cache.stats();
        expect(cache_hits + cache_misses).toBe(callers);
        expectEmpty(opened);
        figures.push(
          `${String(callers)} callers, ${where}, ${name}: ${String(count.productions)} production`,
        );
      });

      it('callers of one cold key cause one production that fails, and share its error', async () => {
        const opened = open(where);
        const failure = new Error('the database is down');
        const { count, producer } = counting(() => {
          throw failure;
        });
        const results = await Promise.allSettled(
          Array.from({ length: callers }, () => opened.cache.getOrSet('k', producer)),
        );
        expect(count.productions).toBe(1);
        expect(
          results.every((result) => result.status === 'rejected' && result.reason === failure),
        ).toBe(true);
        await opened.cache.drain();
        expectEmpty(opened);
        figures.push(
          `${String(callers)} callers, ${where}, failing: ${String(count.productions)} production`,
        );
      });

      it('callers of one cold key who arrive one after the other while it is produced cause one production', async () => {
        const opened = open(where);
        const { count, producer } = counting(() => 'v');
        const waiting: Promise<unknown>[] = [];
        for (let i = 0; i < callers / 100; i++) {
          for (let j = 0; j < 100; j++) waiting.push(opened.cache.getOrSet('k', producer));
          await Promise.resolve();
        }
        expect(new Set(await Promise.all(waiting))).toEqual(new Set(['v']));
        expect(count.productions).toBe(1);
      });
    });
  }
}

describe('a producer that never settles', () => {
  it('a producer that never settles frees its key at the hard timeout, for a thousand keys', async () => {
    const opened = open('memory');
    const { cache, clock } = opened;
    const options = { producerTimeout: { hard: '5s' } } as const;
    const signals: AbortSignal[] = [];
    const asked = Array.from({ length: 1_000 }, (_, i) =>
      cache.getOrSet(
        `k${String(i)}`,
        ({ signal }) => {
          signals.push(signal);
          return new Promise<string>(() => undefined);
        },
        options,
      ),
    );
    const settled = Promise.allSettled(asked);
    await clock.advance(4_999);
    expect(cache.stats().flights).toBe(1_000);
    expect(signals.some((signal) => signal.aborted)).toBe(false);
    await clock.advance(1);
    const results = await settled;
    expect(
      results.every(
        (result) => result.status === 'rejected' && result.reason instanceof ProducerTimeoutError,
      ),
    ).toBe(true);
    expect(signals.every((signal) => signal.aborted)).toBe(true);
    await cache.drain();
    expectEmpty(opened);
    expect(cache.stats().cache_producer_timeouts).toBe(1_000);
    expect(
      await Promise.all([0, 999].map((i) => cache.getOrSet(`k${String(i)}`, () => 'works again'))),
    ).toEqual(['works again', 'works again']);
    await cache.close();
    expect(clock.pending).toBe(0);
  });

  it('a producer that settles after its hard timeout does not have its value stored', async () => {
    const { cache, clock } = open('shared');
    let settle: (value: string) => void = () => undefined;
    const asked = cache.getOrSet('k', () => new Promise<string>((resolve) => (settle = resolve)), {
      producerTimeout: { hard: 100 },
    });
    asked.catch(() => undefined);
    await clock.advance(100);
    settle('late');
    await expect(asked).rejects.toMatchObject({
      code: 'CACHE_PRODUCER_TIMEOUT',
      message: expect.stringContaining('100 ms') as string,
    });
    await cache.drain();
    expect(await cache.get('k')).toBeUndefined();
  });

  it('the error of a hard timeout says what to do', async () => {
    const { cache, clock } = open('memory');
    const key = CacheKey.builder().segment('report').param('m', 1).build();
    const asked = cache.getOrSet(key, () => new Promise(() => undefined));
    asked.catch(() => undefined);
    await clock.advance(30_000);
    await expect(asked).rejects.toThrow(
      'The producer of segment "report" did not settle within 30000 ms (producerTimeout.hard). Pass its signal on to what it waits for, or raise the timeout.',
    );
  });
});

describe('callers who lose patience', () => {
  for (const where of ['memory', 'shared'] as const) {
    it(`callers who lose patience leave the others undisturbed, ${where}`, async () => {
      const { cache } = open(where);
      const impatience = new AbortController();
      let signal: AbortSignal | undefined;
      let finish: (value: string) => void = () => undefined;
      const producer = (context: { signal: AbortSignal }) => {
        signal = context.signal;
        return new Promise<string>((resolve) => (finish = resolve));
      };
      const impatient = cache.getOrSet('k', producer, { signal: impatience.signal });
      const patient = Array.from({ length: 9 }, () => cache.getOrSet('k', producer));
      await setImmediate();
      const reason = new Error('no patience');
      impatience.abort(reason);
      await expect(impatient).rejects.toBe(reason);
      expect(signal?.aborted).toBe(false);
      finish('v');
      expect(await Promise.all(patient)).toEqual(Array.from({ length: 9 }, () => 'v'));
      await cache.drain();
      expect(await cache.get('k')).toBe('v');
    });

    it(`callers who lose patience end the production when they are the last, ${where}`, async () => {
      const opened = open(where);
      const { cache } = opened;
      const controllers = Array.from({ length: 10 }, () => new AbortController());
      let signal: AbortSignal | undefined;
      let finish: (value: string) => void = () => undefined;
      const asked = controllers.map((controller) =>
        cache.getOrSet(
          'k',
          (context) => {
            signal = context.signal;
            return new Promise<string>((resolve) => (finish = resolve));
          },
          { signal: controller.signal },
        ),
      );
      await setImmediate();
      for (const controller of controllers) controller.abort();
      const results = await Promise.allSettled(asked);
      expect(results.every(({ status }) => status === 'rejected')).toBe(true);
      expect(signal?.aborted).toBe(true);
      finish('nobody wants this');
      await cache.drain();
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.getOrSet('k', () => 'new')).toBe('new');
      await cache.drain();
      expectEmpty(opened);
    });
  }

  it('callers who had lost patience before they came do not hold a producer up', async () => {
    const opened = open('memory');
    await expect(
      opened.cache.getOrSet('k', () => 'v', { signal: AbortSignal.abort(new Error('gone')) }),
    ).rejects.toThrow('gone');
    await opened.cache.drain();
    expectEmpty(opened);
  });
});

describe('a producer that waits for itself', () => {
  for (const where of ['memory', 'shared', 'shared with L1'] as const) {
    it(`a producer that waits for itself is refused when it asks for its own key, ${where}`, async () => {
      const { cache } = open(where);
      const ask = (): Promise<unknown> => cache.getOrSet('k', ask);
      await expect(ask()).rejects.toBeInstanceOf(ReentrantProducerError);
      await expect(ask()).rejects.toThrow(
        'The producer of #8aec8907601bd40c asked for #8aec8907601bd40c, which waits for this producer: neither could ever end. ' +
          'Call the uncached method inside the producer, or give the inner call its own key.',
      );
      await cache.drain();
      expect(await cache.getOrSet('k', () => 'works')).toBe('works');
    });

    it(`a producer that waits for itself is named by its segment only, because keys may hold personal data, ${where}`, async () => {
      const { cache } = open(where);
      const key = CacheKey.builder().segment('users').param('email', 'ann@example.com').build();
      const said: string[] = [];
      cache.events.on((event) => said.push('error' in event ? String(event.error) : ''));
      const ask = (): Promise<unknown> => cache.getOrSet(key, ask);
      await expect(ask()).rejects.toThrow(
        /^The producer of users#[0-9a-f]{16} asked for users#[0-9a-f]{16}, which/,
      );
      await cache.drain();
      expect(said.some((text) => text.includes('users#'))).toBe(true);
      expect(said.filter((text) => text.includes('ann'))).toEqual([]);
    });

    it(`a producer that waits for itself through another key is refused, ${where}`, async () => {
      const { cache } = open(where);
      const a = (): Promise<unknown> => cache.getOrSet('a', b);
      const b = (): Promise<unknown> => cache.getOrSet('b', a);
      await expect(a()).rejects.toBeInstanceOf(ReentrantProducerError);
    });

    it(`a producer that waits for itself through a load of another caller is refused, ${where}`, async () => {
      const { cache } = open(where);
      let open_: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (open_ = resolve));
      const after = (key: string, other: string) => async () => {
        await gate;
        return cache.getOrSet(other, () => `${key} made ${other}`);
      };
      const both = Promise.allSettled([
        cache.getOrSet('a', after('a', 'b')),
        cache.getOrSet('b', after('b', 'a')),
      ]);
      await setImmediate();
      open_();
      const results = await both;
      expect(
        results.some(
          (result) =>
            result.status === 'rejected' && result.reason instanceof ReentrantProducerError,
        ),
      ).toBe(true);
      await cache.drain();
      expect(cache.stats().flights).toBe(0);
    });
  }

  it('a producer that asks for several keys at the same time is not mistaken for one that waits for itself', async () => {
    const { cache } = open('memory');
    const value = await cache.getOrSet('outer', async () => {
      const [one, two] = await Promise.all([
        cache.getOrSet('inner', () => 1),
        cache.getOrSet('inner', () => 2),
      ]);
      return [one, two];
    });
    expect(value).toEqual([1, 1]);
  });
});

describe('the context of a request', () => {
  const requests = new AsyncLocalStorage<string>();

  it('a production runs in the context of its first caller, and a background refresh in none', async () => {
    const { cache, clock } = open('memory');
    const seen: (string | undefined)[] = [];
    const produce = async () => {
      await setImmediate();
      seen.push(requests.getStore());
      return seen.length;
    };
    const options = { ttl: '1s', staleWhileRevalidate: '1m' } as const;
    await requests.run('anna', () => cache.getOrSet('k', produce, options));
    await clock.advance(1_500);
    await requests.run('berta', () => cache.getOrSet('k', produce, options));
    await cache.drain();
    expect(seen).toEqual(['anna', undefined]);
  });

  it('a production never crosses tenants: each has its own', async () => {
    const { cache } = open('memory');
    const ask = (tenant: string) =>
      requests.run(tenant, () =>
        cache.getOrSet(CacheKey.builder().tenant(tenant).segment('s').build(), async () => {
          await setImmediate();
          return requests.getStore();
        }),
      );
    const tenants = Array.from({ length: 50 }, (_, i) => `t${String(i % 10)}`);
    expect(await Promise.all(tenants.map(ask))).toEqual(tenants);
    expect(cache.stats().cache_productions).toBe(10);
  });
});
