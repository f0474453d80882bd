import assert from 'node:assert/strict';
import type { ScopeReading } from '../ports/groups.js';
import {
  expectPayload,
  fillOf,
  Fixture,
  invalidationOf,
  leaseOf,
  LONG,
  LOST,
  readOf,
  type SharedBackendSuite,
  STORED,
  validityOf,
} from './shared-backend-fixture.js';

const KEY = 'tenant:t/segment:s/id=1';
const SCOPES = [
  { scope: '', groups: ['*'] },
  { scope: 't', groups: ['*', 't:a'] },
];

/** Fills: what a load stores, and the markers that guard it. */
export function describeFills(suite: SharedBackendSuite): void {
  const it = Fixture.tests(suite);
  const ensure = { scopes: SCOPES, keepMs: LONG };
  const read = async (fixture: Fixture): Promise<readonly ScopeReading[]> =>
    (await fixture.second.read(readOf(KEY, SCOPES))).scopes;

  suite.describe(`${suite.name}, fills`, () => {
    it('stores a value once, for the holder of the lease and for its ttl', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      const fill = fillOf(KEY, 'L1', 1, { ttlMs: fixture.shortMs });
      assert.deepEqual(await fixture.first.fill(fill), STORED);
      await fixture.expectStored(KEY, 1);
      assert.equal((await fixture.second.read(readOf(KEY, [], true))).lease, undefined);
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 2)), LOST);
      await fixture.expectStored(KEY, 1);
      await fixture.wait(fixture.shortMs);
      await fixture.expectStored(KEY, undefined);
    });

    it('stores nothing without the lease', async (fixture) => {
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L0', 1)), LOST);
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      assert.deepEqual(await fixture.second.fill(fillOf(KEY, 'L2', 2)), LOST);
      await fixture.expectStored(KEY, undefined);
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 1)), STORED);
    });

    it('checks the lease of each fill when many are sent at once', async (fixture) => {
      const keys = Array.from({ length: 50 }, (_, i) => `k${String(i)}`);
      const replies = await Promise.all(keys.map((key) => fixture.first.lease(leaseOf(key, key))));
      assert.ok(replies.every(({ state }) => state === 'leased'));
      const lost = keys.filter((_, i) => i % 3 === 0);
      await fixture.second.delete(lost, 0);
      const filled = await Promise.all(
        keys.map((key, i) => fixture.first.fill(fillOf(key, key, i))),
      );
      assert.deepEqual(
        filled,
        keys.map((_, i) => (i % 3 === 0 ? LOST : STORED)),
      );
      for (const [i, key] of keys.entries())
        await fixture.expectStored(key, i % 3 === 0 ? undefined : i);
    });

    it('stores one of two fills of the same lease that are sent at once', async (fixture) => {
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      const filled = await Promise.all([1, 2].map((n) => fixture.first.fill(fillOf(KEY, 'L1', n))));
      assert.equal(filled.filter(({ stored }) => stored).length, 1);
      await fixture.expectStored(KEY, filled[0]?.stored === true ? 1 : 2);
    });

    it('stores values that are bytes, long or empty of ASCII as they are', async (fixture) => {
      const payloads = [
        Uint8Array.from({ length: 256 }, (_, i) => i),
        'é'.repeat(40_000),
        'äß 日本',
      ];
      const stored = await Promise.all(
        payloads.map(async (payload, i) => {
          const key = `k${String(i)}`;
          await fixture.first.lease(leaseOf(key, 'L1'));
          await fixture.first.fill({ ...fillOf(key, 'L1', i), payload });
          return (await fixture.second.read(readOf(key))).stored;
        }),
      );
      assert.deepEqual(
        stored.map((payload) => Buffer.from(payload ?? '').toString('latin1')),
        payloads.map((payload) => Buffer.from(payload).toString('latin1')),
      );
    });

    it('makes missing clocks and markers with the fill, and keeps others', async (fixture) => {
      const [tenant] = await fixture.first.ensure({
        scopes: [{ scope: 't', groups: ['*'] }],
        keepMs: LONG,
      });
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 1, { ensure })), STORED);
      const [namespace, after] = await read(fixture);
      assert.equal(validityOf(namespace?.clock, ['*'], namespace), 'valid');
      assert.equal(after?.clock, tenant?.clock);
      assert.deepEqual(after?.markers[0], tenant?.markers[0]);
      assert.equal(validityOf(tenant?.clock, ['*', 't:a'], after), 'valid');
    });

    it('makes a marker with the fill from the clock as it is then', async (fixture) => {
      const [, started] = await fixture.first.ensure(ensure);
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      await fixture.second.invalidate(invalidationOf(['t:b'], { scope: 't' }));
      const late = { scopes: [{ scope: 't', groups: ['t:late'] }], keepMs: LONG };
      await fixture.first.fill(fillOf(KEY, 'L1', 1, { ensure: late }));
      const { scopes } = await fixture.second.read(readOf(KEY, late.scopes));
      assert.equal(
        validityOf(started?.clock, ['t:late'], scopes[0]),
        'invalidated',
        'a marker that may have been lost must not revive an entry',
      );
    });

    it('refuses a fill while a group settles, and keeps the lease', async (fixture) => {
      await fixture.first.ensure(ensure);
      const settleMs = 20_000;
      const before = fixture.first.now();
      await fixture.second.invalidate(invalidationOf(['t:a'], { scope: 't', settleMs }));
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      const fill = fillOf(KEY, 'L1', 1, { ensure, refuseIfSettlingAfter: before });
      const refused = await fixture.first.fill(fill);
      assert.ok(!refused.stored && Math.abs(refused.settleUntil - before - settleMs) < 10_000);
      await fixture.expectStored(KEY, undefined);
      assert.equal((await fixture.first.read(readOf(KEY, [], true))).lease, 'L1');
      const later = { ...fill, refuseIfSettlingAfter: refused.settleUntil };
      assert.deepEqual(await fixture.first.fill(later), STORED);
      await fixture.expectStored(KEY, 1);
    });

    it('says that the lease is lost although a group settles', async (fixture) => {
      await fixture.first.invalidate(invalidationOf(['t:a'], { scope: 't', settleMs: 20_000 }));
      const fill = fillOf(KEY, 'L1', 1, { ensure, refuseIfSettlingAfter: 0 });
      assert.deepEqual(await fixture.first.fill(fill), LOST);
    });

    it('ignores settle windows when it is not asked to refuse them', async (fixture) => {
      await fixture.first.invalidate(invalidationOf(['t:a'], { scope: 't', settleMs: 20_000 }));
      await fixture.first.lease(leaseOf(KEY, 'L1'));
      assert.deepEqual(await fixture.first.fill(fillOf(KEY, 'L1', 1, { ensure })), STORED);
      expectPayload((await fixture.second.read(readOf(KEY))).stored, 1);
    });
  });
}
