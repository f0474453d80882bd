import { describe, expect, it } from 'vitest';
import { type CacheEvent, CacheEvents } from '../../../lib/core/observe/events.js';

const gap = (reason: string): CacheEvent => ({ type: 'notices_missed', reason });
const outcome: CacheEvent = { type: 'outcome', outcome: 'hit', tier: 'l1', key: 'k' };

describe('events', () => {
  it('reach every listener until it ends, and what another listener throws becomes a warning', () => {
    const warned: unknown[] = [];
    const events = new CacheEvents((error) => warned.push(error));
    const received: CacheEvent[] = [];
    const failure = new Error('a bad listener');
    expect(events.hasListeners).toBe(false);
    events.on(() => {
      throw failure;
    });
    const end = events.on((event) => received.push(event));
    expect(events.hasListeners).toBe(true);
    events.emit(gap('x'));
    end();
    events.emit(gap('y'));
    expect([received, warned]).toEqual([[gap('x')], [failure, failure]]);
  });

  it('leave the outcomes out for listeners to problems, for which no outcome has to be made', () => {
    const events = new CacheEvents(() => undefined);
    const received: CacheEvent[] = [];
    const end = events.onProblem((event) => received.push(event));
    expect([events.hasListeners, events.hasOutcomeListeners]).toEqual([true, false]);
    events.emit(outcome);
    events.emit(gap('x'));
    expect(received).toEqual([gap('x')]);
    end();
    expect(events.hasListeners).toBe(false);
  });

  it('refuse a listener that is not a function', () => {
    const events = new CacheEvents(() => undefined);
    expect(() => events.on('outcome' as never)).toThrow(
      'events.on takes one function, called for events of every type: events.on((event) => { ... }); got "outcome".',
    );
    expect(() => events.onProblem(null as never)).toThrow(/takes one function.*got null/);
  });
});
