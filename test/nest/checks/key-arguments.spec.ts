import {
  Controller,
  createParamDecorator,
  Get,
  Injectable,
  Param,
  Req,
  Res,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { Args, Context, Info, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import {
  Cacheable,
  type CacheableOptions,
  CacheKey,
  CachePut,
  type KeyMaker,
} from '../../../lib/index.js';
import { listen, start } from '../http-application.js';

@Injectable()
class Gate {
  canActivate(): boolean {
    return true;
  }
}
const CurrentUser = createParamDecorator(() => ({ id: 'ann' }));
type AnyMethod = (...args: unknown[]) => Promise<string>;
type Options = CacheableOptions<AnyMethod>;
type Key = KeyMaker<AnyMethod>;

interface Finder {
  find: (id: string, page?: number) => Promise<string>;
}

const service = (options: Options): Type<Finder> => {
  @Injectable()
  class Users {
    @Cacheable(options as CacheableOptions<(id: string, page?: number) => Promise<string>>)
    async find(id: string, page = 1): Promise<string> {
      return `${id} ${String(page)}`;
    }
  }
  return Users;
};
const none: Key = (key) => key.param('a', 1);
const unused: Key = (key, id) => key.param('id', id);
const all: Key = (key, id, page) => key.params({ id, page });
const rest: Key = (key, ...args) => key.param('args', args);

describe('a key on a method with parameters', () => {
  it.each(['user:{0}', '#id', 'all'])('is refused when it is the fixed key %j', async (key) => {
    await expect(start({ providers: [service({ key })] })).rejects.toMatchObject({
      code: 'CACHE_DECORATOR',
      message: expect.stringMatching(
        /^Users\.find has the fixed key ".*", but takes arguments.*@CacheKey\(.*ignoreArguments: true/s,
      ) as string,
    });
  });

  it.each([
    ['takes only some of them', unused],
    ['takes none', none],
  ])('is refused when it %s', async (_title, key) => {
    await expect(start({ providers: [service({ key })] })).rejects.toThrow(
      'The key function of Users.find takes fewer parameters than the method, which has 2',
    );
  });

  it.each([
    ['all', all],
    ['all, as a rest parameter', rest],
  ])('may take %s', async (_title, key) => {
    await start({ providers: [service({ key })] });
  });

  it.each([[undefined], ['all'], [unused]])(
    'leaves out what ignoreArguments says: %s',
    async (key) => {
      const Users = service({ ignoreArguments: true, ...(key !== undefined && { key }) });
      const users = (await start({ providers: [Users] })).get<Finder>(Users);
      expect([await users.find('a', 1), await users.find('a', 2)]).toEqual(['a 1', 'a 1']);
    },
  );

  it('may be fixed when the method takes nothing, and when it replaces what is stored', async () => {
    @Injectable()
    class Settings {
      @Cacheable()
      @CacheKey('settings')
      async read(): Promise<string> {
        return 'old';
      }

      @CachePut({ key: 'settings' })
      async save(settings: string): Promise<string> {
        return settings;
      }
    }
    const settings = (await start({ providers: [Settings] })).get(Settings);
    expect(await settings.read()).toBe('old');
    await settings.save('new');
    expect(await settings.read()).toBe('new');
  });

  it('is judged by the method below a decorator that takes any arguments', async () => {
    const Any = (): MethodDecorator => (_target, _name, descriptor) => {
      descriptor.value = ((...args: unknown[]) => Promise.resolve(args.length)) as never;
    };
    @Injectable()
    class Users {
      @Cacheable({ key: 'all' })
      @Any()
      async find(id: string): Promise<string> {
        return id;
      }
    }
    await expect(start({ providers: [Users] })).rejects.toThrow('the fixed key "all"');
  });
});

/** Guarded handlers of each transport, whose first parameter says who asks. */
const TRANSPORTS: Readonly<Record<string, (options: Options) => Type>> = {
  'route handler': (options) => {
    @Controller()
    class Users {
      @Cacheable(options as object)
      @UseGuards(Gate)
      @Get(':id')
      async find(@CurrentUser() user: { id: string }, @Param('id') id: string): Promise<string> {
        return `${id} of ${user.id}`;
      }
    }
    return Users;
  },
  resolver: (options) => {
    @Resolver()
    class Users {
      @Cacheable(options as object)
      @UseGuards(Gate)
      @Query(() => String)
      async find(@Context() context: { user: string }, @Args('id') id: string): Promise<string> {
        return `${id} of ${context.user}`;
      }
    }
    return Users;
  },
  'resolver with a decorator of the application': (options) => {
    @Resolver()
    class Users {
      @Cacheable(options as object)
      @UseGuards(Gate)
      @Query(() => String)
      async find(@CurrentUser() user: { id: string }, @Args('id') id: string): Promise<string> {
        return `${id} of ${user.id}`;
      }
    }
    return Users;
  },
  'message handler': (options) => {
    @Controller()
    class Users {
      @Cacheable(options as object)
      @UseGuards(Gate)
      @MessagePattern('user')
      async find(@Ctx() context: { user: string }, @Payload() id: string): Promise<string> {
        return `${id} of ${context.user}`;
      }
    }
    return Users;
  },
};
const startWith = (type: Type): ReturnType<typeof start> =>
  type.name === 'Users' && Reflect.hasMetadata('path', type)
    ? start({ controllers: [type] })
    : start({ providers: [type] });
const http = { credentials: 'in-key' } as const;

describe('a key function beside a guard', () => {
  const ignoring: Key = (key, _user, id) => key.param('id', id);
  const holding: Key = (key, user, id) => key.param('user', String(user)).param('id', id);

  it.each(Object.entries(TRANSPORTS))(
    'on a %s holds who asks, or says that nobody matters',
    async (form, make) => {
      await expect(startWith(make({ key: ignoring }))).rejects.toMatchObject({
        code: 'CACHE_DECORATOR',
        message: expect.stringContaining('one user could be given') as string,
      });
      const isRoute = form === 'route handler';
      await startWith(make({ key: holding, ...(isRoute && { http }) }));
      await startWith(
        make({
          key: ignoring,
          ignoreArguments: true,
          ...(isRoute && { http: { credentials: 'ignore' } }),
        }),
      );
    },
  );

  it.each(Object.entries(TRANSPORTS))('on a %s holds what is asked for', async (_form, make) => {
    const key: Key = (builder, user) => builder.param('user', String(user));
    await expect(startWith(make({ key, http }))).rejects.toThrow('takes fewer parameters');
  });
});

describe('what a transport passes beside the data of the caller', () => {
  it('may be left out of a key function', async () => {
    const key: Key = (builder, id) => builder.param('id', id);
    @Resolver()
    class Queries {
      @Cacheable({ key })
      @Query(() => String)
      async find(
        @Args('id') id: string,
        @Context() _c: object,
        @Info() _i: object,
      ): Promise<string> {
        return id;
      }
    }
    @Controller()
    class Messages {
      @Cacheable({ key })
      @MessagePattern('user')
      async find(id: string, _context: object): Promise<string> {
        return id;
      }
    }
    @Controller()
    class Routes {
      @Cacheable({ key })
      @Get(':id')
      async find(
        @Param('id') id: string,
        @Req() _request: object,
        @Res({ passthrough: true }) _response: object,
      ): Promise<string> {
        return id;
      }
    }
    await start({ providers: [Queries], controllers: [Messages, Routes] });
  });

  it('counts as data where it is the parent of a field', async () => {
    @Resolver('User')
    class Fields {
      @Cacheable({ key: (key) => key.param('a', 1) })
      @ResolveField()
      async balance(@Parent() user: { id: string }): Promise<string> {
        return user.id;
      }
    }
    await expect(start({ providers: [Fields] })).rejects.toThrow('takes fewer parameters');
  });
});

describe('a route handler with a fixed key and parameters', () => {
  it.each(['express', 'fastify'] as const)(
    'has an entry for each URL on %s, and one for each argument when it is called',
    async (platform) => {
      @Controller('users')
      class Users {
        @Cacheable({ ttl: '1m' })
        @CacheKey('all')
        @Get(':id')
        async find(@Param('id') id: string): Promise<string> {
          return id;
        }
      }
      const { app, get } = await start({ controllers: [Users], platform });
      const visit = await listen(app);
      expect([(await visit('/users/1')).text, (await visit('/users/2')).text]).toEqual(['1', '2']);
      expect([await get(Users).find('1'), await get(Users).find('2')]).toEqual(['1', '2']);
    },
  );
});
