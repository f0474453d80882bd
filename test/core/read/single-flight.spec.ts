import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { SingleFlight } from '../../../lib/core/read/single-flight.js';
import { responseCodec } from '../../../lib/http/response-codec.js';
import { flightOf } from './support.js';

const invalidation = {
  scope: '',
  groups: ['t:a'],
  match: 'any',
  mode: 'hard',
  settleMs: 0,
} as const;

function setUp() {
  const flights = new SingleFlight();
  return { flights, joinable: (key: string) => flights.joinable(key, jsonCodec) };
}

describe('the flights of a cache', () => {
  it('are joinable until they are detached, and leave by themselves', () => {
    const { flights, joinable } = setUp();
    const first = flightOf('k');
    flights.add(first);
    expect(joinable('k')).toBe(first);
    flights.onKeyInvalidated(first.storageKey);
    expect([joinable('k'), flights.size, first.storable]).toEqual([undefined, 1, false]);
    const second = flightOf('k');
    flights.add(second);
    flights.remove(first);
    expect([joinable('k'), flights.size]).toEqual([second, 1]);
    flights.remove(second);
    expect([joinable('k'), flights.size, flights.has('k')]).toEqual([undefined, 0, false]);
  });

  it('are found by their key, the older ones too, however many others run', () => {
    const { flights, joinable } = setUp();
    const [first, second, third, other] = [
      flightOf('k'),
      flightOf('k'),
      flightOf('k'),
      flightOf('other'),
    ];
    for (const flight of [first, second, other, third]) flights.add(flight);
    flights.remove(third);
    expect([joinable('k'), flights.has('k')]).toEqual([second, true]);
    flights.onKeyInvalidated('k');
    expect([first, second, third, other].map(({ storable }) => storable)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    flights.remove(first);
    flights.remove(second);
    expect([flights.size, flights.has('k'), joinable('other')]).toEqual([1, false, other]);
  });

  it('are joined by callers of a compatible codec only', () => {
    const { flights } = setUp();
    const [value, response] = [flightOf('k'), flightOf('k', { codec: responseCodec })];
    flights.add(value);
    flights.add(response);
    expect([flights.joinable('k', jsonCodec), flights.joinable('k', responseCodec)]).toEqual([
      value,
      response,
    ]);
    expect(flights.storable('k', responseCodec)).toBe(response);
  });

  it('can still be stored when they only stopped taking callers', () => {
    const { flights, joinable } = setUp();
    const flight = flightOf('k');
    flights.add(flight);
    flights.stopJoiningAll();
    expect([joinable('k'), flights.storable('k', jsonCodec)]).toEqual([undefined, flight]);
    flight.detach();
    expect(flights.storable('k', jsonCodec)).toBeUndefined();
  });

  it('cost the invalidation of another key nothing', () => {
    const { flights } = setUp();
    let reads = 0;
    for (let i = 0; i < 1_000; i++) {
      const flight = flightOf(`k${String(i)}`);
      flights.add(
        new Proxy(flight, {
          get: (target, name) => (reads++, Reflect.get(target, name) as unknown),
        }),
      );
    }
    reads = 0;
    for (let i = 0; i < 1_000; i++) flights.onKeyInvalidated(`other${String(i)}`);
    expect(reads).toBe(0);
  });

  it('are detached by a group they are in, and stop joining by one that their result may turn out to have', () => {
    const { flights } = setUp();
    const [inside, outside] = [flightOf('in', { tags: ['a'] }), flightOf('out')];
    flights.add(inside);
    flights.add(outside);
    flights.onGroupsInvalidated(invalidation);
    expect([inside, outside].map(({ joinable, storable }) => [joinable, storable])).toEqual([
      [false, false],
      [false, true],
    ]);
  });

  it('are left alone by an invalidation of another scope', () => {
    const { flights } = setUp();
    const flight = flightOf('k', { tags: ['a'] });
    flights.add(flight);
    flights.onGroupsInvalidated({ ...invalidation, scope: 'tenant' });
    expect([flight.joinable, flight.storable]).toEqual([true, true]);
  });

  it('are aborted and forgotten when the cache that owns them is closed, and no others', async () => {
    const { flights } = setUp();
    const [mine, other] = [{}, {}];
    const [first, second] = [flightOf('k', { owner: mine }), flightOf('k', { owner: other })];
    flights.add(first);
    flights.add(second);
    expect(flights.ownedBy(mine)).toEqual([first]);
    flights.abortAll(mine, 'closed');
    await expect(first.result).rejects.toBe('closed');
    expect([first.signal.aborted, second.signal.aborted, flights.size]).toEqual([true, false, 1]);
    await first.whenFinished();
    expect(flights.ownedBy(other)).toEqual([second]);
  });
});
