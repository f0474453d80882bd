import { describe, expect, it } from 'vitest';
import { type Change, InvalidationJournal, splitChange } from '../../../lib/core/groups/journal.js';

const CAPACITY = 10_000;
const deleting = (key: string): Change => ({ kind: 'keys', keys: [key], settleMs: 0 });

function overflowing(): InvalidationJournal {
  const list = new InvalidationJournal();
  for (let i = 0; i < CAPACITY; i++) list.add(deleting(`key-${String(i)}`), 1);
  expect(list.add(deleting('one too many'), 1)).toBe(false);
  return list;
}

describe('the journal', () => {
  it('keeps each change once, in the order of the last mention', () => {
    const list = new InvalidationJournal();
    for (const key of ['a', 'b', 'a']) list.add(deleting(key), 1);
    expect(list.list()).toEqual([deleting('b'), deleting('a')]);
  });

  it('keeps a change that was added again while it was being sent', () => {
    const list = new InvalidationJournal();
    list.add(deleting('a'), 1);
    const sent = list.first as Change;
    list.add(deleting('a'), 2);
    list.remove(sent);
    expect(list.size).toBe(1);
  });

  it('names the whole namespace when there are too many, and says so once', () => {
    const list = overflowing();
    expect(list.add(deleting('another'), 1)).toBe(true);
    expect(list.list()).toMatchObject([
      { kind: 'groups', invalidation: { scope: '', groups: ['*'], mode: 'hard' } },
    ]);
  });

  it('keeps what was added after the overflow while the move of the namespace was being sent', () => {
    const list = overflowing();
    const sent = list.first as Change;
    list.add(deleting('late'), 2);
    list.remove(sent);
    expect(list.size).toBe(1);
    list.remove(list.first as Change);
    expect(list.size).toBe(0);
    list.add(deleting('next'), 3);
    expect(list.list()).toEqual([deleting('next')]);
  });

  it('forgets an overflow only when its last change is old enough', () => {
    const list = overflowing();
    list.add(deleting('late'), 50);
    list.expire(40);
    expect(list.size).toBe(1);
    list.expire(51);
    expect(list.size).toBe(0);
  });
});

describe('a change of many keys', () => {
  it('is cut into parts that together are the same', () => {
    const keys = Array.from({ length: 2_500 }, (_, i) => `key-${String(i)}`);
    const parts = splitChange({ kind: 'keys', keys, settleMs: 7 });
    expect(parts.flatMap((part) => (part.kind === 'keys' ? part.keys : []))).toEqual(keys);
    expect(
      parts.map((part) => (part.kind === 'keys' ? [part.keys.length, part.settleMs] : [])),
    ).toEqual([
      [1_000, 7],
      [1_000, 7],
      [500, 7],
    ]);
    expect(splitChange(deleting('a'))).toEqual([deleting('a')]);
  });
});
