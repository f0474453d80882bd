import 'reflect-metadata';
import * as typeCacheable from '@type-cacheable/core';
import { useAdapter } from '@type-cacheable/lru-cache-adapter';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LRUCache } from 'lru-cache';
import { Cacheable, CacheKey, CacheModule, MemoryBackend } from 'nest-query-cache';
import { compare, oneByOne } from '../lib/harness.mjs';
import { json } from '../lib/payloads.mjs';
import { ratioRow } from '../lib/rows.mjs';

const IDS = Array.from({ length: 1_000 }, (_, i) => `acct-${String(i)}`);
const FLOOR = 'lru-cache get';

function decorated(decorators) {
  class Accounts {
    async find() {
      return structuredClone(json.small);
    }
  }
  const descriptor = decorators.reduceRight(
    (each, decorate) => decorate(Accounts.prototype, 'find', each) ?? each,
    Object.getOwnPropertyDescriptor(Accounts.prototype, 'find'),
  );
  Object.defineProperty(Accounts.prototype, 'find', descriptor);
  return Accounts;
}

/** Hits through a decorated method of a provider. */
const hit = (what, decorators, goals) => async () => {
  const Ours = decorated(decorators);
  class App {
    name = 'bench';
  }
  Module({
    imports: [CacheModule.forRoot({ backend: new MemoryBackend({ isolation: 'freeze' }) })],
    providers: [Ours],
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
  const cases = [
    { name: FLOOR, loop: oneByOne(), fn: (i) => Promise.resolve(lru.get(IDS[i % IDS.length])) },
    { name: 'ours', loop: oneByOne(), fn: each(app.get(Ours)) },
    { name: 'type-cacheable', loop: oneByOne(), fn: each(theirs) },
  ];
  for (const { fn } of cases) for (let i = 0; i < IDS.length; i++) await fn(i);
  const result = await compare(what, cases);
  const lines = [
    ratioRow(
      what,
      `>= ${String(goals.floor)}x of \`lru-cache\` get and a resolved promise`,
      await result.ratio('ours', FLOOR),
      goals.floor,
      result.perSecond('ours'),
    ),
    ratioRow(
      '',
      goals.peer === undefined ? '(type-cacheable)' : `>= ${String(goals.peer)}x type-cacheable`,
      await result.ratio('ours', 'type-cacheable'),
      goals.peer,
    ),
  ];
  await app.close();
  return lines;
};

const cacheKey = CacheKey((key, id) => key.segment('account').param('id', id));

export const rows = {
  decorated: hit('decorated method, hit in memory', [Cacheable({ ttl: '1h' })], {
    floor: 0.35,
    peer: 20,
  }),
  'decorated-key': hit('the same with `@CacheKey`', [Cacheable({ ttl: '1h' }), cacheKey], {
    floor: 0.2,
  }),
};
