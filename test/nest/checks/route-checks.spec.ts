import { Readable } from 'node:stream';
import {
  All,
  type CanActivate,
  Controller,
  Get,
  Head,
  Header,
  Injectable,
  Post,
  Render,
  Res,
  Sse,
  StreamableFile,
  type Type,
  UseGuards,
  UseInterceptors,
  Version,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheInterceptor, CacheKey, CacheTTL, NoCache } from '../../../lib/index.js';
import type { CacheBackend } from '../../../lib/backend.js';
import { listen, start } from '../http-application.js';

@Injectable()
class Gate implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Controller('a')
class OnHandler {
  @Get()
  @UseGuards(Gate)
  @Cacheable()
  async find(): Promise<number> {
    return 1;
  }
}

@UseGuards(Gate)
@Controller('b')
class OnClass {
  @Cacheable({ http: { headers: ['accept-language'], query: [] } })
  @All()
  async find(): Promise<number> {
    return 1;
  }
}

@Controller('c')
class Inherited extends OnClass {}

@Controller('d')
@CacheTTL('1m')
class ByClass {
  @UseGuards(Gate)
  @Get()
  async find(): Promise<number> {
    return 1;
  }
}

@Controller('e')
class ByKey {
  @UseGuards(Gate)
  @CacheKey('e')
  @Get()
  async find(): Promise<number> {
    return 1;
  }
}

describe('a cached route with guards and without a declared identity', () => {
  it.each<[string, Type, string]>([
    ['the handler', OnHandler, 'OnHandler.find'],
    ['the class', OnClass, 'OnClass.find'],
    ['a class it extends', Inherited, 'Inherited.find'],
    ['the handler of a class that opted in', ByClass, 'ByClass.find'],
    ['a handler with a fixed key', ByKey, 'ByKey.find'],
  ])('is rejected when the application starts, with guards on %s', async (_, controller, where) => {
    const refused = {
      code: 'CACHE_DECORATOR',
      message: expect.stringContaining(`${where} is cached and has @UseGuards`) as string,
    };
    const error = await start({ controllers: [controller] }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject(refused);
    for (const choice of [
      'principal: (request) =>',
      "credentials: 'bypass'",
      "'ignore'",
      "'standard'",
    ])
      expect(error?.message).toContain(choice);
  });

  it('closes the caches of an application that is rejected', async () => {
    let closed = 0;
    const backend: CacheBackend = {
      get: () => Promise.resolve(undefined),
      set: () => Promise.resolve(),
      close: async () => {
        closed++;
      },
    };
    await expect(start({ controllers: [OnHandler], cache: { backend } })).rejects.toThrow(
      /@UseGuards/,
    );
    expect(closed).toBe(1);
  });

  it('lets an application start if identity is declared, or only the value or nothing is cached', async () => {
    @Controller('good')
    @UseGuards(Gate)
    @Cacheable({ ttl: '1m', http: { credentials: 'standard' } })
    class Good {
      @Get('class')
      async byClass(): Promise<number> {
        return 1;
      }
      @Cacheable({ http: { credentials: 'bypass' } })
      @Get('bypass')
      async bypass(): Promise<number> {
        return 1;
      }
      @Cacheable({ http: { principal: () => 'ann' } })
      @Get('principal')
      async principal(): Promise<number> {
        return 1;
      }
    }
    @Controller('other')
    @UseGuards(Gate)
    @CacheTTL('1m')
    class Other {
      @Cacheable({ http: { headers: ['Authorization'] } })
      @Get('headers')
      async headers(): Promise<number> {
        return 1;
      }
      @Cacheable({ http: { headers: ['cookie'] } })
      @Get('cookie')
      async cookie(): Promise<number> {
        return 1;
      }
      @NoCache()
      @Get('none')
      async none(): Promise<number> {
        return 1;
      }
      @Post()
      async post(): Promise<void> {}
      @Head('head')
      async head(): Promise<void> {}
      @Sse('ticks')
      async ticks(): Promise<Observable<object>> {
        return of({});
      }
      @Cacheable({ key: (key) => key.segment('value') })
      @Get('value')
      async value(): Promise<number> {
        return 1;
      }
    }
    const { lines } = await start({ controllers: [Good, Other] });
    expect(lines.errors).toEqual([]);
  });
});

let runs = 0;

/** What JavaScript, or a cast, lets through. */
const PRINCIPALS: Readonly<Record<string, unknown>> = {
  empty: '',
  object: { id: 1 },
  promise: Promise.resolve('ann'),
  nan: NaN,
  flag: true,
  number: 7,
  bigint: 7n,
};

@Controller('routes')
class Routes {
  @Get('unsaid')
  @Cacheable()
  async unsaid(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('said')
  @Cacheable({ http: { credentials: 'bypass' } })
  async said(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('undefined')
  @Cacheable({ http: { principal: () => undefined } })
  async nobody(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('null')
  @Cacheable({ http: { principal: () => null as unknown as undefined } })
  async none(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('throwing')
  @Cacheable({ http: { principal: (request) => (request.user as { id: string }).id } })
  async throwing(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('given')
  @Cacheable({ http: { principal: ({ query }) => PRINCIPALS[String(query.as)] as string } })
  async given(): Promise<{ run: number }> {
    return { run: ++runs };
  }
  @Get('stream')
  @Cacheable()
  async stream(): Promise<StreamableFile> {
    runs++;
    return new StreamableFile(Readable.from([Buffer.from('streamed')]));
  }
  @Get('vary')
  @Cacheable()
  async vary(
    @Res({ passthrough: true }) response: { header(name: string, value: string): void },
  ): Promise<{ run: number }> {
    response.header('vary', '*');
    return { run: ++runs };
  }
  @Get('private')
  @Cacheable()
  @Header('cache-control', 'private')
  async private(): Promise<{ run: number }> {
    return { run: ++runs };
  }
}

describe('combinations that could only do harm', () => {
  const refusal = async (controllers: Type[], providers: Type[] = []): Promise<unknown> =>
    start({ controllers, providers }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it('rejects one fixed key for two routes when the application starts', async () => {
    @Controller('one')
    class One {
      @CacheKey('rates')
      @Get('a')
      a(): number {
        return 1;
      }
      @CacheKey('rates')
      @Get('b')
      b(): number {
        return 2;
      }
    }
    @Controller('two')
    class Two {
      @CacheKey('rates')
      @Get(':id')
      byId(): number {
        return 1;
      }
      @CacheKey('rates')
      @Version('1')
      @Get('v')
      one(): number {
        return 1;
      }
      @CacheKey('rates')
      @Version('2')
      @Get('v')
      two(): number {
        return 1;
      }
      @CacheKey('rates')
      @Post()
      post(): number {
        return 1;
      }
      @CacheKey('rates')
      @Get()
      find(): number {
        return 1;
      }
    }
    expect(await refusal([One])).toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(
        /^Two routes, One\.a and One\.b, have the key "rates".*Give each a key of its own/,
      ) as string,
    });
    expect(await refusal([Two])).toBeUndefined();
  });

  it('rejects @UseInterceptors(CacheInterceptor) when the application starts', async () => {
    @UseInterceptors(CacheInterceptor)
    @Controller('old')
    class Old {
      @Get()
      find(): number {
        return 1;
      }
    }
    @Controller('older')
    class Older {
      @UseInterceptors(CacheInterceptor)
      @CacheTTL('1m')
      @Get()
      find(): number {
        return 1;
      }
    }
    for (const type of [Old, Older]) {
      expect(await refusal([type])).toMatchObject({
        code: 'CACHE_DECORATOR',
        message: expect.stringMatching(
          /\.find has @UseInterceptors\(CacheInterceptor\).*Leave it out, and opt in/,
        ) as string,
      });
    }
  });

  it('rejects a class decorator on a provider when the application starts', async () => {
    @Cacheable({ ttl: '1m' })
    @Injectable()
    class Service {}
    expect(await refusal([], [Service])).toMatchObject({
      code: 'CACHE_DECORATOR',
      message: expect.stringMatching(
        /^The class Service has @Cacheable or @CacheTTL, but is no controller.*on its methods/,
      ) as string,
    });
  });

  it('treats an interceptor that is registered again as the same one', async () => {
    runs = 0;
    const { app } = await start({
      controllers: [Routes],
      providers: [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }],
    });
    const visit = await listen(app);
    expect([(await visit('/routes/unsaid')).text, (await visit('/routes/unsaid')).text]).toEqual([
      '{"run":1}',
      '{"run":1}',
    ]);
  });

  it('warns at start of options without effect', async () => {
    @Injectable()
    class Service {
      @Cacheable({ http: { etag: false } })
      async find(): Promise<number> {
        return 1;
      }
    }
    @Controller('views')
    class Views {
      @Cacheable()
      @Render('view')
      @Get()
      async view(): Promise<object> {
        return {};
      }
    }
    const { lines } = await start({ controllers: [Views], providers: [Service] });
    expect(lines.warnings).toEqual([
      expect.stringMatching(/^Service\.find is no route handler.*the option http has no effect/),
      expect.stringMatching(/Views\.view renders a view/),
    ]);
  });
});
