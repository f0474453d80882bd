import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../lib/core/groups/journal.js';
import { WriteOrder } from '../../../lib/core/invalidate/write-order.js';
import { deferred } from '../../support/fleet.js';

const deletion = (...keys: string[]): Change => ({ kind: 'keys', keys, settleMs: 0 });
const invalidation = (...groups: string[]): Change => ({
  kind: 'groups',
  invalidation: { scope: '', groups, match: 'any', mode: 'hard', settleMs: 0 },
});
const groupsOf = (...groups: string[]) => [{ scope: '', groups: ['*', ...groups] }];

function setUp() {
  const order = new WriteOrder();
  const sent: string[] = [];
  const gates = new Map<string, ReturnType<typeof deferred<void>>>();
  const send = (name: string) => () => {
    sent.push(name);
    const gate = deferred<void>();
    gates.set(name, gate);
    return gate.promise.then(() => name);
  };
  const end = async (name: string) => {
    gates.get(name)?.resolve();
    await setImmediate();
  };
  return { order, sent, send, gates, end };
}

describe('the order of writes', () => {
  it('sends sets of one key one after another, and those of other keys beside them', async () => {
    const { order, sent, send, end } = setUp();
    const first = order.enqueueSet('k', groupsOf(), send('first'));
    const second = order.enqueueSet('k', groupsOf(), send('second'));
    void order.enqueueSet('other', groupsOf(), send('other'));
    expect([sent, order.hasPendingSet('k')]).toEqual([['first', 'other'], true]);
    await end('first');
    expect(sent).toEqual(['first', 'other', 'second']);
    await end('second');
    expect([await first, await second, order.hasPendingSet('k')]).toEqual([
      'first',
      'second',
      false,
    ]);
  });

  it('does not make a change wait that concerns no set', () => {
    const { order, send } = setUp();
    expect(order.enqueueChange(deletion('k'), send('delete'))).toBeUndefined();
    void order.enqueueSet('k', groupsOf('t:a'), send('set'));
    expect(order.enqueueChange(deletion('other'), send('delete'))).toBeUndefined();
    expect(order.enqueueChange(invalidation('t:b'), send('invalidate'))).toBeUndefined();
  });

  it('sends a change behind the sets of its keys and groups, and later sets behind the change', async () => {
    const { order, sent, send, end } = setUp();
    void order.enqueueSet('k', groupsOf('t:a'), send('set'));
    void order.enqueueChange(deletion('k'), send('delete'));
    void order.enqueueChange(invalidation('t:a'), send('invalidate'));
    void order.enqueueSet('l', groupsOf('t:a'), send('set of the group'));
    void order.enqueueSet('k', groupsOf(), send('set again'));
    await setImmediate();
    expect(sent).toEqual(['set']);
    await end('set');
    expect(sent).toEqual(['set', 'delete', 'invalidate']);
    await end('delete');
    await end('invalidate');
    expect(sent.slice(3).sort()).toEqual(['set again', 'set of the group']);
  });

  it('goes on behind a set that failed', async () => {
    const { order, sent, send, gates } = setUp();
    const failing = order.enqueueSet('k', groupsOf(), send('set'));
    const change = order.enqueueChange(deletion('k'), send('delete'));
    gates.get('set')?.reject(new Error('away'));
    await expect(failing).rejects.toThrow('away');
    await setImmediate();
    gates.get('delete')?.resolve();
    expect([await change, sent]).toEqual(['delete', ['set', 'delete']]);
  });
});
