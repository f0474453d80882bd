import assert from 'node:assert/strict';
import { acquireOf, Fixture, type FencedSuite, LONG, readOf } from './fenced-harness.js';

const KEY = 'tenant:t/segment:s/id=1';

/** Values and leases: the fence of a key. */
export function describeLeases<Stored>(suite: FencedSuite<Stored>): void {
  const { value } = suite;
  const it = (title: string, test: (fixture: Fixture<Stored>) => Promise<void>): void => {
    suite.it(title, async () => {
      const fixture = await Fixture.open(suite);
      try {
        await test(fixture);
      } finally {
        await fixture.close();
      }
    });
  };

  suite.describe(`${suite.name}, values and leases`, () => {
    it('finds nothing where nothing is', async (fixture) => {
      const reading = await fixture.a.read(
        readOf(KEY, [{ scope: '', groups: ['*', 't:x'] }], true),
      );
      assert.deepEqual(reading, {
        stored: undefined,
        scopes: [{ clock: undefined, markers: [undefined, undefined] }],
        lease: undefined,
      });
    });

    it('gives everyone the value that was set last, until its time is over', async (fixture) => {
      await fixture.a.set(KEY, value(1), LONG);
      await fixture.holds(KEY, 1);
      await fixture.b.set(KEY, value(2), fixture.shortMs);
      await fixture.holds(KEY, 2);
      await fixture.wait(fixture.shortMs);
      await fixture.holds(KEY, undefined);
    });

    it('keeps namespaces apart', async (fixture) => {
      const other = await fixture.another(`${fixture.namespace}x`);
      await fixture.a.set(KEY, value(1), LONG);
      await fixture.a.acquire(acquireOf('k2', 'L1'));
      fixture.expect((await other.read(readOf(KEY))).stored, undefined);
      assert.equal((await other.acquire(acquireOf('k2', 'L2'))).state, 'leased');
      await other.delete([KEY, 'k2'], 0);
      await fixture.holds(KEY, 1);
      assert.equal(await fixture.a.fill('k2', 'L1', value(2), LONG), true);
    });

    it('gives the lease to the first who asks, and tells the others who has it', async (fixture) => {
      assert.deepEqual(await fixture.a.acquire(acquireOf(KEY, 'L1')), {
        state: 'leased',
        settleUntil: 0,
      });
      const second = await fixture.b.acquire(acquireOf(KEY, 'L2'));
      assert.ok(second.state === 'held' && second.lease === 'L1');
      assert.ok(second.remainingMs > 0 && second.remainingMs <= LONG);
      assert.equal((await fixture.b.read(readOf(KEY, [], true))).lease, 'L1');
      assert.equal((await fixture.b.read(readOf(KEY))).lease, undefined);
    });

    it('gives one lease only to many who ask at once', async (fixture) => {
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          (i % 2 === 0 ? fixture.a : fixture.b).acquire(acquireOf(KEY, `L${String(i)}`)),
        ),
      );
      assert.equal(all.filter(({ state }) => state === 'leased').length, 1);
    });

    it('gives a value that the caller has not seen instead of a lease', async (fixture) => {
      await fixture.a.set(KEY, value(1), LONG);
      const first = await fixture.b.acquire(acquireOf(KEY, 'L1'));
      assert.ok(first.state === 'found');
      fixture.expect(first.stored, 1);
      assert.equal(
        (await fixture.b.acquire(acquireOf(KEY, 'L2', { seen: first.stored }))).state,
        'leased',
      );
      await fixture.a.set(KEY, value(2), LONG);
      const again = await fixture.b.acquire(acquireOf(KEY, 'L3', { seen: first.stored }));
      assert.ok(again.state === 'found');
      fixture.expect(again.stored, 2);
    });

    it('stores for the holder of the lease, once, and for the time it says', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1'));
      assert.equal(await fixture.a.fill(KEY, 'L1', value(1), fixture.shortMs), true);
      await fixture.holds(KEY, 1);
      assert.equal((await fixture.b.read(readOf(KEY, [], true))).lease, undefined);
      assert.equal(await fixture.a.fill(KEY, 'L1', value(2), LONG), false);
      await fixture.holds(KEY, 1);
      await fixture.wait(fixture.shortMs);
      await fixture.holds(KEY, undefined);
    });

    it('stores nothing for somebody else', async (fixture) => {
      assert.equal(await fixture.a.fill(KEY, 'L0', value(1), LONG), false);
      await fixture.a.acquire(acquireOf(KEY, 'L1'));
      assert.equal(await fixture.b.fill(KEY, 'L2', value(2), LONG), false);
      await fixture.holds(KEY, undefined);
      assert.equal(await fixture.a.fill(KEY, 'L1', value(1), LONG), true);
    });

    it('refuses the fill of a load that began before a delete', async (fixture) => {
      await fixture.a.set(KEY, value(1), LONG);
      const { stored: seen } = await fixture.a.read(readOf(KEY));
      await fixture.a.acquire(acquireOf(KEY, 'L1', { seen }));
      await fixture.b.delete([KEY], 0);
      await fixture.holds(KEY, undefined);
      assert.equal(await fixture.a.fill(KEY, 'L1', value(2), LONG), false);
      await fixture.holds(KEY, undefined);
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2'))).state, 'leased');
    });

    it('refuses the fill of a load that began before a set', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1'));
      await fixture.b.set(KEY, value(1), LONG);
      assert.equal(await fixture.a.fill(KEY, 'L1', value(2), LONG), false);
      await fixture.holds(KEY, 1);
    });

    it('lets whoever is going to replace a value take the lease over any value, while it is free', async (fixture) => {
      await fixture.a.set(KEY, value(1), LONG);
      assert.deepEqual(await fixture.a.acquire(acquireOf(KEY, 'L1', { replaces: true })), {
        state: 'leased',
        settleUntil: 0,
      });
      await fixture.holds(KEY, 1);
      const second = await fixture.b.acquire(acquireOf(KEY, 'L2', { replaces: true }));
      assert.ok(second.state === 'held' && second.lease === 'L1');
    });

    it('sets with a lease once, and only while it is held', async (fixture) => {
      assert.equal(await fixture.a.set(KEY, value(1), LONG), true);
      await fixture.a.acquire(acquireOf(KEY, 'L1', { replaces: true }));
      assert.equal(await fixture.b.set(KEY, value(2), LONG, 'L2'), false);
      await fixture.holds(KEY, 1);
      assert.equal(await fixture.a.set(KEY, value(3), fixture.shortMs, 'L1'), true);
      await fixture.holds(KEY, 3);
      assert.equal((await fixture.b.read(readOf(KEY, [], true))).lease, undefined);
      assert.equal(await fixture.a.set(KEY, value(4), LONG, 'L1'), false);
      await fixture.wait(fixture.shortMs);
      await fixture.holds(KEY, undefined);
    });

    it('refuses to set with a lease that a delete or a set has ended', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1', { replaces: true }));
      await fixture.b.delete([KEY], 0);
      assert.equal(await fixture.a.set(KEY, value(1), LONG, 'L1'), false);
      await fixture.a.acquire(acquireOf(KEY, 'L2', { replaces: true }));
      await fixture.b.set(KEY, value(2), LONG);
      assert.equal(await fixture.a.set(KEY, value(3), LONG, 'L2'), false);
      await fixture.holds(KEY, 2);
    });

    it('ends a lease that is not renewed, and refuses the late fill', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1', { leaseMs: fixture.shortMs }));
      await fixture.wait(fixture.shortMs);
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2'))).state, 'leased');
      assert.equal(await fixture.a.renew(KEY, 'L1', LONG), false);
      await fixture.a.release(KEY, 'L1');
      assert.equal(await fixture.a.fill(KEY, 'L1', value(1), LONG), false);
      assert.equal(await fixture.b.fill(KEY, 'L2', value(2), LONG), true);
      await fixture.holds(KEY, 2);
    });

    it('prolongs a lease for its holder only', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1', { leaseMs: fixture.shortMs }));
      assert.equal(await fixture.b.renew(KEY, 'L2', LONG), false);
      assert.equal(await fixture.a.renew(KEY, 'L1', LONG), true);
      await fixture.wait(fixture.shortMs);
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2'))).state, 'held');
    });

    it('lets the holder give the lease up, and nobody else', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1'));
      await fixture.b.release(KEY, 'L2');
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2'))).state, 'held');
      await fixture.a.release(KEY, 'L1');
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2'))).state, 'leased');
      await fixture.holds(KEY, undefined);
    });

    it('replaces a lease that is known to be dead, while it is that one', async (fixture) => {
      await fixture.a.acquire(acquireOf(KEY, 'L1'));
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2', { dead: 'L0' }))).state, 'held');
      assert.equal((await fixture.b.acquire(acquireOf(KEY, 'L2', { dead: 'L1' }))).state, 'leased');
      assert.equal(await fixture.a.fill(KEY, 'L1', value(1), LONG), false);
      assert.equal(await fixture.b.fill(KEY, 'L2', value(2), LONG), true);
    });

    it('deletes many keys at once, and no others', async (fixture) => {
      const keys = Array.from({ length: 300 }, (_, i) => `tenant:t/segment:s/id=${String(i)}`);
      await Promise.all(keys.map((key) => fixture.a.set(key, value(1), LONG)));
      await fixture.b.delete(keys.slice(1), 0);
      const left = await Promise.all(
        keys.map(async (key) => (await fixture.a.read(readOf(key))).stored),
      );
      assert.deepEqual(
        left.map((stored) => stored !== undefined),
        keys.map((_, i) => i === 0),
      );
    });

    it('tells loads of a deleted key until when they may read a lagging replica', async (fixture) => {
      const settleMs = 5 * fixture.shortMs;
      const before = fixture.a.now();
      await fixture.a.delete([KEY], settleMs);
      await fixture.a.delete([KEY], fixture.shortMs);
      const during = await fixture.b.acquire(acquireOf(KEY, 'L1'));
      assert.ok(
        during.state === 'leased' &&
          Math.abs(during.settleUntil - before - settleMs) <= settleMs / 2,
      );
      const other = await fixture.b.acquire(acquireOf(`${KEY}0`, 'L2'));
      assert.deepEqual(other, { state: 'leased', settleUntil: 0 });
      await fixture.wait(settleMs);
      assert.deepEqual(await fixture.b.acquire(acquireOf(KEY, 'L3', { dead: 'L1' })), {
        state: 'leased',
        settleUntil: 0,
      });
    });

    it('sweeps the values of one tenant, then of all', async (fixture) => {
      const [one, other] = ['tenant:t/segment:s', 'tenant:t1/segment:s'];
      for (const head of [one, other, 'segment:s']) {
        await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            fixture.a.set(`${head}/id=${String(i)}`, value(i), LONG),
          ),
        );
      }
      const { signal } = new AbortController();
      assert.equal(await fixture.b.reclaim('t', signal), 50);
      await fixture.holds(`${one}/id=7`, undefined);
      await fixture.holds(`${other}/id=7`, 7);
      await fixture.holds('segment:s/id=7', 7);
      assert.equal(await fixture.b.reclaim('', signal), 100);
      await fixture.holds(`${other}/id=7`, undefined);
    });

    it('sweeps nothing that is not its own', async (fixture) => {
      const other = await fixture.another(`${fixture.namespace}x`);
      await other.set(KEY, value(1), LONG);
      await fixture.a.reclaim('', new AbortController().signal);
      fixture.expect((await other.read(readOf(KEY))).stored, 1);
    });
  });
}
