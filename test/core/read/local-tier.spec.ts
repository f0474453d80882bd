import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { cborCodec } from '../../../lib/codecs/cbor.js';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { LocalInvalidations } from '../../../lib/core/groups/local-invalidations.js';
import { Reporter } from '../../../lib/core/observe/reporter.js';
import { LocalTier } from '../../../lib/core/read/local-tier.js';
import { EntryReader } from '../../../lib/core/read/lookup.js';
import { responseCodec } from '../../../lib/http/response-codec.js';
import type { Codec } from '../../../lib/ports/codec.js';
import type { Entry } from '../../../lib/ports/entry.js';
import { FakeClock } from '../../../lib/testing/fake-clock.js';
import { callOf, entryOf, flightOf } from './support.js';

/** @param ahead how far shared time is ahead of the local clock */
function setUp({
  isolation = 'copy',
  ahead = 0,
}: { isolation?: 'copy' | 'freeze'; ahead?: number } = {}) {
  const clock = new FakeClock(0);
  const now = () => clock.now() + ahead;
  const memory = new MemoryBackend({ clock, isolation }).openMemory({
    namespace: 'n',
    clock,
    report: () => undefined,
  });
  const invalidations = new LocalInvalidations(() => clock.now());
  const codecs = [jsonCodec, cborCodec, responseCodec].map((codec): [string, Codec] => [
    codec.id,
    codec,
  ]);
  const reader = new EntryReader(new Map(codecs), new Reporter(false, () => undefined));
  const tier = new LocalTier(memory, invalidations, reader, now, () => clock.now());
  const entry = (over: Partial<Entry> = {}) =>
    entryOf({ createdAt: now(), freshUntil: now() + 100, staleUntil: now() + 200, ...over });
  const invalidate = (...groups: string[]) => {
    invalidations.recordGroups({ scope: '', groups, match: 'any', mode: 'hard', settleMs: 50 });
  };
  return { clock, memory, invalidations, tier, entry, invalidate };
}

describe('entries in memory', () => {
  it('are found by the short path while they are fresh and nothing was invalidated', async () => {
    const { clock, tier, entry, invalidate, invalidations } = setUp();
    tier.store('k', entry(), invalidations.position);
    expect(tier.freshEntry('k')?.entry.key).toBe('k');
    invalidate('t:other');
    expect(tier.freshEntry('k')).toBeUndefined();
    expect(tier.lookup(callOf('k')).freshness).toBe('fresh');
    expect(tier.freshEntry('k')?.entry.key).toBe('k');
    await clock.advance(100);
    expect(tier.freshEntry('k')).toBeUndefined();
    expect(tier.lookup(callOf('k'))).toMatchObject({ freshness: 'stale', tier: 'l1' });
    await clock.advance(100);
    expect(tier.lookup(callOf('k'))).toMatchObject({ freshness: 'expired', entry: undefined });
  });

  it('are judged by the groups of the call and by their own further tags', () => {
    const { tier, entry, invalidate, invalidations } = setUp();
    tier.store('k', entry({ tags: ['a'] }), invalidations.position);
    invalidate('t:a');
    expect(tier.lookup(callOf('k'))).toMatchObject({ freshness: 'expired', value: undefined });
    tier.store('k', entry(), invalidations.position);
    invalidate('t:b');
    expect(tier.lookup(callOf('k', { tags: ['b'] })).freshness).toBe('expired');
  });

  it('count as read when their production began, however late they are stored', () => {
    const { tier, entry, invalidate, invalidations } = setUp();
    const { position } = invalidations;
    invalidate('*');
    tier.store('k', entry(), position);
    expect([tier.freshEntry('k'), tier.lookup(callOf('k')).freshness]).toEqual([
      undefined,
      'expired',
    ]);
  });

  it('are of no use to a call with another key, or with an incompatible codec', () => {
    const { tier, entry, invalidations } = setUp();
    tier.store('k', entry({ key: 'a key that was shortened to k' }), invalidations.position);
    expect(tier.lookup(callOf('k'))).toMatchObject({ entry: undefined, freshness: 'expired' });
    tier.store('k', entry(), invalidations.position);
    expect(tier.lookup(callOf('k', { codec: cborCodec })).freshness).toBe('fresh');
    expect(tier.lookup(callOf('k', { codec: responseCodec })).freshness).toBe('expired');
  });

  it('expire by the local clock, and are judged by shared time', async () => {
    const { clock, memory, tier, entry, invalidations } = setUp({ ahead: 5_000 });
    tier.store('k', entry(), invalidations.position);
    await clock.advance(199);
    expect([memory.get('k') !== undefined, tier.lookup(callOf('k')).freshness]).toEqual([
      true,
      'stale',
    ]);
    await clock.advance(1);
    expect(memory.get('k')).toBeUndefined();
  });

  it('share one frozen value with isolation freeze, and for codecs whose values are immutable', () => {
    const { tier } = setUp();
    expect(tier.freeze(jsonCodec, '{"a":1}')).toBeUndefined();
    expect(tier.freeze({ ...jsonCodec, immutable: true }, '{"a":1}')?.value).toEqual({ a: 1 });
    expect(setUp({ isolation: 'freeze' }).tier.freeze(jsonCodec, '{"a":1}')?.value).toEqual({
      a: 1,
    });
  });
});

describe('a settle window', () => {
  it('is open for a production that begins in it, and no longer', async () => {
    const { clock, tier, invalidate } = setUp();
    const flight = flightOf('k', { tags: ['a'] });
    expect(tier.openSettleWindow(flight)).toBe(0);
    invalidate('t:a');
    expect(tier.openSettleWindow(flight)).toBe(50);
    await clock.advance(50);
    expect(tier.openSettleWindow(flight)).toBe(0);
  });

  it('of a tag that only the result has caps its entry, or leaves nothing of it', async () => {
    const { clock, tier, entry, invalidate } = setUp();
    const flight = flightOf('k');
    flight.startedAt = 0;
    invalidate('t:a');
    const tagged = entry({ tags: ['a'] });
    expect(tier.capBySettleWindow(flight, tagged)).toMatchObject({
      freshUntil: 50,
      staleUntil: 50,
    });
    expect(tier.capBySettleWindow(flight, entry({ tags: ['b'] }))).toMatchObject({
      freshUntil: 100,
    });
    await clock.advance(50);
    expect(tier.capBySettleWindow(flight, tagged)).toBeUndefined();
    const later = flightOf('k');
    later.startedAt = 50;
    expect(tier.capBySettleWindow(later, tagged)).toBe(tagged);
  });
});
