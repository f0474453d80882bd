// One application in a process of its own:
// `http-server.mjs <express|fastify> <contender> <redis url>`
import 'reflect-metadata';
import {
  CacheInterceptor as StockInterceptor,
  CacheModule as StockModule,
} from '@nestjs/cache-manager';
import { Controller, Get, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { Cacheable, CacheModule, MemoryBackend } from 'nest-query-cache';
import { RedisBackend } from 'nest-query-cache/redis';
import { json } from './payloads.mjs';

const [platform, name, redisUrl] = process.argv.slice(2);
const stock = (stores) => ({
  imports: [StockModule.register({ ttl: 600_000, ...stores })],
  decorators: [UseInterceptors(StockInterceptor)],
});
const ours = (backend) => ({
  imports: [CacheModule.forRoot({ backend })],
  decorators: [Cacheable({ ttl: '10m', http: { cacheControl: 'public' } })],
});
const contenders = {
  'no cache': () => ({ imports: [], decorators: [] }),
  'stock, memory': () => stock({}),
  'stock, Redis': () => stock({ stores: [new Keyv(new KeyvRedis(redisUrl))] }),
  'ours, memory': () => ours(new MemoryBackend()),
  'ours, Redis': () => ours(new RedisBackend({ url: redisUrl, commandTimeout: '5s' })),
};
const { imports, decorators } = contenders[name]();
class Data {
  data() {
    return Promise.resolve(json.medium);
  }
}
Reflect.defineMetadata('design:returntype', Promise, Data.prototype, 'data');
for (const decorate of [Get('data'), ...decorators]) {
  const made = decorate(
    Data.prototype,
    'data',
    Object.getOwnPropertyDescriptor(Data.prototype, 'data'),
  );
  if (made !== undefined) Object.defineProperty(Data.prototype, 'data', made);
}
Controller()(Data);
class App {
  name = 'bench';
}
Module({ imports, controllers: [Data] })(App);
const adapter =
  platform === 'fastify' ? [new (await import('@nestjs/platform-fastify')).FastifyAdapter()] : [];
const app = await NestFactory.create(App, ...adapter, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit(0));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ processorMs: (user + system) / 1e3 });
});
process.send({ port: app.getHttpServer().address().port });
