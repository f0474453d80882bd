import type { INestApplication } from '@nestjs/common';
import { createApp } from '../shared/create-app.js';
import { DatabaseClient } from '../shared/database-client.js';
import { run } from '../shared/run.js';
import { visit } from '../shared/visit.js';
import { NewspaperModule } from './newspaper.module.js';
import { TinyCdn } from './tiny-cdn.js';

const cdn: TinyCdn = new TinyCdn(() => app.getUrl());
const app: INestApplication = await createApp(NewspaperModule.forRoot(() => cdn.getUrl()));

await run({ cdn, app }, async (origins) => {
  const database = new DatabaseClient(origins.app);
  const show = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
    let said = '';
    const queries = await database.queriesOf(async () => {
      const { body, headers: answered } = await visit(origins.cdn + path, { headers });
      said =
        `CDN: ${answered.get('x-cdn') ?? ''}`.padEnd(10) + `  ${JSON.stringify(body).slice(0, 60)}`;
    });
    console.log(`GET ${path.padEnd(15)}  ${queries.padEnd(9)}  ${said}`);
  };
  const paths = ['/articles/1', '/articles/3', '/sections/sport'];
  for (const path of [...paths, ...paths]) await show(path);

  const article = { section: 'sport', title: 'Home win, after extra time' };
  await visit(`${origins.cdn}/articles/1`, { method: 'PUT', body: article });
  console.log('\nPUT /articles/1: invalidates and purges article:1 section:sport');
  for (const path of paths) await show(path);

  console.log('\nNever kept by the CDN, but for each reader and publisher in the application:');
  for (const reader of ['ann', 'bob', 'ann']) await show('/me', { authorization: reader });
  for (const publisher of ['north', 'south', 'north'])
    await show('/subscribers', { 'x-publisher': publisher });
});
