import assert from 'node:assert/strict';
import type { ScopeReading } from '../ports/groups.js';
import {
  expectPayload,
  Fixture,
  invalidationOf,
  LONG,
  readOf,
  type SharedBackendSuite,
  validityOf,
  value,
} from './shared-backend-fixture.js';

const GROUPS = ['*', 's:entries', 't:a', 't:b'];
const SCOPE = { scope: '', groups: GROUPS };

/** Clocks and markers: the fence of a group. */
export function describeMarkers(suite: SharedBackendSuite): void {
  const it = Fixture.tests(suite);
  const read = async (
    fixture: Fixture,
    groups = GROUPS,
    scope = '',
  ): Promise<ScopeReading | undefined> =>
    (await fixture.second.read(readOf('k', [{ scope, groups }]))).scopes[0];
  const ensure = async (fixture: Fixture, groups = GROUPS): Promise<ScopeReading> => {
    const [made] = await fixture.first.ensure({ scopes: [{ scope: '', groups }], keepMs: LONG });
    assert.ok(made?.clock !== undefined);
    return made;
  };

  suite.describe(`${suite.name}, clocks and markers`, () => {
    it('makes what is missing from the clock, and leaves what is there', async (fixture) => {
      const made = await ensure(fixture, ['*', 't:a']);
      assert.deepEqual(
        made.markers.map((marker) => [marker?.hard, marker?.soft, marker?.settleUntil]),
        [
          [made.clock, made.clock, 0],
          [made.clock, made.clock, 0],
        ],
      );
      assert.ok(
        Math.abs((made.clock ?? 0) / 1_000 - fixture.first.now()) < 60_000,
        'a clock begins at the time, in microseconds',
      );
      await fixture.wait(fixture.shortMs);
      assert.deepEqual(await ensure(fixture, ['*', 't:a']), made);
      assert.deepEqual(await read(fixture, ['*', 't:a']), made);
    });

    it('makes a later marker from the clock as it is then', async (fixture) => {
      const { clock: start } = await ensure(fixture, ['*', 't:a']);
      const tick = await fixture.first.invalidate(invalidationOf(['t:a']));
      const { markers } = await ensure(fixture, ['t:b']);
      assert.equal(markers[0]?.hard, tick);
      assert.equal(
        validityOf(start, ['t:b'], await read(fixture, ['t:b'])),
        'invalidated',
        'a marker that may have been lost must not revive an entry',
      );
    });

    it('moves the clock and the markers that are named, and no others', async (fixture) => {
      const before = await ensure(fixture);
      const tick = await fixture.first.invalidate(invalidationOf(['t:a', 's:entries']));
      assert.ok(tick > (before.clock ?? Infinity));
      const after = await read(fixture);
      assert.equal(after?.clock, tick);
      assert.deepEqual(
        after.markers.map((marker) => [marker?.hard, marker?.soft]),
        [before.clock, tick, tick, before.clock].map((at) => [at, at]),
      );
      assert.equal(validityOf(before.clock, ['t:a'], await read(fixture, ['t:a'])), 'invalidated');
      assert.equal(validityOf(before.clock, ['t:b'], await read(fixture, ['t:b'])), 'valid');
      assert.equal(validityOf(tick, GROUPS, after), 'valid', 'a load that starts after it is good');
    });

    it('makes entries stale by a soft invalidation, unusable by a hard one', async (fixture) => {
      const { clock: start } = await ensure(fixture);
      const soft = await fixture.first.invalidate(invalidationOf(['t:a'], { mode: 'soft' }));
      assert.equal(validityOf(start, GROUPS, await read(fixture)), 'soft');
      assert.equal(validityOf(soft, GROUPS, await read(fixture)), 'valid');
      const hard = await fixture.second.invalidate(invalidationOf(['t:a']));
      assert.equal(validityOf(soft, GROUPS, await read(fixture)), 'invalidated');
      await fixture.first.invalidate(invalidationOf(['t:a'], { mode: 'soft' }));
      assert.equal(validityOf(soft, GROUPS, await read(fixture)), 'invalidated');
      assert.equal(validityOf(hard, GROUPS, await read(fixture)), 'soft');
    });

    it('does not revive entries by a soft invalidation of a missing marker', async (fixture) => {
      const { clock: start } = await ensure(fixture, ['*']);
      const tick = await fixture.first.invalidate(invalidationOf(['*']));
      await fixture.first.invalidate(invalidationOf(['t:lost'], { mode: 'soft' }));
      assert.equal(validityOf(start, ['t:lost'], await read(fixture, ['t:lost'])), 'invalidated');
      assert.equal(validityOf(tick, ['t:lost'], await read(fixture, ['t:lost'])), 'soft');
    });

    it('works on a scope that was never used', async (fixture) => {
      const tick = await fixture.first.invalidate(invalidationOf(['t:a']));
      const after = await read(fixture, ['t:a', 't:b']);
      assert.equal(after?.clock, tick);
      assert.deepEqual([after.markers[0]?.hard, after.markers[1]], [tick, undefined]);
    });

    it('never gives out a tick twice', async (fixture) => {
      const ticks = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          (i % 2 === 0 ? fixture.first : fixture.second).invalidate(
            invalidationOf([`t:${String(i % 3)}`]),
          ),
        ),
      );
      assert.equal(new Set(ticks).size, 60);
      assert.equal((await read(fixture))?.clock, Math.max(...ticks));
    });

    it('means only entries in all groups of a combination', async (fixture) => {
      const { clock: start } = await ensure(fixture);
      await fixture.first.invalidate(
        invalidationOf(['t:b', 't:a'], { match: 'all', mode: 'soft' }),
      );
      assert.equal(validityOf(start, GROUPS, await read(fixture)), 'soft');
      const tick = await fixture.first.invalidate(invalidationOf(['t:a', 't:b'], { match: 'all' }));
      assert.equal(validityOf(start, GROUPS, await read(fixture)), 'invalidated');
      assert.equal(validityOf(start, ['*', 't:a'], await read(fixture, ['*', 't:a'])), 'valid');
      assert.equal(validityOf(start, ['*', 't:b'], await read(fixture, ['*', 't:b'])), 'valid');
      assert.equal(validityOf(tick, GROUPS, await read(fixture)), 'valid');
      assert.equal((await read(fixture))?.clock, tick);
      await fixture.first.invalidate(
        invalidationOf(['t:b', 't:a'], { match: 'all', mode: 'soft' }),
      );
      assert.equal(validityOf(start, GROUPS, await read(fixture)), 'invalidated');
      assert.equal(validityOf(tick, GROUPS, await read(fixture)), 'soft');
    });

    it('forgets no combination, however many there are', async (fixture) => {
      const others = Array.from({ length: 150 }, (_, i) => `t:z${String(i)}`);
      const { clock: start } = await ensure(fixture, ['t:a', ...others]);
      for (const other of others)
        await fixture.first.invalidate(invalidationOf(['t:a', other], { match: 'all' }));
      for (const other of others)
        assert.equal(
          validityOf(start, ['t:a', other], await read(fixture, ['t:a', other])),
          'invalidated',
        );
      const { clock: now } = await ensure(fixture, ['t:a']);
      assert.equal(validityOf(now, ['t:a', 't:z3'], await read(fixture, ['t:a', 't:z3'])), 'valid');
    });

    it('keeps the longest settle window of a group', async (fixture) => {
      await ensure(fixture);
      const now = fixture.first.now();
      await fixture.first.invalidate(invalidationOf(['t:a'], { settleMs: 40_000 }));
      await fixture.first.invalidate(invalidationOf(['t:a'], { settleMs: 1_000, mode: 'soft' }));
      await fixture.first.invalidate(invalidationOf(['t:a']));
      const until = (await read(fixture))?.markers.map((marker) => marker?.settleUntil);
      assert.ok(Math.abs((until?.[2] ?? 0) - now - 40_000) < 10_000);
      assert.deepEqual(
        until?.filter((_, i) => i !== 2),
        [0, 0, 0],
      );
    });

    it('keeps scopes and namespaces apart', async (fixture) => {
      const other = await fixture.open(`${fixture.namespace}x`);
      await fixture.first.ensure({
        scopes: [SCOPE, { scope: 'tenant', groups: GROUPS }],
        keepMs: LONG,
      });
      await other.ensure({ scopes: [SCOPE], keepMs: LONG });
      const before = [await read(fixture), (await other.read(readOf('k', [SCOPE]))).scopes[0]];
      await fixture.first.invalidate(invalidationOf(GROUPS, { scope: 'tenant' }));
      assert.deepEqual(
        [await read(fixture), (await other.read(readOf('k', [SCOPE]))).scopes[0]],
        before,
      );
      assert.equal(
        validityOf(before[0]?.clock, GROUPS, await read(fixture, GROUPS, 'tenant')),
        'invalidated',
      );
    });

    it('answers for the value, several scopes and a lease in one reading', async (fixture) => {
      const made = [
        { scope: '', groups: ['*'] },
        { scope: 'x', groups: ['*', 't:a'] },
      ];
      await fixture.first.ensure({ scopes: made, keepMs: LONG });
      await fixture.first.set('k', value(1), LONG);
      const { stored, scopes } = await fixture.second.read(
        readOf('k', [
          { scope: '', groups: ['*'] },
          { scope: 'x', groups: ['t:a', 't:none', '*'] },
        ]),
      );
      expectPayload(stored, 1);
      assert.deepEqual(
        scopes.map((scope) => scope.markers.map((marker) => marker !== undefined)),
        [[true], [true, false, true]],
      );
    });
  });
}
