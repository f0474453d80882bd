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
  Redirect,
  Render,
  Res,
  Sse,
  StreamableFile,
  type Type,
  UseGuards,
  UseInterceptors,
  Version,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  Cacheable,
  CacheInterceptor,
  CacheKey,
  CacheModule,
  CacheTTL,
  NoCache,
} from '../../../lib/index.js';
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

describe('a cached route with guards that does not say whether its answer depends on who asks', () => {
  it.each<[string, Type, string]>([
    ['the handler', OnHandler, 'OnHandler.find'],
    ['the class', OnClass, 'OnClass.find'],
    ['a class it extends', Inherited, 'Inherited.find'],
    ['the handler of a class that opted in', ByClass, 'ByClass.find'],
    ['a handler with a fixed key', ByKey, 'ByKey.find'],
  ])('is refused at start, with the choices: guards on %s', async (_, controller, where) => {
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

  it('closes its caches when it is refused', async () => {
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

  it('starts when it says so, when it is not cached, or when its value is kept under a key of its own', async () => {
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

@Controller('class')
@Cacheable({ ttl: '1m' })
class WholeClass {
  @Sse('sse')
  sse(): Observable<object> {
    return of({ data: 'one' });
  }
  @Get('res')
  res(
    @Res()
    response: {
      raw?: { end(text: string): void };
      hijack?(): void;
      end?(text: string): void;
    },
  ): void {
    response.hijack?.();
    (response.raw ?? (response as { end(text: string): void })).end('by hand');
  }
  @Get('redirect')
  @Redirect('/there', 302)
  redirect(): void {}
  @Get()
  async find(): Promise<string> {
    return 'found';
  }
  @Post()
  async post(): Promise<string> {
    return 'posted';
  }
}

const NAME = 'nest-query-cache';
const ALICE = { headers: { authorization: 'Bearer alice' } };

describe.each(['express', 'fastify'] as const)('what goes past the cache on %s', (platform) => {
  const open = async (controllers: Type[], providers: object[] = []) => {
    runs = 0;
    const { app, lines } = await start({ controllers, platform, providers: providers as [] });
    const visit = await listen(app);
    const statusOf = async (path: string, init?: RequestInit): Promise<string | null> =>
      (await visit(path, init)).headers.get('cache-status');
    return { app, lines, visit, statusOf };
  };

  it('is what carries credentials that the key does not have, with one warning for the route that says what to do', async () => {
    // A global guard is not seen at start: it may be about anything.
    const { lines, statusOf } = await open([Routes], [{ provide: APP_GUARD, useClass: Gate }]);
    for (let i = 0; i < 3; i++) {
      expect(await statusOf('/routes/unsaid', ALICE)).toBe(
        `${NAME}; fwd=bypass; detail=credentials`,
      );
      expect(await statusOf('/routes/unsaid', { headers: { cookie: 'sid=1' } })).toBe(
        `${NAME}; fwd=bypass; detail=credentials`,
      );
    }
    expect(runs).toBe(6);
    expect(lines.warnings).toEqual([
      expect.stringMatching(
        /Routes\.unsaid carries credentials.*principal: \(request\).*credentials: 'bypass'.*'ignore'.*'standard'/,
      ),
    ]);
  });

  it('is said without a warning where the route asked for it', async () => {
    const { lines, statusOf } = await open([Routes]);
    expect(await statusOf('/routes/said', ALICE)).toBe(`${NAME}; fwd=bypass; detail=credentials`);
    expect(lines.warnings).toEqual([]);
  });

  it('is a request with credentials for which no principal is found', async () => {
    const { lines, statusOf } = await open([Routes]);
    for (const path of ['/routes/undefined', '/routes/null']) {
      for (let i = 0; i < 2; i++)
        expect(await statusOf(path, ALICE)).toBe(`${NAME}; fwd=bypass; detail=credentials`);
      expect(await statusOf(path)).toContain('stored');
    }
    expect(lines.warnings).toEqual(
      ['nobody', 'none'].map((name): unknown =>
        expect.stringContaining(
          `Routes.${name} carries credentials, but http.principal gave undefined`,
        ),
      ),
    );
  });

  it('is a request whose principal cannot be made: it is answered all the same', async () => {
    const { lines, visit } = await open([Routes]);
    for (const run of [1, 2]) {
      const { status, text, headers } = await visit('/routes/throwing');
      expect([status, text, headers.get('cache-status')]).toEqual([
        200,
        `{"run":${String(run)}}`,
        `${NAME}; fwd=bypass; detail=principal`,
      ]);
    }
    expect(lines.warnings).toEqual([
      expect.stringMatching(
        /http\.principal of Routes\.throwing did not say who asks: .*Return undefined for nobody/,
      ),
    ]);
  });

  it.each([
    ['empty', 'an empty string'],
    ['object', 'an object|an instance of Object'],
    ['promise', 'an instance of Promise'],
    ['nan', 'NaN'],
    ['flag', 'true'],
  ])(
    'is a request whose principal is no name, which would be one for all: %s',
    async (as, shown) => {
      const { lines, statusOf } = await open([Routes]);
      for (const init of [ALICE, ALICE, {}]) {
        expect(await statusOf(`/routes/given?as=${as}`, init)).toBe(
          `${NAME}; fwd=bypass; detail=principal`,
        );
      }
      expect(lines.warnings).toEqual([
        expect.stringMatching(
          new RegExp(
            `http\\.principal of Routes\\.given did not say who asks: it gave (${shown}) where a text`,
          ),
        ),
      ]);
    },
  );

  it.each(['number', 'bigint'])('is not a request whose principal is a %s', async (as) => {
    const { lines, statusOf } = await open([Routes]);
    expect(await statusOf(`/routes/given?as=${as}`, ALICE)).toContain('stored');
    expect(await statusOf(`/routes/given?as=${as}`, ALICE)).toContain('hit');
    expect(lines.warnings).toEqual([]);
  });

  it.each([
    [
      'stream',
      'stream',
      /Routes\.stream answers with a stream, bytes or an error.*@NoCache.*what goes out as text/,
    ],
    ['vary', 'vary-star', /Routes\.vary answers with Vary: \*.*Name the request headers/],
  ])('is an answer that no cache can keep, with one warning: %s', async (path, detail, warning) => {
    const { lines, statusOf } = await open([Routes]);
    for (let i = 0; i < 3; i++)
      expect(await statusOf(`/routes/${path}`)).toBe(`${NAME}; fwd=bypass; detail=${detail}`);
    const together = await Promise.all([1, 2, 3].map(() => statusOf(`/routes/${path}`)));
    expect(new Set(together)).toEqual(new Set([`${NAME}; fwd=bypass; detail=${detail}`]));
    expect(runs).toBe(6);
    expect(lines.warnings).toEqual([expect.stringMatching(warning)]);
  });

  it('is not what says itself that it is not stored: that is a miss', async () => {
    const { lines, statusOf } = await open([Routes]);
    expect(await statusOf('/routes/private')).toBe(`${NAME}; fwd=uri-miss; detail=private`);
    expect(lines.warnings).toEqual([]);
  });

  it('is named for every handler of a class that opted in, and at start for those that never can be cached', async () => {
    const { lines, visit, statusOf } = await open([WholeClass]);
    expect(await statusOf('/class/redirect', { redirect: 'manual' })).toBe(
      `${NAME}; fwd=bypass; detail=redirect`,
    );
    expect(await visit('/class/sse')).toMatchObject({
      status: 200,
      text: expect.stringContaining('data: one') as string,
    });
    expect((await visit('/class/res')).text).toBe('by hand');
    expect(await statusOf('/class/sse')).toBe(`${NAME}; fwd=bypass; detail=sse`);
    // A handler that takes its response away from Fastify (hijack) takes away what is set on it as well.
    expect(await statusOf('/class/res')).toBe(
      platform === 'express' ? `${NAME}; fwd=bypass; detail=res` : null,
    );
    expect(await statusOf('/class', { method: 'POST' })).toBe(`${NAME}; fwd=method`);
    expect(await statusOf('/class')).toContain('fwd=uri-miss; stored');
    expect(lines.warnings).toEqual([
      expect.stringMatching(/WholeClass\.sse sends server-sent events.*@NoCache\(\)/),
      expect.stringMatching(/WholeClass\.res sends its response itself.*@NoCache\(\)/),
      expect.stringMatching(/WholeClass\.redirect redirects by decorator.*@NoCache\(\)/),
    ]);
  });
});

describe('combinations that could only do harm', () => {
  const refusal = async (controllers: Type[], providers: Type[] = []): Promise<unknown> =>
    start({ controllers, providers }).then(
      () => undefined,
      (error: unknown) => error,
    );

  it('are refused at start: one fixed key for two routes', async () => {
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

  it('are refused at start: the interceptor once more, as @nestjs/cache-manager has it', async () => {
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

  it('are refused at start: a class decorator on what is no controller', async () => {
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

  it('go on as one: the interceptor registered once more for the application', async () => {
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

  it('are warned about at start: options that have no effect', async () => {
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

describe('options of http', () => {
  it.each<[object, RegExp]>([
    [
      { principle: () => 'x' },
      /^@Cacheable on Routes\.find: unknown option http\.principle\. Options of http are: cacheControl, .*tags\.$/,
    ],
    [{ toString: () => 'x' }, /unknown option http\.toString/],
    [
      { credentials: 'none' },
      /http\.credentials must be 'bypass' or 'standard' or 'ignore' or 'in-key'; got "none"/,
    ],
    [{ principal: 'user' }, /http\.principal must be a function of the request; got "user"/],
    [
      { headers: 'accept' },
      /http\.headers must be a list of names of request headers; got "accept"/,
    ],
    [{ headers: ['*'] }, /http\.headers must be a list of names of request headers; got object/],
    [
      { credentialHeaders: ['x-key\r\n'] },
      /http\.credentialHeaders must be a list of names of request headers/,
    ],
    [{ query: [''] }, /http\.query must be a list of texts/],
    [
      { statuses: [20] },
      /http\.statuses must be a list of statuses from 200 to 599, without 206 and 304, which are never stored; got object/,
    ],
    [{ statuses: [200, 304] }, /http\.statuses must be/],
    [{ host: 'yes' }, /http\.host must be true or false; got "yes"/],
    [{ cdn: true }, /http\.cdn must be an object; got boolean/],
    [
      { cdn: { maxage: '1m' } },
      /^@Cacheable on Routes\.find: Unknown option of http\.cdn "maxage"/,
    ],
    [
      { principal: () => 'ann', cacheControl: 'public' },
      /http\.principal makes an answer for each.*cacheControl: 'private'/,
    ],
    [
      { headers: ['Authorization'], cacheControl: 'public' },
      /http\.headers makes an answer for each who asks by authorization/,
    ],
    [
      { headers: ['x-token'], credentialHeaders: ['X-Token'], cacheControl: 'public' },
      /for each who asks by x-token/,
    ],
  ])('are refused when the class is defined: %j', (http, message) => {
    const define = (): unknown => {
      class Routes {
        @Cacheable({ http })
        async find(): Promise<number> {
          return 1;
        }
      }
      return Routes;
    };
    expect(define).toThrow(message);
    expect(define).toThrow(expect.objectContaining({ code: 'CACHE_CONFIG' }) as Error);
  });

  it.each([
    { key: 'k' },
    { name: 'n' },
    { tags: () => ['t'] },
    { resultTags: () => ['t'] },
    { when: () => true },
    { unless: () => false },
  ])('that belong to one method are refused on a class: %o', (options) => {
    const [name = ''] = Object.keys(options);
    const define = (): void => {
      Cacheable(options as object)(class Routes {});
    };
    expect(define).toThrow(
      `@Cacheable is on the class Routes with the option ${name}, which belongs to one method.`,
    );
    expect(define).toThrow(expect.objectContaining({ code: 'CACHE_DECORATOR' }) as Error);
  });

  it('of a class and of its method hold together', async () => {
    runs = 0;
    @Controller('both')
    @Cacheable({
      ttl: '1m',
      http: {
        query: ['page'],
        principal: ({ headers }) => headers.authorization as string | undefined,
      },
    })
    class Both {
      @Cacheable({ http: { etag: false } })
      @Get()
      async find(): Promise<{ run: number }> {
        return { run: ++runs };
      }
    }
    const { app } = await start({
      controllers: [Both],
      platform: 'fastify',
      imports: [CacheModule.forRoot({ name: 'other' })],
    });
    const visit = await listen(app);
    const [alice, again, bob] = [
      await visit('/both?x=1', ALICE),
      await visit('/both', ALICE),
      await visit('/both'),
    ];
    expect([alice.text, again.text, bob.text]).toEqual(['{"run":1}', '{"run":1}', '{"run":2}']);
    expect(again.headers.get('etag')).toBeNull();
  });
});
