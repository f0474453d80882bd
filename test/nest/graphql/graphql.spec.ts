import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Args,
  Field,
  GraphQLModule,
  Int,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { CacheModule } from '../../../lib/nest/module/cache.module.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { CacheKey } from '../../../lib/nest/decorators/cache-key.js';
import { Log } from '../support.js';

@ObjectType()
class Account {
  @Field(() => Int) id!: number;
  @Field(() => Int) balance!: number;
}

const runs = { above: 0, below: 0, balance: 0 };

@Resolver(() => Account)
class Accounts {
  @Cacheable()
  @Query(() => Account)
  async above(@Args('id', { type: () => Int }) id: number): Promise<{ id: number }> {
    runs.above++;
    return { id };
  }

  @Query(() => Account)
  @Cacheable()
  async below(@Args('id', { type: () => Int }) id: number): Promise<{ id: number }> {
    runs.below++;
    return { id };
  }

  @Cacheable()
  @CacheKey((key, account: { id: number }) => key.segment('balance').param('id', account.id))
  @ResolveField(() => Int)
  async balance(@Parent() account: { id: number }): Promise<number> {
    runs.balance++;
    return account.id * 100;
  }
}

describe('GraphQL resolvers', () => {
  it('GraphQL resolvers are cached as queries, in both orders, and as fields', async () => {
    const testing = await Test.createTestingModule({
      imports: [
        CacheModule.forRoot(),
        GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
      ],
      providers: [Accounts],
    })
      .setLogger(new Log())
      .compile();
    const app = testing.createNestApplication(new ExpressAdapter());
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    try {
      const ask = async (query: string): Promise<unknown> => {
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        });
        return response.json();
      };
      for (const field of ['above', 'below'] as const) {
        for (const _ of [1, 2])
          expect(await ask(`{ ${field}(id: 7) { id balance } }`)).toEqual({
            data: { [field]: { id: 7, balance: 700 } },
          });
        expect(await ask(`{ ${field}(id: 8) { id } }`)).toEqual({ data: { [field]: { id: 8 } } });
      }
      expect(runs).toEqual({ above: 2, below: 2, balance: 1 });
    } finally {
      await app.close();
    }
  });
});
