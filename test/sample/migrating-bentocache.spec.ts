import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseClient } from '../../sample/shared/database-client.js';
import { visit } from '../../sample/shared/visit.js';
import { SmallSample } from './small-sample.js';

describe('a library moved from bentocache', () => {
  let sample: SmallSample;
  beforeAll(async () => {
    sample = await SmallSample.start('migrating-bentocache');
  });
  afterAll(() => sample.stop());

  const both = ['before', 'after'] as const;
  const send = async (
    application: (typeof both)[number],
    path: string,
    init?: Parameters<typeof visit>[1],
  ) => {
    const { status, body } = await visit(sample.origin(application) + path, init);
    return { status, body };
  };

  it('answers as before: books, what is due, and what is missing, read once or again', async () => {
    const emma = { id: 'emma', title: 'Emma', shelf: 'novels', due: '2026-03-01T00:00:00.000Z' };
    for (const application of both) {
      for (let round = 0; round < 2; round++) {
        expect(await send(application, '/books/emma'), application).toEqual({
          status: 200,
          body: emma,
        });
        expect(await send(application, '/books/due/novels/2026-04-01'), application).toEqual({
          status: 200,
          body: { due: 2 },
        });
        expect(await send(application, '/books/due/science/2026-04-01'), application).toEqual({
          status: 200,
          body: { due: 0 },
        });
        expect((await send(application, '/books/faust')).status, application).toBe(404);
      }
    }
  });

  it('answers as before: a new title, and a refreshed shelf', async () => {
    for (const application of both) {
      const database = new DatabaseClient(sample.origin(application));
      const read = () =>
        Promise.all([
          send(application, '/books/cosmos'),
          send(application, '/books/due/science/2026-06-01'),
        ]);
      await read();
      expect(await database.queriesOf(read), application).toBe('0 queries');
      await send(application, '/books/cosmos', {
        method: 'PUT',
        body: { title: 'Cosmos, second edition' },
      });
      expect((await send(application, '/books/cosmos')).body, application).toMatchObject({
        title: 'Cosmos, second edition',
      });
      await send(application, '/books/shelves/science', { method: 'PUT' });
      expect(await database.queriesOf(read), application).toBe('2 queries');
    }
  });

  it('differs as the guide says', () => {
    expect(sample.rows()).toEqual([
      ['50 requests at once for a book that is not cached', '1 query', '1 query'],
      ['the same, and the query fails', '50 queries', '1 query'],
      ['renamed while the book is being read, next answer', 'old title', 'new title'],
      ['a shelf was refreshed, the database is away: books due', '{"due":1}', '{"due":1}'],
    ]);
  });
});
