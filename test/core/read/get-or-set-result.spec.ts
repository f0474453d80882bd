import { expect, it } from 'vitest';
import { toGetOrSetResult } from '../../../lib/core/read/get-or-set-result.js';
import { describeCache } from '../../support/describe-cache.js';
import { entryOf } from './support.js';

it('the result of a call without an entry has no times and no tags', () => {
  expect(toGetOrSetResult('v', 'bypass', undefined)).toEqual({
    value: 'v',
    outcome: 'bypass',
    createdAt: undefined,
    freshUntil: undefined,
    tags: [],
  });
});

it('the result of a call shows of the entry what its users may rely on, and nothing else', () => {
  const entry = entryOf({ createdAt: 5, freshUntil: 8, staleUntil: 9, tags: ['a'] });
  expect(toGetOrSetResult('v', 'hit', entry)).toEqual({
    value: 'v',
    outcome: 'hit',
    createdAt: 5,
    freshUntil: 8,
    tags: ['a'],
  });
});

describeCache(['memory/copy', 'shared', 'shared + L1', 'two methods'], ({ open }) => {
  it('says of a miss and of the hit after it when the value was made and until when it is fresh', async () => {
    const { cache, clock } = open({ ttl: 1_000 });
    const options = { tags: ['b', 'a'] };
    const ask = () => cache.getOrSetDetailed('k', () => 'v', options);
    const createdAt = clock.now();
    const made = { value: 'v', createdAt, freshUntil: createdAt + 1_000, tags: ['a', 'b'] };
    expect(await ask()).toEqual({ ...made, outcome: 'miss' });
    await cache.drain();
    await clock.advance(10);
    expect(await ask()).toEqual({ ...made, outcome: 'hit' });
  });

  it('says of a value that is not stored that nothing is', async () => {
    const { cache } = open();
    expect(await cache.getOrSetDetailed('k', () => undefined)).toEqual(
      toGetOrSetResult(undefined, 'miss', undefined),
    );
  });
});
