import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../../lib/codecs/json.js';
import { CacheKey } from '../../../lib/core/key/key.js';
import { type AnyProducer, type CallOptions, makeCall } from '../../../lib/core/options/call.js';
import { resolveSettings } from '../../../lib/core/options/options.js';
import { messageOf } from './wrong-values.js';

const { policy } = resolveSettings({}, new Map([[jsonCodec.id, jsonCodec]]));
const key = CacheKey.builder().tenant('acme').segment('accounts').param('id', 7).build();
const producer = () => 'v';

function callWith(options?: CallOptions, isPlainString = false) {
  return makeCall(key, isPlainString, producer, options, policy, 250);
}

describe('a call', () => {
  it('has its tags sorted and once each, and the groups of its key and of them', () => {
    const given = ['b', 'a', 'b'];
    const { tags, groups } = callWith({ tags: given });
    expect(tags).toEqual(['a', 'b']);
    expect(groups).toEqual([
      { scope: '', groups: ['*'] },
      { scope: 'acme', groups: ['*', 's:accounts', 't:a', 't:b'] },
    ]);
    given.push('c');
    expect(tags).toEqual(['a', 'b']);
  });

  it('of a plain string is in the group of no segment', () => {
    expect(callWith(undefined, true).groups).toEqual([
      { scope: '', groups: ['*'] },
      { scope: 'acme', groups: ['*'] },
    ]);
  });

  it('takes tags as a function for tags of the result, of which none are known beforehand', () => {
    const { tags, resultTags } = callWith({ tags: (id: string) => [`account:${id}`] });
    expect(tags).toEqual([]);
    expect(resultTags?.('7')).toEqual(['account:7']);
  });

  it('takes tags and resultTags side by side, and no tags from a callback for none', () => {
    const { tags, resultTags } = callWith({ tags: ['a'], resultTags: () => undefined as never });
    expect(tags).toEqual(['a']);
    expect(resultTags?.('v')).toEqual([]);
  });

  it('has no callbacks and no signal where none are given, and has neither waited nor refreshed', () => {
    expect(callWith()).toMatchObject({
      key,
      producer,
      policy,
      tags: [],
      resultTags: undefined,
      unless: undefined,
      signal: undefined,
      backendBy: 250,
      hasWaited: false,
      onWait: undefined,
      onRefresh: undefined,
    });
  });

  it('keeps the signal and the callbacks that it is given', () => {
    const { signal } = new AbortController();
    const unless = (): boolean => true;
    expect(callWith({ signal, unless })).toMatchObject({ signal, unless });
  });

  it('is refused without a producer, and says how a call looks', () => {
    for (const [given, shown] of [
      [undefined, 'undefined'],
      [{ ttl: 5 }, 'an object'],
    ] as const) {
      const produce = given as unknown as AnyProducer;
      expect(messageOf(() => makeCall(key, false, produce, undefined, policy, 250))).toBe(
        'the producer must be a function, as in getOrSet(key, () => value, options); ' +
          `got ${shown}.`,
      );
    }
  });

  it('is refused with tags that cannot be tags, those of a callback when they are made', () => {
    expect(messageOf(() => callWith({ tags: [''] }))).toMatch(/^A tag must be a string of 1 to/);
    const { resultTags } = callWith({ resultTags: () => 'account' as never });
    expect(messageOf(() => resultTags?.('v'))).toBe(
      "tags must be an array of strings, such as ['account:7']; got a string.",
    );
  });
});
