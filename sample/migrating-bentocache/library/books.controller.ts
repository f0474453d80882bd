import { Body, Controller, Get, HttpCode, Inject, Param, Put } from '@nestjs/common';
import type { Book } from './library.js';

/** What the two applications do in different ways: the queries of the library through a cache. */
export interface BooksService {
  find(id: string): Promise<Book>;
  /** How many books of the shelf are due back by that day. */
  due(shelf: string, by: Date): Promise<number>;
  rename(id: string, title: string): Promise<void>;
  /**
   * After an import: all books of a shelf may have changed. While they cannot be read, the last
   * known state of the shelf is good enough.
   */
  refresh(shelf: string): Promise<void>;
}

export const BOOKS = Symbol('BOOKS');

@Controller('books')
export class BooksController {
  constructor(@Inject(BOOKS) private readonly books: BooksService) {}

  @Get(':id')
  find(@Param('id') id: string): Promise<Book> {
    return this.books.find(id);
  }

  @Put(':id')
  @HttpCode(204)
  async rename(@Param('id') id: string, @Body() { title }: { title: string }): Promise<void> {
    await this.books.rename(id, title);
  }

  @Get('due/:shelf/:day')
  async due(@Param('shelf') shelf: string, @Param('day') day: string): Promise<{ due: number }> {
    return { due: await this.books.due(shelf, new Date(day)) };
  }

  @Put('shelves/:shelf')
  @HttpCode(204)
  async refresh(@Param('shelf') shelf: string): Promise<void> {
    await this.books.refresh(shelf);
  }
}
