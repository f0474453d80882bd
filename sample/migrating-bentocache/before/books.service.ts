import { Inject, Injectable } from '@nestjs/common';
import { errors } from 'bentocache';
import type { BooksService } from '../library/books.controller.js';
import { type Book, Library } from '../library/library.js';
import { BENTO, type Bento } from './bento.js';

@Injectable()
export class BentoBooks implements BooksService {
  // Only once: each call of `namespace` returns another object with locks of its own.
  readonly #books;

  constructor(
    private readonly library: Library,
    @Inject(BENTO) private readonly bento: Bento,
  ) {
    this.#books = bento.namespace('books');
  }

  find(id: string): Promise<Book> {
    const book = this.#books.getOrSet({
      key: id,
      factory: async (context) => {
        const found = await this.library.find(id);
        context.setTags([`shelf:${found.shelf}`]);
        return found;
      },
      ttl: '1m',
      grace: '1h',
    });
    return book.catch(unwrapped);
  }

  async due(shelf: string, by: Date): Promise<number> {
    const books = await this.bento.use('shelves').getOrSet({
      key: shelf,
      factory: () => this.library.shelf(shelf),
      grace: '1h',
    });
    // A hit has strings where the database returned dates.
    return books.filter(({ due }) => new Date(due) <= by).length;
  }

  async rename(id: string, title: string): Promise<void> {
    this.library.rename(id, title);
    await this.#books.delete({ key: id });
  }

  async refresh(shelf: string): Promise<void> {
    await this.bento.use('shelves').expire({ key: shelf });
    await this.#books.deleteByTag({ tags: [`shelf:${shelf}`] });
  }
}

/** The cache wraps the 404 of the library into another error. */
function unwrapped(error: unknown): never {
  throw error instanceof errors.E_FACTORY_ERROR ? error.cause : error;
}
