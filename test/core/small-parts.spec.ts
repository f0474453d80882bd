import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/codecs/json.js';
import { Background } from '../../lib/core/observe/background.js';
import { Backoff } from '../../lib/core/read/backoff.js';
import { type CacheEvent, CacheEvents } from '../../lib/core/observe/events.js';
import { Flight } from '../../lib/core/read/flight.js';
import { deepFreeze } from '../../lib/core/read/freeze.js';
import { SingleFlight } from '../../lib/core/read/single-flight.js';
import { encode, frozenOf, Shared, takerOf } from '../../lib/core/read/shared-value.js';
import { createCache } from '../../lib/create-cache.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';

const flightOf = (key: string, tags: readonly string[] = []) =>
  new Flight(
    key,
    [{ scope: '', groups: ['*', ...tags.map((tag) => `t:${tag}`)] }],
    false,
    undefined,
  );
const invalidation = {
  scope: '',
  groups: ['t:a'],
  match: 'any',
  mode: 'hard',
  settleMs: 0,
} as const;

describe('the flights of a cache', () => {
  it('are found until they are detached, and leave by themselves', () => {
    const flights = new SingleFlight();
    const first = flightOf('k');
    flights.add(first);
    expect(flights.find('k')).toBe(first);
    flights.keyMoved('k');
    expect([flights.find('k'), flights.size, first.storable]).toEqual([undefined, 1, false]);
    const second = flightOf('k');
    flights.add(second);
    flights.remove(first);
    expect([flights.find('k'), flights.size]).toEqual([second, 1]);
    flights.remove(second);
    expect([flights.find('k'), flights.size]).toEqual([undefined, 0]);
  });

  it('are found by their key, the older ones too, however many others run', () => {
    const flights = new SingleFlight();
    const [first, second, third, other] = [
      flightOf('k'),
      flightOf('k'),
      flightOf('k'),
      flightOf('other'),
    ];
    for (const flight of [first, second, other, third]) flights.add(flight);
    flights.remove(third);
    flights.keyMoved('k');
    expect([first, second, third, other].map(({ storable }) => storable)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    flights.remove(first);
    flights.remove(second);
    expect([flights.size, flights.find('other')]).toEqual([1, other]);
  });

  it('cost a change of other keys nothing', () => {
    const flights = new SingleFlight();
    let looks = 0;
    for (let i = 0; i < 1_000; i++) {
      const flight = flightOf(`k${String(i)}`);
      flights.add(
        new Proxy(flight, {
          get: (target, name) => (looks++, Reflect.get(target, name) as unknown),
        }),
      );
    }
    looks = 0;
    for (let i = 0; i < 1_000; i++) flights.keyMoved(`other${String(i)}`);
    expect(looks).toBe(0);
  });

  it('are detached by a group they are in, and only closed by one that their result may turn out to have', () => {
    const flights = new SingleFlight();
    const [inside, outside] = [flightOf('in', ['a']), flightOf('out')];
    flights.add(inside);
    flights.add(outside);
    flights.groupsMoved(invalidation);
    expect([inside.joinable, inside.storable, outside.joinable, outside.storable]).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('of another scope are left alone', () => {
    const flights = new SingleFlight();
    const flight = flightOf('k', ['a']);
    flights.add(flight);
    flights.groupsMoved({ ...invalidation, scope: 'tenant' });
    expect([flight.joinable, flight.storable]).toEqual([true, true]);
  });

  it('abort their production when the last caller leaves, and not before', () => {
    const flight = flightOf('k');
    flight.enter();
    flight.enter();
    flight.leave('one');
    expect(flight.signal.aborted).toBe(false);
    flight.leave('two');
    expect([flight.signal.aborted, flight.signal.reason, flight.joinable]).toEqual([
      true,
      'two',
      false,
    ]);
  });
});

describe('the pauses after failures', () => {
  it('double from one second to thirty, end with a success, and are forgotten by the oldest', () => {
    const backoff = new Backoff();
    const lengths: number[] = [];
    for (let i = 0; i < 7; i++) {
      backoff.onFailure('k', 0);
      let length = 0;
      while (backoff.isPaused('k', length)) length += 500;
      lengths.push(length);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(backoff.isPaused('other', 0)).toBe(false);
    backoff.onSuccess('k');
    expect(backoff.isPaused('k', 0)).toBe(false);
    for (let i = 0; i <= 10_000; i++) backoff.onFailure(String(i), 0);
    expect([backoff.isPaused('0', 0), backoff.isPaused('1', 0)]).toEqual([false, true]);
    backoff.clear();
    expect(backoff.isPaused('1', 0)).toBe(false);
  });
});

describe('work that nobody awaits', () => {
  it('is counted, waited for with all that it starts, and its failures are reported', async () => {
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

describe('events', () => {
  it('reach every listener, whatever another one throws, until it has enough', () => {
    const warned: unknown[] = [];
    const events = new CacheEvents((error) => warned.push(error));
    const heard: CacheEvent[] = [];
    const failure = new Error('a bad listener');
    expect(events.hasListeners).toBe(false);
    events.on(() => {
      throw failure;
    });
    const end = events.on((event) => heard.push(event));
    expect(events.hasListeners).toBe(true);
    events.emit({ type: 'notices_missed', reason: 'x' });
    end();
    events.emit({ type: 'notices_missed', reason: 'y' });
    expect([heard, warned]).toEqual([[{ type: 'notices_missed', reason: 'x' }], [failure, failure]]);
  });

  it('tell exactly one outcome for each call, and hits and misses are the calls', async () => {
    const clock = new FakeClock();
    const cache = createCache({
      clock,
      jitter: 0,
      ttl: '1s',
      staleWhileRevalidate: '1m',
      staleIfError: '1h',
    });
    const outcomes: string[] = [];
    cache.events.on((event) => {
      if (event.type === 'outcome') outcomes.push(event.outcome);
    });
    const fail = () => {
      throw new Error('down');
    };
    await cache.getOrSet('k', () => 1);
    await cache.getOrSet('k', () => 1);
    await Promise.all([cache.getOrSet('j', () => 1), cache.getOrSet('j', () => 1)]);
    await cache.get('none');
    await cache.getOrSet('e', fail).catch(() => undefined);
    await clock.advance(2_000);
    await cache.getOrSet('k', () => 2);
    await cache.drain();
    await clock.advance(100_000);
    await cache.getOrSet('k', fail);
    const { cache_hits, cache_misses, cache_stale, cache_fallback, cache_joined } = cache.stats();
    expect(outcomes.sort()).toEqual([
      'error',
      'fallback',
      'hit',
      'joined',
      'miss',
      'miss',
      'miss',
      'stale',
    ]);
    expect([cache_hits, cache_misses, cache_stale, cache_fallback, cache_joined]).toEqual([
      2, 6, 1, 1, 1,
    ]);
    await cache.close();
  });
});

describe('a value for many', () => {
  it('is itself for the first, and a copy for everyone else', () => {
    const value = { list: [1] };
    const taker = takerOf(value, jsonCodec, encode(jsonCodec, value));
    const [first, second, third] = [taker.take(), taker.take(), taker.take()];
    expect(first).toBe(value);
    expect(second).toEqual(value);
    expect(second).not.toBe(value);
    expect(third).not.toBe(second);
    expect(takerOf(7, jsonCodec, '7')).toBeInstanceOf(Shared);
  });

  it('is frozen all the way down when it can be, and else not at all shared', () => {
    const frozen = frozenOf(jsonCodec, encode(jsonCodec, { a: [{ b: 1 }] }))?.value as {
      a: { b: number }[];
    };
    expect([
      Object.isFrozen(frozen),
      Object.isFrozen(frozen.a),
      Object.isFrozen(frozen.a[0]),
    ]).toEqual([true, true, true]);
    expect(frozenOf(jsonCodec, encode(jsonCodec, { at: new Date(0) }))).toBeUndefined();
    expect(
      [new Map(), new Set(), new Date(), new Uint8Array(1), () => 1, { deep: [new Map()] }].map(
        (value) => deepFreeze(value),
      ),
    ).toEqual(Array.from({ length: 6 }, () => false));
    expect(
      [1, 'x', null, undefined, [], Object.create(null)].map((value: unknown) => deepFreeze(value)),
    ).toEqual(Array.from({ length: 6 }, () => true));
  });
});
