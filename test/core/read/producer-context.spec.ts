import { describe, expect, it } from 'vitest';
import { RecordingContext } from '../../../lib/core/read/producer-context.js';
import { SharedValue } from '../../../lib/core/read/shared-value.js';
import { emptyLookup } from '../../../lib/core/read/lookup.js';
import { callOf, entryOf, flightOf } from './support.js';

describe('the context of a producer', () => {
  it('records what the producer decides, also when it takes the methods out of it', () => {
    const context = new RecordingContext(flightOf('k'));
    expect([context.ttl, context.tags, context.isSkipped]).toEqual([undefined, [], false]);
    const { setTtl, setWindows, addTags, skip } = context;
    setTtl('2s');
    setWindows({ staleWhileRevalidate: '3s' });
    setWindows({ staleIfError: 4_000 });
    addTags('a', 'b');
    addTags('c');
    skip();
    expect(context).toMatchObject({
      ttl: 2_000,
      staleWhileRevalidate: 3_000,
      staleIfError: 4_000,
      tags: ['a', 'b', 'c'],
      isSkipped: true,
    });
  });

  it('refuses what is no duration, and windows that do not exist', () => {
    const { setTtl, setWindows } = new RecordingContext(flightOf('k'));
    expect(() => {
      setTtl('soon' as never);
    }).toThrow(/^setTtl\(ttl\) must be a duration/);
    expect(() => {
      setWindows({ swr: 5 } as never);
    }).toThrow('Unknown option of setWindows "swr".');
    expect(() => {
      setWindows({ staleIfError: -1 });
    }).toThrow(/^setWindows: staleIfError must be a duration/);
  });

  it('tells whether the production is in the background, and has the signal of its flight', () => {
    const [load, refresh] = [flightOf('k'), flightOf('k', { kind: 'refresh' })];
    expect(new RecordingContext(load).background).toBe(false);
    expect(new RecordingContext(refresh).background).toBe(true);
    const { signal } = new RecordingContext(load);
    load.abort('enough');
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough']);
  });

  it('has the stale value, when there is one', () => {
    const stale = {
      ...emptyLookup(callOf('k'), 'l1' as const, 0, entryOf()),
      value: new SharedValue('old'),
    };
    expect(new RecordingContext(flightOf('k', { stale })).stale).toEqual({ value: 'old' });
    expect(new RecordingContext(flightOf('k')).stale).toBeUndefined();
  });
});
