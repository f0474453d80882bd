import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseClient } from '../../sample/shared/database-client.js';
import { visit } from '../../sample/shared/visit.js';
import { SmallSample } from './small-sample.js';

describe('a CDN in front of the sample newspaper', () => {
  let sample: SmallSample;
  let database: DatabaseClient;
  beforeAll(async () => {
    sample = await SmallSample.start('cdn');
    database = new DatabaseClient(sample.origin('app'));
  });
  afterAll(() => sample.stop());

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const reply = await visit(sample.origin('cdn') + path, { headers });
    return { from: reply.headers.get('x-cdn'), ...reply };
  };
  const post = (id: string, title: string) =>
    visit(`${sample.origin('cdn')}/articles/${id}`, {
      method: 'PUT',
      body: { section: 'sport', title },
    });

  it('answers what it keeps without asking the application', async () => {
    await get('/articles/2');
    const { requests } = await database.state();
    expect(await get('/articles/2')).toMatchObject({
      from: 'hit',
      status: 200,
      body: { id: '2', title: 'Away defeat' },
    });
    expect((await database.state()).requests).toBe(requests);
  });

  it('is told by the application how long and under which words, and keeps that to itself', async () => {
    const told = await visit(`${sample.origin('app')}/articles/2`);
    const names = ['cdn-cache-control', 'surrogate-key', 'cache-control'];
    expect(names.map((name) => told.headers.get(name))).toEqual([
      'max-age=86400',
      'article:2 section:sport',
      'public, max-age=60',
    ]);
    const passed = await get('/articles/2');
    expect(names.map((name) => passed.headers.get(name))).toEqual([
      null,
      null,
      'public, max-age=60',
    ]);
  });

  it('gives the new article to the next reader of every page that has it, and keeps the others', async () => {
    for (const path of ['/articles/2', '/articles/3', '/sections/sport', '/sections/culture'])
      await get(path);
    expect((await post('2', 'Away draw')).status).toBe(204);
    expect(await get('/articles/2')).toMatchObject({ from: 'miss', body: { title: 'Away draw' } });
    const section = await get('/sections/sport');
    expect([section.from, JSON.stringify(section.body)]).toEqual([
      'miss',
      expect.stringContaining('Away draw'),
    ]);
    expect((await get('/articles/3')).from).toBe('hit');
    expect((await get('/sections/culture')).from).toBe('hit');
    expect((await get('/articles/2')).from).toBe('hit');
  });

  it('keeps nothing that was being read when a post changed it', async () => {
    await post('4', 'Rain');
    const [overtaken] = await database.during(
      1,
      () => get('/articles/4'),
      () => post('4', 'Sun'),
    );
    expect(overtaken).toMatchObject({ from: 'pass', body: { title: 'Rain' } });
    expect(await get('/articles/4')).toMatchObject({ from: 'miss', body: { title: 'Sun' } });
  });

  it('never keeps what belongs to a reader, although it would give it to anybody', async () => {
    for (const authorization of ['carol', 'dave', 'carol']) {
      expect(await get('/me', { authorization })).toMatchObject({
        from: 'pass',
        body: { reader: authorization },
      });
    }
    expect(await database.queriesOf(() => get('/me', { authorization: 'dave' }))).toBe('0 queries');
  });

  it('never keeps what belongs to a tenant, which the URL does not tell', async () => {
    for (const publisher of ['east', 'west', 'east']) {
      expect(await get('/subscribers', { 'x-publisher': publisher })).toMatchObject({
        from: 'pass',
        body: { publisher },
      });
    }
    expect(await database.queriesOf(() => get('/subscribers', { 'x-publisher': 'west' }))).toBe(
      '0 queries',
    );
  });

  it('keeps no error', async () => {
    for (let round = 0; round < 2; round++)
      expect(await get('/articles/99')).toMatchObject({ from: 'pass', status: 404 });
  });
});
