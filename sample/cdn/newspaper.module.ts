import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import {
  type DynamicModule,
  type MiddlewareConsumer,
  Module,
  type NestModule,
} from '@nestjs/common';
import { CacheModule } from 'nest-query-cache';
import { SlowDatabaseModule } from '../shared/slow-database.js';
import { NewspaperController } from './newspaper.controller.js';
import { CdnAddress, Newspaper } from './newspaper.js';
import { ReadersController } from './readers.controller.js';

/** The user whose request is being answered. */
class Publisher extends AsyncLocalStorage<string> {}

@Module({ controllers: [NewspaperController, ReadersController], providers: [Newspaper] })
export class NewspaperModule implements NestModule {
  constructor(private readonly publisher: Publisher) {}

  /** @param cdn the address of the CDN in front */
  static forRoot(cdn: () => Promise<string>): DynamicModule {
    const publisher = new Publisher();
    return {
      module: NewspaperModule,
      imports: [
        CacheModule.forRoot(),
        CacheModule.forRoot({
          name: 'publishers',
          tenancy: 'required',
          tenant: () => publisher.getStore(),
        }),
        SlowDatabaseModule,
      ],
      providers: [
        { provide: CdnAddress, useValue: new CdnAddress(cdn) },
        { provide: Publisher, useValue: publisher },
      ],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    const enter = ({ headers }: IncomingMessage, _response: unknown, next: () => void): void =>
      this.publisher.run(String(headers['x-publisher']), next);
    consumer.apply(enter).forRoutes('subscribers');
  }
}
