// A tiny application, compiled once as an ES module and once as CommonJS: prints what it saw as one
// line of JSON.
import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cacheable, CacheModule, CacheService } from 'nest-query-cache';

@Injectable()
export class Ledger {
  productions = 0;

  @Cacheable({ ttl: '1m' })
  async entries(
    account: string,
    page: number,
  ): Promise<{ account: string; page: number; production: number; at: Date }> {
    this.productions += 1;
    return { account, page, production: this.productions, at: new Date(0) };
  }
}

@Controller('entries')
export class EntriesController {
  constructor(@Inject(Ledger) private readonly ledger: Ledger) {}

  @Get(':account')
  list(@Param('account') account: string) {
    return this.ledger.entries(account, 1);
  }
}

@Module({ imports: [CacheModule.forRoot()], controllers: [EntriesController], providers: [Ledger] })
export class AppModule {}

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;

  const ledger = app.get(Ledger);
  const first = await ledger.entries('a', 1);
  const second = await ledger.entries('a', 1);
  const afterTwoCalls = ledger.productions;

  const visit = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/entries/b`);
    return { status: response.status, body: await response.json() };
  };
  const visits = [await visit(), await visit()];

  let produced = 0;
  const cache = app.get(CacheService);
  const read = () => cache.getOrSet('answer', async () => ++produced);
  const answers = [await read(), await read()];

  await app.close();
  console.log(
    JSON.stringify({
      afterTwoCalls,
      same: first.production === second.production,
      date: second.at instanceof Date,
      visits,
      answers,
    }),
  );
}

void main();
