import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../lib/codecs/json.js';
import type { CacheEvent } from '../../../lib/core/observe/events.js';
import { Reporter } from '../../../lib/core/observe/reporter.js';
import { EntryBuilder } from '../../../lib/core/read/entry-builder.js';
import { RecordingContext } from '../../../lib/core/read/producer-context.js';
import { tryFreeze } from '../../../lib/core/read/shared-value.js';
import type { Tiers } from '../../../lib/core/read/tiers.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { callOf, flightOf } from './support.js';

function setUp({ isolation = 'copy', maxValueBytes = 1_000 } = {}) {
  const clock = new FakeClock(1_000);
  const reporter = new Reporter(true, () => undefined);
  const events: CacheEvent[] = [];
  reporter.events.on((event) => events.push(event));
  const tiers: Pick<Tiers, 'now' | 'freeze'> = {
    now: () => clock.now(),
    freeze: (codec, body) => (isolation === 'freeze' ? tryFreeze(codec, body) : undefined),
  };
  const entries = new EntryBuilder(tiers as Tiers, clock, reporter, maxValueBytes);
  const build = (value: unknown, parts: Parameters<typeof flightOf>[1] = {}) => {
    const flight = flightOf('k', { options: { ttl: 500 }, ...parts });
    flight.startedAt = 980;
    flight.startTicks = [7];
    const recorded = new RecordingContext(flight);
    return { flight, recorded, produce: () => entries.build(flight, recorded, value) };
  };
  return { clock, events, entries, build };
}

describe('the entry of a produced value', () => {
  it('has the windows of the call, what the production cost, and the ticks from before it', () => {
    const options = { ttl: 500, staleWhileRevalidate: 50, staleIfError: 90 };
    const { produce } = setUp().build({ a: 1 }, { options, tags: ['t'] });
    const { value, entry, frozen } = produce();
    expect(value.value()).toEqual({ a: 1 });
    expect(frozen).toBeUndefined();
    expect(entry).toEqual({
      key: 'k',
      codec: 'json',
      body: '{"a":1}',
      createdAt: 1_000,
      freshUntil: 1_500,
      staleUntil: 1_550,
      fallbackUntil: 1_590,
      cost: 20,
      startTicks: [7],
      tags: ['t'],
    });
  });

  it('has the ttl, the windows and the tags that the producer decides', () => {
    const { recorded, produce } = setUp().build(1, { tags: ['b'], resultTags: () => ['a'] });
    recorded.setTtl('2s');
    recorded.setWindows({ staleIfError: '1s' });
    recorded.addTags('c', 'b');
    expect(produce().entry).toMatchObject({
      freshUntil: 3_000,
      staleUntil: 3_000,
      fallbackUntil: 4_000,
      tags: ['a', 'b', 'c'],
    });
  });

  it('ends with a settle window in which the production began', () => {
    const { flight, produce } = setUp().build(1);
    flight.settleUntil = 1_100;
    expect(produce().entry).toMatchObject({ freshUntil: 1_100, fallbackUntil: 1_100 });
  });

  it('shares one frozen value when memory keeps values frozen', () => {
    const { value, frozen } = setUp({ isolation: 'freeze' })
      .build({ a: [1] })
      .produce();
    expect(value.value()).toBe(frozen?.value);
    expect(Object.isFrozen(value.value())).toBe(true);
  });
});

describe('no entry is made', () => {
  it.each([
    ['of undefined', undefined, {}],
    ['with a ttl of 0', 1, { options: { ttl: 0 } }],
    ['when unless says so', 1, { unless: () => true }],
  ])('%s', (_, value, parts) => {
    const { events, build } = setUp();
    const produced = build(value, parts).produce();
    expect([produced.value.value(), produced.entry, events]).toEqual([value, undefined, []]);
  });

  it('when the producer skips it, an invalidation has overtaken it, or its settle window is over', () => {
    const { build } = setUp();
    const skipped = build(1);
    skipped.recorded.skip();
    const overtaken = build(1);
    overtaken.flight.detach();
    const settled = build(1);
    settled.flight.settleUntil = 1_000;
    for (const { produce } of [skipped, overtaken, settled]) {
      expect(produce().entry).toBeUndefined();
    }
  });

  it('of a value that the codec cannot keep or that is too large, which is reported', () => {
    const { events, build } = setUp({ maxValueBytes: 10 });
    const odd = () => 1;
    expect(build(odd).produce()).toMatchObject({ entry: undefined });
    const large = build('x'.repeat(20)).produce();
    expect([large.entry, large.value.value()]).toEqual([undefined, 'x'.repeat(20)]);
    expect(events).toMatchObject([
      { type: 'unstorable', key: 'k' },
      {
        type: 'unstorable',
        error: { message: 'The encoded value has 22 bytes; maxValueBytes is 10.' },
      },
    ]);
  });

  it.each([
    ['unless', { unless: fail }],
    ['tags', { resultTags: fail }],
  ])('when the callback %s throws, which is reported', (callback, parts) => {
    const { events, build } = setUp();
    const produced = build(1, parts).produce();
    expect([produced.value.value(), produced.entry]).toEqual([1, undefined]);
    expect(events).toMatchObject([{ type: 'callback_failed', callback, key: 'k' }]);
  });
});

describe('a value that nobody stores', () => {
  it('is encoded only when several callers share it, so that each gets a copy', () => {
    let encoded = 0;
    const codec = {
      ...jsonCodec,
      text: undefined,
      encode: (value: unknown) => (encoded++, jsonCodec.encode(value)),
    };
    const alone = setUp().build({ a: 1 }, { codec: codec as never });
    alone.flight.addCaller();
    alone.recorded.skip();
    alone.produce();
    expect(encoded).toBe(0);
    const shared = setUp().build({ a: 1 }, { codec: codec as never });
    shared.flight.addCaller();
    shared.flight.addCaller();
    shared.recorded.skip();
    const { value } = shared.produce();
    expect([encoded, value.value() === value.value()]).toEqual([1, false]);
  });
});

describe('a value that the user gives', () => {
  it('is encoded with its tags and ttl, and not at all when it is not to be stored', () => {
    const { entries } = setUp({ maxValueBytes: 10 });
    const call = callOf('k', { tags: ['b'], resultTags: () => ['a'], options: { ttl: 500 } });
    expect(entries.encode(call, 1)).toEqual({ body: '1', ttl: 500, tags: ['a', 'b'] });
    expect(entries.encode(call, undefined)).toBeUndefined();
    expect(entries.encode(call, 'x'.repeat(20))).toBeUndefined();
    expect(() => entries.encode(call, () => 1)).toThrow(
      expect.objectContaining({ code: 'CACHE_CODEC' }),
    );
  });

  it('throws what a callback throws: its caller is there to be told', () => {
    expect(() => setUp().entries.encode(callOf('k', { resultTags: fail }), 1)).toThrow(
      'a bad callback',
    );
  });
});

function fail(): never {
  throw new Error('a bad callback');
}
