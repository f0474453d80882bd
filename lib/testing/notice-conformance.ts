import assert from 'node:assert/strict';
import { eventually } from './runner.js';
import {
  fillOf,
  Fixture,
  invalidationOf,
  leaseOf,
  LONG,
  readOf,
  type SharedBackendSuite,
  value,
} from './shared-backend-fixture.js';

/** What the users of a namespace publish to each other. */
export function describeNotices(suite: SharedBackendSuite): void {
  const it = Fixture.tests(suite);

  suite.describe(`${suite.name}, notices`, () => {
    it('publishes the keys that were set or deleted', async (fixture) => {
      await fixture.listen();
      await fixture.first.set('k1', value(1), LONG);
      await fixture.waitForNotice('keys', ({ keys }) => keys.includes('k1'));
      await fixture.first.delete(['k2', 'k3'], 0);
      await fixture.waitForNotice('keys', ({ keys }) => keys.includes('k2'));
      await fixture.waitForNotice('keys', ({ keys }) => keys.includes('k3'));
    });

    it('publishes a key that was set with a lease', async (fixture) => {
      await fixture.listen();
      await fixture.first.lease(leaseOf('k1', 'L1'));
      await fixture.first.set('k1', value(1), LONG, 'L0');
      await fixture.first.set('k1', value(2), LONG, 'L1');
      await fixture.waitForNotice('keys', ({ keys }) => keys.includes('k1'));
      assert.equal(fixture.notices.filter(({ kind }) => kind === 'keys').length, 1);
    });

    it('publishes an invalidation with its tick and settle window', async (fixture) => {
      await fixture.listen();
      const first = invalidationOf(['t:b', 't:a'], {
        scope: 'tenant',
        match: 'all',
        mode: 'soft',
        settleMs: 5_000,
      });
      const tick = await fixture.first.invalidate(first);
      const heard = await fixture.waitForNotice('groups', (notice) => notice.tick === tick);
      assert.deepEqual(
        { ...heard.invalidation, groups: Array.from(heard.invalidation.groups).sort() },
        { ...first, groups: ['t:a', 't:b'] },
      );
      assert.ok(Math.abs(heard.settleUntil - fixture.first.now() - 5_000) < 4_000);
      const second = await fixture.first.invalidate(invalidationOf(['*']));
      const again = await fixture.waitForNotice('groups', (notice) => notice.tick === second);
      assert.deepEqual([again.invalidation, again.settleUntil], [invalidationOf(['*']), 0]);
    });

    it('wakes processes that wait for a lease that ends', async (fixture) => {
      await fixture.listen();
      for (const key of ['filled', 'released']) {
        await fixture.first.lease(leaseOf(key, 'L1'));
        await fixture.second.lease(leaseOf(key, 'L2'));
      }
      await fixture.first.fill(fillOf('filled', 'L1', 1));
      await fixture.first.release('released', 'L1');
      await fixture.waitForNotice('released', ({ key }) => key === 'filled');
      await fixture.waitForNotice('released', ({ key }) => key === 'released');
    });

    it('publishes in the order of the changes', async (fixture) => {
      await fixture.listen();
      for (let i = 0; i < 20; i++) await fixture.first.delete([`k${String(i)}`], 0);
      await fixture.waitForNotice('keys', ({ keys }) => keys.includes('k19'));
      const order = fixture.notices.flatMap((notice) =>
        notice.kind === 'keys' ? notice.keys : [],
      );
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, i) => `k${String(i)}`),
      );
    });

    it('publishes after the change, never before', async (fixture) => {
      await fixture.first.set('k', value(1), LONG);
      let found: unknown = 'not asked';
      fixture.second.subscribe((notice) => {
        if (notice.kind !== 'keys') return;
        void fixture.second.read(readOf('k')).then((reading) => (found = reading.stored));
      });
      await eventually('the backend to be coherent', () => fixture.second.isCoherent());
      await fixture.first.delete(['k'], 0);
      await eventually('the answer', () => found !== 'not asked');
      assert.equal(found, undefined);
    });

    it('delivers no notice of other namespaces or to ended listeners', async (fixture) => {
      const end = await fixture.listen();
      const other = await fixture.open(`${fixture.namespace}x`);
      await other.delete(['theirs'], 0);
      await fixture.first.delete(['ours'], 0);
      await fixture.waitForNotice('keys', ({ keys }) => keys.includes('ours'));
      end();
      const second: string[] = [];
      fixture.second.subscribe((notice) => second.push(notice.kind));
      await eventually('the backend to be coherent', () => fixture.second.isCoherent());
      await fixture.first.delete(['later'], 0);
      await eventually('the later notice', () => second.includes('keys'));
      assert.deepEqual(
        fixture.notices.filter(({ kind }) => kind !== 'gap'),
        [{ kind: 'keys', keys: ['ours'] }],
      );
    });
  });
}
