import { Module } from '@nestjs/common';
import { SlowDatabaseModule } from '../../shared/slow-database.js';
import { BOOKS, BooksController } from '../library/books.controller.js';
import { LibraryModule } from '../library/library.js';
import { BentoModule } from './bento.js';
import { BentoBooks } from './books.service.js';

@Module({
  imports: [BentoModule, SlowDatabaseModule, LibraryModule],
  controllers: [BooksController],
  providers: [{ provide: BOOKS, useClass: BentoBooks }],
})
export class BeforeModule {}
