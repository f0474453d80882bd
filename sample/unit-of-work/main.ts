import { createApp } from '../shared/create-app.js';
import { DatabaseClient } from '../shared/database-client.js';
import { run } from '../shared/run.js';
import { visit } from '../shared/visit.js';
import { AppModule } from './app.module.js';

await run({ bank: await createApp(AppModule) }, async ({ bank }) => {
  const database = new DatabaseClient(bank);
  const body = async (path: string): Promise<string> =>
    JSON.stringify((await visit(bank + path)).body);
  const transfer = (cents: number) => () =>
    visit(`${bank}/transfers`, { method: 'POST', body: { from: 'rent', to: 'food', cents } });
  const show = async (when: string): Promise<void> => {
    let seen = '';
    const queries = await database.queriesOf(async () => (seen = await body('/accounts/rent')));
    console.log(
      `${when.padEnd(44)}  GET /accounts/rent  ${seen}  ${queries}  ${await body('/invalidations')}`,
    );
  };
  await show('at first');

  // The last statement of the transaction waits: the money has moved, but nothing is committed.
  const [done] = await database.during(1, transfer(2_000), () =>
    show('during a transfer of 2000, others'),
  );
  console.log(`${'the transfer itself saw'.padEnd(44)}  ${JSON.stringify(done?.body)}`);
  await show('after its commit');

  const { status } = await transfer(99_000)();
  await show(`a transfer that was rolled back (${status})`);
});
