import 'reflect-metadata';
import * as typeCacheable from '@type-cacheable/core';
import { useAdapter } from '@type-cacheable/lru-cache-adapter';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { Cacheable, CacheKey, CacheModule, MemoryBackend } from 'nest-query-cache';
import { measure, oneByOne } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { row } from './row.mjs';

const IDS = Array.from({ length: 1_000 }, (_, i) => `acct-${i}`);
const OURS = 'nest-query-cache';
const FLOOR = 'limit: lru-cache get';

function decorated(decorators) {
  class Accounts {
    async find() {
      return structuredClone(json.small);
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Accounts.prototype, 'find');
  const made = decorators.reduceRight(
    (each, decorate) => decorate(Accounts.prototype, 'find', each) ?? each,
    descriptor,
  );
  Object.defineProperty(Accounts.prototype, 'find', made);
  return Accounts;
}

/** Hits through a decorated method of a provider. */
export async function run() {
  const Derived = decorated([Cacheable({ ttl: '1h' })]);
  const Built = decorated([
    Cacheable({ ttl: '1h' }),
    CacheKey((key, id) => key.segment('account').param('id', id)),
  ]);
  class App {
    name = 'bench';
  }
  Module({
    imports: [CacheModule.forRoot({ backend: new MemoryBackend({ isolation: 'freeze' }) })],
    providers: [Derived, Built],
  })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] });
  const { Cacheable: Theirs } = typeCacheable.default ?? typeCacheable;
  const client = useAdapter(new LRUCache({ max: 20_000, ttl: 3.6e6 }));
  const theirs = new (decorated([
    Theirs({ client, cacheKey: (args) => args[0], ttlSeconds: 3600 }),
  ]))();
  const lru = new LRUCache({ max: 20_000, ttl: 3.6e6 });
  for (const id of IDS) lru.set(id, json.small);
  const each = (target) => (i) => target.find(IDS[i % IDS.length]);
  const bare = { find: async (id) => lru.get(id) };
  const cases = [
    { name: FLOOR, loop: oneByOne(), fn: (i) => Promise.resolve(lru.get(IDS[i % IDS.length])) },
    { name: 'bare async method', loop: oneByOne(), fn: each(bare) },
    { name: OURS, loop: oneByOne(), fn: each(app.get(Derived)) },
    { name: `${OURS}, @CacheKey`, loop: oneByOne(), fn: each(app.get(Built)) },
    { name: 'type-cacheable', loop: oneByOne(), fn: each(theirs) },
  ];
  for (const { fn } of cases) for (let i = 0; i < IDS.length; i++) await fn(i);
  const result = await measure('decorated method, hit in memory', cases);
  await app.close();
  return [
    row(
      'decorated method, hit in memory',
      '>= 0.35x of `lru-cache` get and a resolved promise',
      result.ratio(OURS, FLOOR),
      0.35,
      result,
      OURS,
    ),
    row('', '>= 20x type-cacheable', result.ratio(OURS, 'type-cacheable'), 20),
    row(
      'with `@CacheKey`',
      '(of `lru-cache` get)',
      result.ratio(`${OURS}, @CacheKey`, FLOOR),
      undefined,
      result,
      `${OURS}, @CacheKey`,
    ),
  ];
}
