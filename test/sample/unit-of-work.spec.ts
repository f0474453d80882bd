import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseClient } from '../../sample/shared/database-client.js';
import { visit } from '../../sample/shared/visit.js';
import { SmallSample } from './small-sample.js';

describe('the sample of a unit of work', () => {
  let sample: SmallSample;
  let bank: string;
  let database: DatabaseClient;
  beforeAll(async () => {
    sample = await SmallSample.start('unit-of-work');
    bank = sample.origin('bank');
    database = new DatabaseClient(bank);
  });
  afterAll(() => sample.stop());

  const balance = async (name: string): Promise<number> =>
    ((await visit(`${bank}/accounts/${name}`)).body as { cents: number }).cents;
  const balances = () => Promise.all([balance('rent'), balance('food')]);
  const invalidations = async () => (await visit(`${bank}/invalidations`)).body;
  const transfer = (cents: number, from = 'rent', to = 'food') =>
    visit(`${bank}/transfers`, { method: 'POST', body: { from, to, cents } });

  it('shows both accounts anew to whoever reads after the commit', async () => {
    const [rent, food] = await balances();
    expect(await transfer(100)).toMatchObject({ status: 201, body: { left: rent - 100 } });
    expect(await balances()).toEqual([rent - 100, food + 100]);
  });

  it('invalidates nothing while the transaction runs: others read what is committed, from the cache', async () => {
    const [rent, food] = await balances();
    const before = await invalidations();
    const [done] = await database.during(
      1,
      () => transfer(100),
      async () => {
        expect(await database.queriesOf(balances)).toBe('0 queries');
        expect(await balances()).toEqual([rent, food]);
        expect(await invalidations()).toEqual(before);
      },
    );
    expect(done).toMatchObject({ status: 201, body: { left: rent - 100 } });
    expect(await balances()).toEqual([rent - 100, food + 100]);
  });

  it('invalidates nothing when PostgreSQL refuses a statement and rolls back', async () => {
    const [rent, food] = await balances();
    const before = await invalidations();
    expect((await transfer(1_000_000)).status).toBe(409);
    expect(await invalidations()).toEqual(before);
    expect(
      await database.queriesOf(async () => expect(await balances()).toEqual([rent, food])),
    ).toBe('0 queries');
  });

  it('invalidates nothing when the last statement before the commit fails', async () => {
    const [rent, food] = await balances();
    const before = await invalidations();
    await database.set('fail');
    expect((await transfer(100)).status).toBe(503);
    await database.set('answer');
    expect(await invalidations()).toEqual(before);
    expect(await balances()).toEqual([rent, food]);
    // The money is where it was in the database as well, not in the cache only.
    await transfer(1);
    expect(await balances()).toEqual([rent - 1, food + 1]);
  });
});
