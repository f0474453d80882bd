import { Injectable } from '@nestjs/common';
import { Cacheable, CacheEvict, CacheService } from 'nest-query-cache';
import type { BooksService } from '../library/books.controller.js';
import { type Book, Library } from '../library/library.js';

@Injectable()
export class CachedBooks implements BooksService {
  constructor(
    private readonly library: Library,
    private readonly cache: CacheService,
  ) {}

  find(id: string): Promise<Book> {
    return this.cache.getOrSet(
      this.#keyOf(id),
      async ({ addTags }) => {
        const book = await this.library.find(id);
        addTags(`shelf:${book.shelf}`);
        return book;
      },
      { ttl: '1m', staleIfError: '1h' },
    );
  }

  async due(shelf: string, by: Date): Promise<number> {
    const books = await this.booksOn(shelf);
    return books.filter(({ due }) => due <= by).length;
  }

  @Cacheable({ cache: 'shelves', staleIfError: '1h', tags: (shelf) => [`shelf:${shelf}`] })
  async booksOn(shelf: string): Promise<Book[]> {
    return this.library.shelf(shelf);
  }

  async rename(id: string, title: string): Promise<void> {
    this.library.rename(id, title);
    await this.cache.delete(this.#keyOf(id));
  }

  /** Soft: the shelf is read again, and its last known state is served if that fails. */
  @CacheEvict({ cache: 'shelves', tags: (shelf) => [`shelf:${shelf}`], mode: 'soft' })
  async refresh(shelf: string): Promise<void> {
    await this.cache.invalidate({ tags: [`shelf:${shelf}`] });
  }

  #keyOf(id: string) {
    return this.cache.key().segment('books').param('id', id).build();
  }
}
