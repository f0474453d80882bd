import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { LocalInvalidations } from '../../../lib/core/groups/local-invalidations.js';
import { Background } from '../../../lib/core/observe/background.js';
import { Reporter } from '../../../lib/core/observe/reporter.js';
import { LocalTier } from '../../../lib/core/read/local-tier.js';
import { EntryReader } from '../../../lib/core/read/lookup.js';
import { MemoryTiers } from '../../../lib/core/read/memory-tiers.js';
import type { Entry } from '../../../lib/ports/entry.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { callOf, entryOf, flightOf } from './support.js';

function setUp() {
  const clock = new FakeClock(0);
  const now = () => clock.now();
  const memory = new MemoryBackend({ clock }).openMemory({
    namespace: 'n',
    clock,
    report: () => undefined,
  });
  const invalidations = new LocalInvalidations(now);
  const reader = new EntryReader(
    new Map([[jsonCodec.id, jsonCodec]]),
    new Reporter(false, () => undefined),
  );
  const failures: unknown[] = [];
  const background = new Background((error) => failures.push(error));
  const local = new LocalTier(memory, invalidations, reader, now, now);
  const tiers = new MemoryTiers(local, background);
  const entry = (over: Partial<Entry> = {}) => entryOf({ createdAt: now(), ...over });
  const invalidate = (group: string, settleMs = 0) => {
    invalidations.recordGroups({
      scope: '',
      groups: [group],
      match: 'any',
      mode: 'hard',
      settleMs,
    });
  };
  const found = (tags: readonly string[] = []) => tiers.lookup(callOf('k', { tags })).freshness;
  return { clock, memory, background, failures, tiers, entry, invalidate, found };
}

/** A flight whose production begins now. */
function begin(tiers: MemoryTiers, tags: readonly string[] = []) {
  const flight = flightOf('k', { tags });
  expect(tiers.lease(flight)).toBeUndefined();
  flight.startedAt = tiers.now();
  return flight;
}

describe('a load in memory', () => {
  it('is stored as of the moment at which its production began', () => {
    const { tiers, entry, invalidate, found } = setUp();
    const flight = begin(tiers, ['t']);
    expect(tiers.store(flight, entry({ tags: ['t'] }), undefined)).toBe('stored');
    expect(found(['t'])).toBe('fresh');
    const overtaken = begin(tiers, ['t']);
    invalidate('t:t');
    expect(tiers.store(overtaken, entry({ tags: ['t'] }), undefined)).toBe('stored');
    expect(found(['t'])).toBe('expired');
  });

  it('may be joined and stored until an invalidation detaches it', () => {
    const { tiers, entry, found } = setUp();
    const flight = begin(tiers);
    expect([tiers.mayStillStore(flight), tiers.isUnchangedSince(flight)]).toEqual([true, true]);
    flight.detach();
    expect([tiers.mayStillStore(flight), tiers.isUnchangedSince(flight)]).toEqual([false, false]);
    expect(tiers.store(flight, entry(), undefined)).toBe('refused');
    expect(found()).toBe('expired');
  });

  it('knows the settle window in which its production begins', async () => {
    const { clock, tiers, invalidate } = setUp();
    invalidate('t:t', 50);
    expect([begin(tiers, ['t']), begin(tiers)].map((flight) => flight.settleUntil)).toEqual([
      50, 0,
    ]);
    await clock.advance(50);
    expect(begin(tiers, ['t']).settleUntil).toBe(0);
  });

  it('is kept no longer than the settle window of a tag that only its result has', async () => {
    const { clock, tiers, entry, invalidate, found } = setUp();
    invalidate('t:t', 50);
    const flight = begin(tiers);
    expect(tiers.store(flight, entry({ tags: ['t'] }), undefined)).toBe('stored');
    expect(found()).toBe('fresh');
    await clock.advance(50);
    expect(found()).toBe('expired');
    expect(tiers.store(flight, entry({ tags: ['t'] }), undefined)).toBe('expired');
    expect(found()).toBe('expired');
  });

  it('keeps the frozen value that was made for its callers', () => {
    const { tiers, memory, entry } = setUp();
    const frozen = { value: Object.freeze({ a: 1 }), size: 1 };
    tiers.store(begin(tiers), entry(), frozen);
    expect(memory.get('k')?.frozen).toBe(frozen);
    expect(tiers.freshEntry('k')?.frozen).toBe(frozen);
  });
});

describe('a value that is put or set in memory', () => {
  it('is put after the change has taken effect, as of the moment at which the method began', () => {
    const { tiers, memory, entry, invalidate, found } = setUp();
    tiers.set(callOf('k'), entry({ body: '"before"' }), () => undefined);
    const flight = flightOf('k', { kind: 'put' });
    expect(tiers.leasePut(flight)).toBeUndefined();
    const seen: unknown[] = [];
    const change = () => {
      seen.push(memory.get('k')?.entry.body);
      memory.remove('k');
    };
    expect(tiers.storePut(flight, entry({ body: '"put"' }), change)).toBe(true);
    expect([...seen, memory.get('k')?.entry.body]).toEqual(['"before"', '"put"']);
    const late = flightOf('k', { kind: 'put' });
    tiers.leasePut(late);
    invalidate('*');
    expect(tiers.storePut(late, entry(), () => undefined)).toBe(true);
    expect(found()).toBe('expired');
  });

  it('is not put, and changes nothing, when the method was overtaken', () => {
    const { tiers, entry, found } = setUp();
    const flight = flightOf('k', { kind: 'put' });
    tiers.leasePut(flight);
    flight.detach();
    let changed = false;
    expect(tiers.storePut(flight, entry(), () => (changed = true))).toBe(false);
    expect([changed, found()]).toEqual([false, 'expired']);
  });

  it('is set after the change has taken effect, as of now', () => {
    const { tiers, memory, entry, invalidate, found } = setUp();
    const changeAll = () => {
      invalidate('*');
      memory.remove('k');
    };
    expect(tiers.set(callOf('k'), entry(), changeAll)).toBeUndefined();
    expect(found()).toBe('fresh');
  });
});

describe('a change in memory', () => {
  it('removes the keys that it names, and no other one', () => {
    const { tiers, memory, entry } = setUp();
    for (const key of ['a', 'b', 'c']) tiers.set(callOf(key), entry(), () => undefined);
    expect(tiers.send({ kind: 'keys', keys: ['a', 'c'], settleMs: 0 })).toBeUndefined();
    expect(['a', 'b', 'c'].map((key) => memory.get(key) !== undefined)).toEqual([
      false,
      true,
      false,
    ]);
  });

  const everything = { scope: '', groups: ['*'], match: 'any', mode: 'hard', settleMs: 0 } as const;

  it('that clears gives the memory back in the background', async () => {
    const { tiers, memory, background, failures, entry } = setUp();
    for (const key of ['a', 'b']) tiers.set(callOf(key), entry(), () => undefined);
    expect(tiers.send({ kind: 'groups', invalidation: everything })).toBeUndefined();
    expect([memory.size, background.size]).toEqual([2, 0]);
    expect(tiers.send({ kind: 'groups', invalidation: everything, clears: true })).toBeUndefined();
    expect(background.size).toBe(1);
    await background.drain();
    expect([memory.size, failures]).toEqual([0, []]);
  });

  it('that clears stops giving memory back at close', async () => {
    const { tiers, memory, background, failures, entry } = setUp();
    for (const key of ['a', 'b']) tiers.set(callOf(key), entry(), () => undefined);
    await tiers.close();
    tiers.send({ kind: 'groups', invalidation: everything, clears: true });
    await background.drain();
    expect([memory.size, failures]).toEqual([2, []]);
  });
});
