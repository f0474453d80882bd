import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createAsyncContext } from '../../../lib/async-context.js';
import type { BatchContext, ProducerContext } from '../../../lib/core/options/types.js';
import { BatchCollector } from '../../../lib/core/read/batch-collector.js';
import { RecordingContext } from '../../../lib/core/read/producer-context.js';
import { deferred } from '../../support/fleet.js';
import { flightOf } from './support.js';

interface Production {
  readonly indexes: readonly number[];
  readonly context: BatchContext;
}

function setUp(
  produce = (indexes: readonly number[]): unknown => indexes.map((i) => `v${String(i)}`),
) {
  const productions: Production[] = [];
  const collector = new BatchCollector(async (indexes, context) => {
    productions.push({ indexes, context });
    return produce(indexes) as unknown[];
  }, createAsyncContext());
  return { collector, productions, indexes: () => productions.map((one) => one.indexes) };
}

const contextOf = (kind: 'load' | 'refresh' = 'load', tenant?: string): ProducerContext => {
  const context = new RecordingContext(flightOf('k', { kind }));
  return tenant === undefined
    ? context
    : { ...context, background: kind === 'refresh', tenant, signal: context.signal };
};

describe('the collector of a batch', () => {
  it('produces in one call when every key has settled, and not before', async () => {
    const { collector, indexes } = setUp();
    for (const index of [0, 1, 2]) collector.add(index);
    const values = [collector.produce(0, contextOf()), collector.produce(2, contextOf())];
    await setImmediate();
    expect(indexes()).toEqual([]);
    collector.settle(1);
    expect(await Promise.all(values)).toEqual(['v0', 'v2']);
    expect(indexes()).toEqual([[0, 2]]);
  });

  it('produces a key that has to be produced after all by itself', async () => {
    const { collector, indexes } = setUp();
    for (const index of [0, 1]) collector.add(index);
    collector.settle(1);
    expect(await collector.produce(0, contextOf())).toBe('v0');
    expect(await collector.produce(1, contextOf())).toBe('v1');
    expect(indexes()).toEqual([[0], [1]]);
  });

  it('produces refreshes apart, when each that was started has asked or has ended', async () => {
    const { collector, indexes } = setUp();
    const [asking, ending] = [deferred<unknown>(), deferred<unknown>()];
    collector.onRefresh(asking.promise);
    collector.onRefresh(ending.promise);
    const value = collector.produce(0, contextOf('refresh'));
    asking.resolve(undefined);
    await setImmediate();
    expect(indexes()).toEqual([]);
    ending.reject(new Error('the backend is away'));
    expect(await value).toBe('v0');
    expect(indexes()).toEqual([[0]]);
  });

  it('makes one call of refreshes for each tenant, which only its context tells', async () => {
    const { collector, productions } = setUp();
    const gate = deferred<unknown>();
    collector.onRefresh(gate.promise);
    const values = ['x', 'y', 'x'].map((tenant, i) =>
      collector.produce(i, contextOf('refresh', tenant)),
    );
    gate.resolve(undefined);
    await Promise.all(values);
    expect(productions.map(({ indexes, context }) => [context.tenant, indexes])).toEqual([
      ['x', [0, 2]],
      ['y', [1]],
    ]);
  });

  it('fails each key whose value is an error, and all when the call fails', async () => {
    const { collector } = setUp((indexes) => indexes.map((i) => (i === 0 ? new Error('no') : i)));
    for (const index of [0, 1]) collector.add(index);
    const [first, second] = [collector.produce(0, contextOf()), collector.produce(1, contextOf())];
    await expect(first).rejects.toThrow('no');
    expect(await second).toBe(1);
    const failing = setUp(() => {
      throw new Error('origin away');
    });
    await expect(failing.collector.produce(0, contextOf())).rejects.toThrow('origin away');
    await expect(setUp(() => 'text').collector.produce(0, contextOf())).rejects.toThrow(
      'must return an array of 1 values or errors, in the order of the keys it was given; got string.',
    );
  });

  it('waits until so many keys are pending', async () => {
    const { collector } = setUp();
    for (const index of [0, 1, 2]) collector.add(index);
    let isDone = false;
    const waiting = collector.whenPending(1).then(() => (isDone = true));
    collector.settle(0);
    await setImmediate();
    expect(isDone).toBe(false);
    collector.settle(1);
    collector.settle(1);
    await waiting;
  });
});

describe('the context of a batch', () => {
  it('has a signal that aborts when all of its productions were aborted', async () => {
    const { collector, productions } = setUp();
    const flights = [flightOf('a'), flightOf('b')];
    for (const index of [0, 1]) collector.add(index);
    await Promise.all(
      flights.map((flight, index) => collector.produce(index, new RecordingContext(flight))),
    );
    const signal = productions[0]?.context.signal;
    flights[0]?.abort('first');
    expect(signal?.aborted).toBe(false);
    flights[1]?.abort('second');
    expect([signal?.aborted, signal?.reason]).toEqual([true, 'second']);
  });

  it('names a tenant only when all of its keys are of that tenant', async () => {
    const { collector, productions } = setUp();
    for (const index of [0, 1]) collector.add(index);
    await Promise.all(
      ['x', 'y'].map((tenant, index) => collector.produce(index, contextOf('load', tenant))),
    );
    expect(productions[0]?.context.tenant).toBeUndefined();
  });
});
