import {
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Header,
  Injectable,
  Param,
  Res,
  Sse,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { CommandHandler, EventsHandler, QueryHandler } from '@nestjs/cqrs';
import {
  Args,
  Context,
  Mutation,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import {
  Cacheable,
  CacheEvict,
  CacheKey,
  type CacheKeyBuilder,
  CachePut,
  NoCache,
} from '../../../lib/index.js';
import type { HttpCacheOptions } from '../../../lib/http.js';
import { start } from '../http-application.js';

class Message {}

@Injectable()
class Gate {
  canActivate(): boolean {
    return true;
  }
}

@Resolver()
class Mutations {
  @Cacheable()
  @Mutation(() => String)
  async rename(@Args('name') name: string): Promise<string> {
    return name;
  }
}
@Resolver()
class Subscriptions {
  @Subscription(() => String)
  @Cacheable()
  async renamed(): Promise<AsyncIterator<string>> {
    return await Promise.reject(new Error('not called'));
  }
}
@Resolver()
class Fields {
  @Cacheable()
  @ResolveField()
  async books(@Parent() author: { id: number }): Promise<number> {
    return author.id;
  }
}
@Controller()
class Patterns {
  @EventPattern('posted')
  @Cacheable()
  async posted(_data: unknown): Promise<number> {
    return 1;
  }
}
@Resolver()
@UseGuards(Gate)
class Mine {
  @Cacheable()
  @Query(() => String)
  async mine(@Args('id') id: string, @Context() asking: { user: string }): Promise<string> {
    return `${asking.user} ${id}`;
  }
}
@Controller()
class MineByMessages {
  @UseGuards(Gate)
  @Cacheable()
  @MessagePattern('mine')
  async mine(@Payload() id: string, @Ctx() context: object): Promise<string> {
    return `${typeof context} ${id}`;
  }
}
@Controller()
class OtherPatterns {
  @Cacheable()
  @EventPattern('posted')
  async posted(_data: unknown): Promise<number> {
    return 1;
  }
}
@CommandHandler(Message)
class Commands {
  @Cacheable({ key: 'k' })
  async execute(): Promise<number> {
    return 1;
  }
}
@EventsHandler(Message)
class Events {
  @Cacheable()
  async handle(): Promise<number> {
    return 1;
  }
}
@QueryHandler(Message)
class Queries {
  @Cacheable()
  async execute(message: Message): Promise<Message> {
    return message;
  }
}
@Controller()
class Streams {
  @Cacheable()
  @Sse('ticks')
  async ticks(): Promise<number> {
    return 1;
  }
}
@Controller()
class Varying {
  @Header('Vary', '*')
  @Cacheable()
  @Get()
  async find(): Promise<number> {
    return 1;
  }
}
@Controller()
class Evicting {
  @Cacheable()
  @CacheEvict({ tags: ['t'] })
  @Get()
  async find(): Promise<number> {
    return 1;
  }
}
@Controller()
class Sending {
  @Cacheable()
  @Get()
  async find(@Res() response: { end(): void }): Promise<number> {
    response.end();
    return 1;
  }
}

const User = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<{ user: unknown }>().user,
);

/** The value of a guarded route, under that key. */
function guarded(
  key: (key: CacheKeyBuilder, user: Somebody, id: string) => CacheKeyBuilder | string,
  http?: HttpCacheOptions,
): Type {
  @Controller('v')
  class Values {
    @Get(':id')
    @UseGuards(Gate)
    @Cacheable({ key, ...(http && { http }) })
    async find(@User() user: Somebody, @Param('id') id: string): Promise<string> {
      return `${user.id} ${id}`;
    }
  }
  return Values;
}
interface Somebody {
  readonly id: string;
  readonly roles: readonly string[];
  name(): string;
}

describe('a route with guards whose handler takes who asks, cached by its value', () => {
  const byUser = (key: CacheKeyBuilder, user: Somebody, id: string): CacheKeyBuilder =>
    key.param('user', user.id).param('id', id);

  it.each<[string, HttpCacheOptions | undefined]>([
    ['nothing', undefined],
    ['another option', { credentials: 'bypass' }],
  ])('does not start when its http options say %s of the credentials', async (_, http) => {
    await expect(start({ controllers: [guarded(byUser, http)] })).rejects.toMatchObject({
      code: 'CACHE_DECORATOR',
      message: expect.stringMatching(
        /Values\.find .*@UseGuards.*credentials: 'in-key'.*credentials: 'ignore'/,
      ) as string,
    });
  });

  it.each(['in-key', 'ignore'] as const)(
    'starts without a warning with credentials: %s',
    async (credentials) => {
      const { lines } = await start({ controllers: [guarded(byUser, { credentials })] });
      expect(lines.warnings).toEqual([]);
    },
  );

  it('needs no option when the handler takes nothing of the request but its path', async () => {
    @Controller('v')
    class Values {
      @Get(':id')
      @UseGuards(Gate)
      @Cacheable({ key: (key, id) => key.param('id', id) })
      async find(@Param('id') id: string): Promise<string> {
        return id;
      }
    }
    const { lines } = await start({ controllers: [Values] });
    expect(lines.warnings).toEqual([]);
  });

  it("is no response: credentials: 'in-key' on a route without such a key is refused", async () => {
    @Controller('v')
    class Responses {
      @Get(':id')
      @Cacheable({ http: { credentials: 'in-key' } })
      async find(@Param('id') id: string): Promise<string> {
        return id;
      }
    }
    await expect(start({ controllers: [Responses] })).rejects.toMatchObject({
      code: 'CACHE_DECORATOR',
      message: expect.stringMatching(/Responses\.find .*'in-key'.*key made from the/) as string,
    });
  });
});

describe('an application with @Cacheable on', () => {
  it.each<[string, Type, RegExp]>([
    [
      'a mutation',
      Mutations,
      /Mutations\.rename has @Cacheable, but it is a GraphQL mutation.*Use @CacheEvict/,
    ],
    ['a subscription', Subscriptions, /Subscriptions\.renamed .*GraphQL subscription/],
    [
      'a field resolver whose parent has no declared identity',
      Fields,
      /Fields\.books .*depends on the parent.*@CacheKey\(\(key, parent\)/,
    ],
    ['an event pattern', Patterns, /Patterns\.posted .*event pattern.*@MessagePattern/],
    [
      'an event pattern, in the other order',
      OtherPatterns,
      /OtherPatterns\.posted .*event pattern.*@MessagePattern/,
    ],
    [
      'a query with guards whose context is not in the key',
      Mine,
      /Mine\.mine .*@UseGuards.*takes the context.*key\.param\('principal'/,
    ],
    [
      'a message handler with guards whose context is not in the key',
      MineByMessages,
      /MineByMessages\.mine .*takes the context/,
    ],
    ['a command handler', Commands, /Commands\.execute .*command handler.*@InvalidatesCache/],
    ['an event handler', Events, /Events\.handle .*event handler/],
    [
      'a query handler without a key',
      Queries,
      /Queries\.execute .*instance of a class.*@CacheKey\(\(key, query\)/,
    ],
    ['server-sent events', Streams, /Streams\.ticks .*server-sent events/],
    ['a route with Vary: *', Varying, /Varying\.find .*Vary/],
    ['a route that evicts', Evicting, /Evicting\.find has both @Cacheable.*and @CacheEvict/],
    [
      'a route that sends its response itself',
      Sending,
      /Sending\.find .*@Res\(\).*passthrough: true/,
    ],
  ])('%s does not start, and says what to do', async (_, type, message) => {
    const starting = start({
      [type === Mine || type.name.endsWith('s') ? 'providers' : 'controllers']: [type],
    });
    await expect(starting).rejects.toMatchObject({
      code: 'CACHE_DECORATOR',
      message: expect.stringMatching(message) as string,
    });
  });

  it('the same starts with @NoCache, with @CachePut, and with a key that names the parent', async () => {
    @Resolver()
    class Good {
      @NoCache()
      @Cacheable()
      @Mutation(() => String)
      async one(): Promise<string> {
        return '';
      }

      @CachePut({ key: (key) => key.segment('two') })
      @Mutation(() => String)
      async two(): Promise<string> {
        return '';
      }

      @UseGuards(Gate)
      @Cacheable()
      @Query(() => String)
      async guarded(@Args('id') id: string): Promise<string> {
        return id;
      }

      @UseGuards(Gate)
      @Cacheable()
      @CacheKey((key, id, { user }) => key.param('id', id).param('principal', user))
      @Query(() => String)
      async keyed(@Args('id') id: string, @Context() asking: { user: string }): Promise<string> {
        return `${asking.user} ${id}`;
      }

      @Cacheable()
      @CacheKey((key, author) => key.param('id', author.id))
      @ResolveField()
      async books(@Parent() author: { id: number }): Promise<number> {
        return author.id;
      }
    }
    @Injectable()
    class Plain {
      @Cacheable()
      async handle(): Promise<number> {
        return 1;
      }
    }
    const { app } = await start({ providers: [Good, Plain] });
    await app.close();
  });
});
