import assert from 'node:assert/strict';
import {
  expectPayload,
  fillOf,
  Fixture,
  leaseOf,
  LONG,
  LOST,
  readOf,
  type SharedBackendSuite,
  STORED,
  value,
} from './shared-backend-fixture.js';

const KEY = 'tenant:t/segment:s/id=1';

/** Values and leases: the fence of a key. */
export function describeLeases(suite: SharedBackendSuite): void {
  const it = Fixture.tests(suite);

  suite.describe(`${suite.name}, values and leases`, () => {
    it('finds nothing where nothing was stored', async (fixture) => {
      const reading = await fixture.first.read(
        readOf(KEY, [{ scope: '', groups: ['*', 't:x'] }], true),
      );
      assert.deepEqual(reading, {
        stored: undefined,
        scopes: [{ clock: undefined, markers: [undefined, undefined] }],
        lease: undefined,
      });
    });

    it('gives every user the value that was set last, until its ttl is over', async (fixture) => {
      await fixture.first.set(KEY, value(1), LONG);
      await fixture.expectStored(KEY, 1);
      await fixture.second.set(KEY, value(2), fixture.shortMs);
      await fixture.expectStored(KEY, 2);
      await fixture.wait(fixture.shortMs);
      await fixture.expectStored(KEY, undefined);
    });

    it('keeps namespaces apart', async (fixture) => {
      const other = await fixture.open(`${fixture.namespace}x`);
      await fixture.first.set(KEY, value(1), LONG);
      await fixture.first.lease(leaseOf('k2', 'L1'));
      expectPayload((await other.read(readOf(KEY))).stored, undefined);
      assert.equal((await other.lease(leaseOf('k2', 'L2'))).state, 'leased');
      await other.delete([KEY, 'k2'], 0);
      await fixture.expectStored(KEY, 1);
      assert.deepEqual(await fixture.first.fill(fillOf('k2', 'L1', 2)), STORED);
    });

    it('gives the lease to the first request, and its token to the others', async (fixture) => {
      assert.deepEqual(await fixture.first.lease(leaseOf(KEY, 'L1')), {
        state: 'leased',
        settleUntil: 0,
      });
      const second = await fixture.second.lease(leaseOf(KEY, 'L2'));
      assert.ok(second.state === 'held' && second.token === 'L1');
      assert.ok(second.remainingMs > 0 && second.remainingMs <= LONG);
      assert.equal((await fixture.second.read(readOf(KEY, [], true))).lease, 'L1');
      assert.equal((await fixture.second.read(readOf(KEY))).lease, undefined);
    });

    it('gives a lease to one of many requests at once', async (fixture) => {
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          (i % 2 === 0 ? fixture.first : fixture.second).lease(leaseOf(KEY, `L${String(i)}`)),
        ),
      );
      assert.equal(all.filter(({ state }) => state === 'leased').length, 1);
    });

    it('finds by the read of the same tick what was stored before a lease', async (fixture) => {
      await fixture.second.lease(leaseOf(KEY, 'L1'));
      const lookup = await fixture.first.read(readOf(KEY));
      await fixture.second.fill(fillOf(KEY, 'L1', 1));
      const [leased, again] = await Promise.all([
        fixture.first.lease(leaseOf(KEY, 'L2')),
        fixture.first.read(readOf(KEY)),
      ]);
      assert.deepEqual([lookup.stored, leased.state], [undefined, 'leased']);
      expectPayload(again.stored, 1);
      await fixture.first.release(KEY, 'L2');
      await fixture.expectStored(KEY, 1);
    });

    it('takes the lease before it reads, for each of many in one tick', async (fixture) => {
      const keys = Array.from({ length: 200 }, (_, i) => `k${String(i)}`);
      const found = await Promise.all(
        keys.flatMap((key) => [
          fixture.first.lease(leaseOf(key, `L-${key}`)).then(({ state }) => state),
          fixture.first.read(readOf(key, [], true)).then(({ lease }) => lease),
        ]),
      );
      assert.deepEqual(
        found,
        keys.flatMap((key) => ['leased', `L-${key}`]),
      );
    });

    it('answers each of many reads of one key in one tick', async (fixture) => {
      await fixture.first.set(KEY, value(1), LONG);
      const scopes = [{ scope: '', groups: ['*'] }];
      const requests = Array.from({ length: 60 }, (_, i) => readOf(KEY, scopes, i % 2 === 0));
      const readings = await Promise.all(requests.map((request) => fixture.first.read(request)));
      for (const { stored, lease } of readings) {
        expectPayload(stored, 1);
        assert.equal(lease, undefined);
      }
    });

    it('refuses the fill of a load that began before a delete', async (fixture) => {
      await fixture.first.set(KEY, value(1), LONG);
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      await fixture.second.delete([KEY], 0);
      await fixture.expectStored(KEY, undefined);
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 2)), LOST);
      await fixture.expectStored(KEY, undefined);
      assert.equal((await fixture.second.lease(leaseOf(KEY, 'L2'))).state, 'leased');
    });

    it('refuses the fill of a load that began before a set', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      await fixture.second.set(KEY, value(1), LONG);
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 2)), LOST);
      await fixture.expectStored(KEY, 1);
    });

    it('leases a key that has a value, and leaves the value', async (fixture) => {
      await fixture.first.set(KEY, value(1), LONG);
      assert.deepEqual(await fixture.first.lease(leaseOf(KEY, 'L1')), {
        state: 'leased',
        settleUntil: 0,
      });
      await fixture.expectStored(KEY, 1);
      const second = await fixture.second.lease(leaseOf(KEY, 'L2'));
      assert.ok(second.state === 'held' && second.token === 'L1');
    });

    it('sets with a lease once, and only while it is held', async (fixture) => {
      assert.equal(await fixture.first.set(KEY, value(1), LONG), true);
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      assert.equal(await fixture.second.set(KEY, value(2), LONG, 'L2'), false);
      await fixture.expectStored(KEY, 1);
      assert.equal(await fixture.first.set(KEY, value(3), fixture.shortMs, 'L1'), true);
      await fixture.expectStored(KEY, 3);
      assert.equal((await fixture.second.read(readOf(KEY, [], true))).lease, undefined);
      assert.equal(await fixture.first.set(KEY, value(4), LONG, 'L1'), false);
      await fixture.wait(fixture.shortMs);
      await fixture.expectStored(KEY, undefined);
    });

    it('refuses to set with a lease that a delete or a set has ended', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      await fixture.second.delete([KEY], 0);
      assert.equal(await fixture.first.set(KEY, value(1), LONG, 'L1'), false);
      await fixture.first.lease(leaseOf(KEY, 'L2'));
      await fixture.second.set(KEY, value(2), LONG);
      assert.equal(await fixture.first.set(KEY, value(3), LONG, 'L2'), false);
      await fixture.expectStored(KEY, 2);
    });

    it('ends a lease that is not renewed, and refuses the late fill', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1', { leaseMs: fixture.shortMs }));
      await fixture.wait(fixture.shortMs);
      assert.equal((await fixture.second.lease(leaseOf(KEY, 'L2'))).state, 'leased');
      assert.equal(await fixture.first.renew(KEY, 'L1', LONG), false);
      await fixture.first.release(KEY, 'L1');
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 1)), LOST);
      assert.deepEqual(await fixture.second.fill(fillOf(KEY, 'L2', 2)), STORED);
      await fixture.expectStored(KEY, 2);
    });

    it('prolongs a lease for its holder only', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1', { leaseMs: fixture.shortMs }));
      assert.equal(await fixture.second.renew(KEY, 'L2', LONG), false);
      assert.equal(await fixture.first.renew(KEY, 'L1', LONG), true);
      await fixture.wait(fixture.shortMs);
      assert.equal((await fixture.second.lease(leaseOf(KEY, 'L2'))).state, 'held');
    });

    it('releases a lease for its holder only', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      await fixture.second.release(KEY, 'L2');
      assert.equal((await fixture.second.lease(leaseOf(KEY, 'L2'))).state, 'held');
      await fixture.first.release(KEY, 'L1');
      assert.equal((await fixture.second.lease(leaseOf(KEY, 'L2'))).state, 'leased');
      await fixture.expectStored(KEY, undefined);
    });

    it('takes over an overtaken lease only while it is the one held', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      assert.equal(
        (await fixture.second.lease(leaseOf(KEY, 'L2', { overtaken: 'L0' }))).state,
        'held',
      );
      assert.equal(
        (await fixture.second.lease(leaseOf(KEY, 'L2', { overtaken: 'L1' }))).state,
        'leased',
      );
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 1)), LOST);
      assert.deepEqual(await fixture.second.fill(fillOf(KEY, 'L2', 2)), STORED);
    });

    it('deletes many keys at once, and no others', async (fixture) => {
      const keys = Array.from({ length: 300 }, (_, i) => `tenant:t/segment:s/id=${String(i)}`);
      await Promise.all(keys.map((key) => fixture.first.set(key, value(1), LONG)));
      await fixture.second.delete(keys.slice(1), 0);
      const left = await Promise.all(
        keys.map(async (key) => (await fixture.first.read(readOf(key))).stored),
      );
      assert.deepEqual(
        left.map((stored) => stored !== undefined),
        keys.map((_, i) => i === 0),
      );
    });

    it('says until when loads of a deleted key may read a lagging replica', async (fixture) => {
      const settleMs = 5 * fixture.shortMs;
      const before = fixture.first.now();
      await fixture.first.delete([KEY], settleMs);
      await fixture.first.delete([KEY], fixture.shortMs);
      const during = await fixture.second.lease(leaseOf(KEY, 'L1'));
      assert.ok(
        during.state === 'leased' &&
          Math.abs(during.settleUntil - before - settleMs) <= settleMs / 2,
      );
      const other = await fixture.second.lease(leaseOf(`${KEY}0`, 'L2'));
      assert.deepEqual(other, { state: 'leased', settleUntil: 0 });
      await fixture.wait(settleMs);
      assert.deepEqual(await fixture.second.lease(leaseOf(KEY, 'L3', { overtaken: 'L1' })), {
        state: 'leased',
        settleUntil: 0,
      });
    });

    it('reclaims the values of one tenant, then of all', async (fixture) => {
      const [one, other] = ['tenant:t/segment:s', 'tenant:t1/segment:s'];
      for (const head of [one, other, 'segment:s']) {
        await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            fixture.first.set(`${head}/id=${String(i)}`, value(i), LONG),
          ),
        );
      }
      const { signal } = new AbortController();
      assert.equal(await fixture.second.reclaim('t', signal), 50);
      await fixture.expectStored(`${one}/id=7`, undefined);
      await fixture.expectStored(`${other}/id=7`, 7);
      await fixture.expectStored('segment:s/id=7', 7);
      assert.equal(await fixture.second.reclaim('', signal), 100);
      await fixture.expectStored(`${other}/id=7`, undefined);
    });

    it('reclaims nothing of other namespaces', async (fixture) => {
      const other = await fixture.open(`${fixture.namespace}x`);
      await other.set(KEY, value(1), LONG);
      await fixture.first.reclaim('', new AbortController().signal);
      expectPayload((await other.read(readOf(KEY))).stored, 1);
    });
  });
}
