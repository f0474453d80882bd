import type { Difference } from '../shared/compare.js';
import { DatabaseClient } from '../shared/database-client.js';
import { type Reply, visit } from '../shared/visit.js';

/** One of the two applications, as seen by a client. */
export class LibraryClient {
  readonly database: DatabaseClient;

  constructor(private readonly origin: string) {
    this.database = new DatabaseClient(origin);
  }

  get(path: string): Promise<Reply> {
    return visit(this.origin + path);
  }

  rename(id: string, title: string): Promise<Reply> {
    return visit(`${this.origin}/books/${id}`, { method: 'PUT', body: { title } });
  }

  refresh(shelf: string): Promise<Reply> {
    return visit(`${this.origin}/books/shelves/${shelf}`, { method: 'PUT' });
  }
}

/**
 * What one of the two applications does, in a few words. The order matters: a step may find in the
 * cache what an earlier one has left there.
 */
export const differences: readonly Difference<LibraryClient>[] = [
  {
    what: '50 requests at once for a book that is not cached',
    look: (library) =>
      library.database.queriesOf(() =>
        library.database.atOnce(50, () => library.get('/books/emma')),
      ),
  },
  {
    what: 'the same, and the query fails',
    look: async (library) => {
      const queries = await library.database.queriesOf(() =>
        library.database.during(
          50,
          () => library.get('/books/cosmos'),
          () => library.database.set('fail'),
        ),
      );
      await library.database.set('answer');
      return queries;
    },
  },
  {
    what: 'renamed while the book is being read, next answer',
    look: async (library) => {
      await library.database.during(
        1,
        () => library.get('/books/ulysses'),
        () => library.rename('ulysses', 'Ulysses, revised'),
      );
      const { body } = await library.get('/books/ulysses');
      return JSON.stringify(body).includes('revised') ? 'new title' : 'old title';
    },
  },
  {
    what: 'a shelf was refreshed, the database is away: books due',
    look: async (library) => {
      await library.get('/books/due/novels/2026-03-15');
      await library.refresh('novels');
      await library.database.set('fail');
      const { body } = await library.get('/books/due/novels/2026-03-15');
      await library.database.set('answer');
      return JSON.stringify(body);
    },
  },
];
