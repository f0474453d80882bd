import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type CanActivate, type INestApplication, Injectable, UseGuards } from '@nestjs/common';
import {
  Args,
  Context,
  Directive,
  Field,
  GraphQLModule,
  Info,
  Int,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import DataLoader from 'dataloader';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Cacheable, CacheEvict, CacheKey, CacheModule, CacheService } from '../../../lib/index.js';
import { Log } from '../support.js';

@Injectable()
class Gate implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

interface Asking {
  readonly user: string;
  readonly loader: DataLoader<number, string>;
  readonly req?: unknown;
}
interface FieldInfo {
  readonly cacheControl?: { setCacheHint(hint: { maxAge?: number; scope?: 'PRIVATE' }): void };
}

@ObjectType()
class Book {
  @Field(() => Int) id!: number;
  @Field() title!: string;
}

const runs: string[] = [];
let title = 'Emma';

@Resolver(() => Book)
class Books {
  @Cacheable({ tags: ['books'] })
  @Query(() => [Book])
  async books(
    @Args('first', { type: () => Int }) first: number,
    @Context() asking: Asking,
    @Info() info: object,
    @Args('after', { type: () => Int, nullable: true }) after?: number,
  ): Promise<{ id: number }[]> {
    runs.push(`books ${String(first)} ${String(after)} ${typeof asking} ${typeof info}`);
    return Array.from({ length: first }, (_, i) => ({ id: i + 1 }));
  }

  @Cacheable()
  @CacheKey((key, book) => key.segment('title').param('id', book.id))
  @ResolveField(() => String)
  async title(@Parent() book: { id: number }, @Context() { loader }: Asking): Promise<string> {
    runs.push(`title ${String(book.id)}`);
    return loader.load(book.id);
  }

  @CacheEvict({ tags: ['books'], keys: ['title'] })
  @Mutation(() => Boolean)
  async rename(@Args('title') to: string): Promise<boolean> {
    title = to;
    return true;
  }

  @Cacheable()
  @Query(() => [String], { nullable: 'items' })
  async partial(): Promise<(string | null)[]> {
    runs.push('partial');
    return ['good', new Error('bad') as unknown as string];
  }

  @Cacheable()
  @Query(() => String)
  async failing(): Promise<string> {
    runs.push('failing');
    return await Promise.reject(new Error('not today'));
  }

  @Cacheable({ ttl: '1h' })
  @Query(() => String)
  async hinted(
    @Args('maxAge', { type: () => Int, nullable: true }) maxAge: number | null,
    @Info() info: FieldInfo,
  ): Promise<string> {
    runs.push('hinted');
    if (maxAge !== null) info.cacheControl?.setCacheHint({ maxAge });
    return 'hinted';
  }

  @Cacheable({ ttl: '1h' })
  @Query(() => String)
  async mine(@Context() { user }: Asking, @Info() info: FieldInfo): Promise<string> {
    runs.push(`mine ${user}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    info.cacheControl?.setCacheHint({ scope: 'PRIVATE' });
    return user;
  }

  @Cacheable({ ttl: '1h', key: (key, { user }) => key.segment('keyed').param('principal', user) })
  @Directive('@cacheControl(maxAge: 7200)')
  @Query(() => String)
  async keyed(@Context() { user }: Asking, @Info() info: FieldInfo): Promise<string> {
    runs.push(`keyed ${user}`);
    info.cacheControl?.setCacheHint({ scope: 'PRIVATE', maxAge: 600 });
    return user;
  }

  @Cacheable({ ttl: '1h' })
  @Directive('@cacheControl(maxAge: 7200)')
  @Query(() => String)
  async said(): Promise<string> {
    runs.push('said');
    return 'said';
  }

  @UseGuards(Gate)
  @Cacheable({ ttl: '1h', key: (key, name) => key.segment('guarded').param('name', name) })
  @Query(() => String)
  async guarded(@Args('name') name: string): Promise<string> {
    runs.push('guarded');
    return name;
  }

  @Cacheable({ ttl: '1h', key: (key, { user }) => key.tenant(user).segment('owned') })
  @Directive('@cacheControl(maxAge: 7200)')
  @Query(() => String)
  async owned(@Context() { user }: Asking): Promise<string> {
    runs.push(`owned ${user}`);
    return user;
  }
}

interface Reply {
  readonly data?: unknown;
  readonly errors?: readonly unknown[];
  readonly cacheControl: string | null;
}

const context = (...given: unknown[]): Asking => {
  const request =
    (given[0] as { req?: { headers: Record<string, string> } }).req ??
    (given[0] as { headers: Record<string, string> });
  const { headers } = request;
  return {
    user: headers['x-user'] ?? 'nobody',
    loader: new DataLoader<number, string>((ids) =>
      Promise.resolve(ids.map((id) => `${title} ${String(id)}`)),
    ),
  };
};

const drivers = {
  Apollo: {
    adapter: () => new ExpressAdapter(),
    module: () =>
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        context,
        fieldResolverEnhancers: ['interceptors'],
      }),
  },
  Mercurius: {
    adapter: () => new FastifyAdapter(),
    module: () =>
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        autoSchemaFile: true,
        context,
      }),
  },
};

describe.each(Object.entries(drivers))('GraphQL by %s', (driver, { adapter, module }) => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ jitter: 0 }), module()],
      providers: [Books],
    })
      .setLogger(new Log())
      .compile();
    app = testing.createNestApplication(adapter());
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    url = `http://127.0.0.1:${String(port)}/graphql`;
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    runs.length = 0;
    title = 'Emma';
    await app.get(CacheService).clear();
  });

  async function ask(query: string, user = 'ann', at = url): Promise<Reply> {
    const headers = { 'content-type': 'application/json', 'x-user': user };
    const response = await fetch(at, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return {
      ...((await response.json()) as Reply),
      cacheControl: response.headers.get('cache-control'),
    };
  }

  it('GraphQL leaves context and info out of derived keys, and tells arguments apart', async () => {
    for (const user of ['ann', 'bob'])
      expect((await ask('{ books(first: 2) { id } }', user)).data).toEqual({
        books: [{ id: 1 }, { id: 2 }],
      });
    await ask('{ books(first: 2, after: 1) { id } }');
    expect(runs).toEqual(['books 2 undefined object object', 'books 2 1 object object']);
  });

  it('GraphQL keeps field resolvers by their parent, with a DataLoader behind them', async () => {
    const expected = { books: [{ title: 'Emma 1' }, { title: 'Emma 2' }, { title: 'Emma 3' }] };
    expect((await ask('{ books(first: 3) { title } }')).data).toEqual(expected);
    expect((await ask('{ books(first: 3) { title } }')).data).toEqual(expected);
    expect(runs.filter((run) => run.startsWith('title'))).toEqual([
      'title 1',
      'title 2',
      'title 3',
    ]);
  });

  it('GraphQL invalidates by mutations', async () => {
    await ask('{ books(first: 1) { id } }');
    expect((await ask('mutation { rename(title: "Persuasion") }')).data).toEqual({ rename: true });
    await ask('{ books(first: 1) { id } }');
    expect(runs.filter((run) => run.startsWith('books'))).toHaveLength(2);
  });

  it('GraphQL stores neither errors nor partial results', async () => {
    for (let i = 0; i < 2; i++) {
      expect(await ask('{ partial }')).toMatchObject({
        data: { partial: ['good', null] },
        errors: [{ message: 'bad' }],
      });
      expect((await ask('{ failing }')).errors).toMatchObject([{ message: 'not today' }]);
    }
    expect(runs.filter((run) => run === 'partial')).toHaveLength(2);
    expect(runs.filter((run) => run === 'failing')).toHaveLength(2);
  });

  if (driver !== 'Apollo') return;

  it('GraphQL makes no response cacheable where nothing is said, with guards or without', async () => {
    for (const query of ['{ hinted }', '{ guarded(name: "ann") }']) {
      for (let i = 0; i < 2; i++) expect((await ask(query)).cacheControl).toBe('no-store');
    }
    expect(runs).toEqual(['hinted', 'guarded']);
  });

  it('GraphQL lets no response live longer than the entry, where the schema would', async () => {
    for (let i = 0; i < 2; i++)
      expect((await ask('{ said }')).cacheControl).toMatch(/^max-age=3(600|599), public$/);
    expect(runs).toEqual(['said']);
  });

  it('GraphQL lets the least lifetime win, for the entry and for the response', async () => {
    const cache = app.get(CacheService);
    expect((await ask('{ hinted(maxAge: 60) }')).cacheControl).toMatch(/^max-age=(60|59), public$/);
    const { freshUntil } = await cache.getOrSetDetailed(
      CacheKeyOf('hinted', 60),
      () => 'not there',
    );
    expect((freshUntil ?? 0) - cache.clock.now()).toBeLessThanOrEqual(60_000);
    // What a resolver says while it runs is not known when it does not.
    expect((await ask('{ hinted(maxAge: 60) }')).cacheControl).toBe('no-store');
    expect(runs).toEqual(['hinted']);
    await ask('{ hinted(maxAge: 0) }');
    await ask('{ hinted(maxAge: 0) }');
    expect(runs).toHaveLength(3);
  });

  it('GraphQL gives a private value to no other user, not even to concurrent callers', async () => {
    const users = ['ann', 'bob', 'eve', 'ann'];
    expect(
      (await Promise.all(users.map((user) => ask('{ mine }', user)))).map(({ data }) => data),
    ).toEqual(users.map((mine) => ({ mine })));
    expect((await ask('{ mine }', 'ann')).data).toEqual({ mine: 'ann' });
    expect(app.get(CacheService).stats().flights).toBe(0);
  });

  it('GraphQL keeps what is private under a key that names the principal, and says that it is private', async () => {
    for (const user of ['ann', 'bob', 'ann', 'bob']) {
      expect(await ask('{ keyed }', user)).toMatchObject({
        data: { keyed: user },
        cacheControl: expect.stringMatching(/, private$/) as string,
      });
    }
    expect(runs).toEqual(['keyed ann', 'keyed bob']);
  });

  it('GraphQL keeps what belongs to a tenant, and says that it is private', async () => {
    for (const user of ['ann', 'bob', 'ann', 'bob']) {
      expect(await ask('{ owned }', user)).toMatchObject({
        data: { owned: user },
        cacheControl: expect.stringMatching(/, private$/) as string,
      });
    }
    expect(runs).toEqual(['owned ann', 'owned bob']);
  });

  it('GraphQL says that everything is private where the cache finds the tenant by itself', async () => {
    const imports = [CacheModule.forRoot({ jitter: 0, tenant: () => 'acme' }), module()];
    const testing = await Test.createTestingModule({ imports, providers: [Books] })
      .setLogger(new Log())
      .compile();
    const other = testing.createNestApplication(adapter());
    await other.listen(0, '127.0.0.1');
    const { port } = (other.getHttpServer() as { address(): AddressInfo }).address();
    try {
      const reply = await ask('{ said }', 'ann', `http://127.0.0.1:${String(port)}/graphql`);
      expect(reply.cacheControl).toMatch(/^max-age=3(600|599), private$/);
    } finally {
      await other.close();
    }
  });
});

function CacheKeyOf(
  method: string,
  ...args: unknown[]
): ReturnType<ReturnType<typeof CacheKey.builder>['build']> {
  return CacheKey.builder()
    .segment(`Books.${method}`)
    .params(Object.fromEntries(args.map((arg, i) => [String(i), arg])))
    .build();
}
