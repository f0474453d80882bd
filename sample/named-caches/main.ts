import { createApp } from '../shared/create-app.js';
import { DatabaseClient } from '../shared/database-client.js';
import { run } from '../shared/run.js';
import { until, visit } from '../shared/visit.js';
import { ExchangeModule } from './app.module.js';

await run({ exchange: await createApp(ExchangeModule) }, async ({ exchange }) => {
  const database = new DatabaseClient(exchange);
  const body = async (path: string): Promise<string> =>
    JSON.stringify((await visit(exchange + path)).body);
  const show = async (what: string, path: string): Promise<void> => {
    const queries = await database.queriesOf(() => body(path));
    console.log(`${what.padEnd(40)}  GET ${path.padEnd(16)}  ${queries}`);
  };
  await show('a quote', '/quotes/ACME');
  await show('a report', '/reports/2026-01');
  await show('the report again', '/reports/2026-01');

  const first = await body('/quotes/ACME');
  await until(async () => (await body('/quotes/ACME')) !== first);
  console.log('half a second later the quote is another one');
  await show('the report after that time', '/reports/2026-01');

  await visit(`${exchange}/caches/default`, { method: 'DELETE' });
  await show('the default cache cleared: the quote', '/quotes/ACME');
  await show('the default cache cleared: the report', '/reports/2026-01');
  await visit(`${exchange}/reports/2026-01/corrections`, { method: 'POST' });
  await show('the report corrected', '/reports/2026-01');
  console.log(`\nGET /caches  ${await body('/caches')}`);
});
