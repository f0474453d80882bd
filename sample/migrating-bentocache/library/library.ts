import { Injectable, Module, NotFoundException } from '@nestjs/common';
import { SlowDatabase } from '../../shared/slow-database.js';

export interface Book {
  readonly id: string;
  readonly title: string;
  readonly shelf: string;
  readonly due: Date;
}

/**
 * The queries and commands of a library. It does not know the cache: both applications use it
 * unchanged.
 */
@Injectable()
export class Library {
  readonly #books = new Map<string, Book>(
    [
      { id: 'emma', title: 'Emma', shelf: 'novels', due: new Date('2026-03-01') },
      { id: 'ulysses', title: 'Ulysses', shelf: 'novels', due: new Date('2026-04-01') },
      { id: 'cosmos', title: 'Cosmos', shelf: 'science', due: new Date('2026-05-01') },
    ].map((book) => [book.id, book]),
  );

  constructor(private readonly database: SlowDatabase) {}

  /** @throws NotFoundException for a book that does not exist */
  async find(id: string): Promise<Book> {
    const book = await this.database.read(() => this.#books.get(id));
    if (book === undefined) throw new NotFoundException(`There is no book '${id}'.`);
    return book;
  }

  shelf(name: string): Promise<Book[]> {
    return this.database.read(() =>
      [...this.#books.values()].filter(({ shelf }) => shelf === name),
    );
  }

  rename(id: string, title: string): void {
    const book = this.#books.get(id);
    if (book !== undefined) this.#books.set(id, { ...book, title });
  }
}

@Module({ providers: [Library], exports: [Library] })
export class LibraryModule {}
