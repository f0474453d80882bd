import assert from 'node:assert/strict';
import { acquireOf, Fixture, type FencedSuite, invalidationOf, LONG } from './fenced-harness.js';
import { eventually } from './runner.js';

/** What the users of a namespace tell each other. */
export function describeNotices<Stored>(suite: FencedSuite<Stored>): void {
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

  suite.describe(`${suite.name}, notices`, () => {
    it('tells of keys that were set or deleted', async (fixture) => {
      await fixture.listen();
      await fixture.a.set('k1', value(1), LONG);
      await fixture.hears('keys', ({ keys }) => keys.includes('k1'));
      await fixture.a.delete(['k2', 'k3'], 0);
      await fixture.hears('keys', ({ keys }) => keys.includes('k2'));
      await fixture.hears('keys', ({ keys }) => keys.includes('k3'));
    });

    it('tells of a key that was set with a lease', async (fixture) => {
      await fixture.listen();
      await fixture.a.acquire(acquireOf('k1', 'L1', { replaces: true }));
      await fixture.a.set('k1', value(1), LONG, 'L0');
      await fixture.a.set('k1', value(2), LONG, 'L1');
      await fixture.hears('keys', ({ keys }) => keys.includes('k1'));
      assert.equal(fixture.heard.filter(({ kind }) => kind === 'keys').length, 1);
    });

    it('tells of an invalidation as it was made, with its tick and the end of its settle window', async (fixture) => {
      await fixture.listen();
      const first = invalidationOf(['t:b', 't:a'], {
        scope: 'tenant',
        match: 'all',
        mode: 'soft',
        settleMs: 5_000,
      });
      const tick = await fixture.a.invalidate(first);
      const heard = await fixture.hears('groups', (notice) => notice.tick === tick);
      assert.deepEqual(
        { ...heard.invalidation, groups: Array.from(heard.invalidation.groups).sort() },
        { ...first, groups: ['t:a', 't:b'] },
      );
      assert.ok(Math.abs(heard.settleUntil - fixture.a.now() - 5_000) < 4_000);
      const second = await fixture.a.invalidate(invalidationOf(['*']));
      const again = await fixture.hears('groups', (notice) => notice.tick === second);
      assert.deepEqual([again.invalidation, again.settleUntil], [invalidationOf(['*']), 0]);
    });

    it('wakes those who found a lease taken, when it is filled or given up', async (fixture) => {
      await fixture.listen();
      for (const key of ['filled', 'released']) {
        await fixture.a.acquire(acquireOf(key, 'L1'));
        await fixture.b.acquire(acquireOf(key, 'L2'));
      }
      await fixture.a.fill('filled', 'L1', value(1), LONG);
      await fixture.a.release('released', 'L1');
      await fixture.hears('released', ({ key }) => key === 'filled');
      await fixture.hears('released', ({ key }) => key === 'released');
    });

    it('tells in the order in which things happened', async (fixture) => {
      await fixture.listen();
      for (let i = 0; i < 20; i++) await fixture.a.delete([`k${String(i)}`], 0);
      await fixture.hears('keys', ({ keys }) => keys.includes('k19'));
      const order = fixture.heard.flatMap((notice) => (notice.kind === 'keys' ? notice.keys : []));
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, i) => `k${String(i)}`),
      );
    });

    it('tells after the change, never before', async (fixture) => {
      await fixture.a.set('k', value(1), LONG);
      let found: unknown = 'not asked';
      fixture.b.subscribe((notice) => {
        if (notice.kind !== 'keys') return;
        void fixture.b
          .read({ key: 'k', scopes: [], withLease: false, text: true })
          .then((reading) => (found = reading.stored));
      });
      await eventually('the store to hear', () => fixture.b.isCoherent());
      await fixture.a.delete(['k'], 0);
      await eventually('the answer', () => found !== 'not asked');
      assert.equal(found, undefined);
    });

    it('tells nothing of other namespaces, and nothing to those who no longer listen', async (fixture) => {
      const end = await fixture.listen();
      const other = await fixture.another(`${fixture.namespace}x`);
      await other.delete(['theirs'], 0);
      await fixture.a.delete(['ours'], 0);
      await fixture.hears('keys', ({ keys }) => keys.includes('ours'));
      end();
      const second: string[] = [];
      fixture.b.subscribe((notice) => second.push(notice.kind));
      await eventually('the store to hear', () => fixture.b.isCoherent());
      await fixture.a.delete(['later'], 0);
      await eventually('the later notice', () => second.includes('keys'));
      assert.deepEqual(
        fixture.heard.filter(({ kind }) => kind !== 'gap'),
        [{ kind: 'keys', keys: ['ours'] }],
      );
    });
  });
}
