import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { CacheModule } from '../../../lib/nest/module/cache.module.js';
import { AwaitInvalidations } from '../../../lib/nest/decorators/await-invalidations.js';
import { CacheEvict } from '../../../lib/nest/decorators/cache-evict.js';
import { CacheKey } from '../../../lib/nest/decorators/cache-key.js';
import { CachePut } from '../../../lib/nest/decorators/cache-put.js';
import { InvalidatesCache } from '../../../lib/nest/decorators/invalidates-cache.js';
import { CacheTTL } from '../../../lib/nest/decorators/cache-ttl.js';
import { Cacheable } from '../../../lib/nest/decorators/cacheable.js';
import { NoCache } from '../../../lib/nest/decorators/no-cache.js';
import type { CacheModuleOptions } from '../../../lib/nest/module/options.js';
import { CacheService } from '../../../lib/core/cache.js';
import { applyInvalidation, CacheInvalidated } from '../../../lib/nest/events/cache-invalidated.js';
import {
  getCacheBackendToken,
  getCacheToken,
  InjectCache,
} from '../../../lib/nest/module/tokens.js';
import { start, using } from '../support.js';

type Decorator = (target: object, name: string | symbol, descriptor?: PropertyDescriptor) => void;

/** As JavaScript would do it: without the types, which refuse most of this already. */
function decorate(
  make: () => unknown,
  on: 'method' | 'static' | 'accessor' | 'property' = 'method',
): void {
  class Ledger {
    static async shared(): Promise<void> {}
    async list(): Promise<void> {}
    get size(): number {
      return Object.keys(this).length;
    }
  }
  const decorator = make() as Decorator;
  if (on === 'static')
    decorator(Ledger, 'shared', Object.getOwnPropertyDescriptor(Ledger, 'shared'));
  else if (on === 'property') decorator(Ledger.prototype, 'field', undefined);
  else {
    const name = on === 'accessor' ? 'size' : 'list';
    decorator(Ledger.prototype, name, Object.getOwnPropertyDescriptor(Ledger.prototype, name));
  }
}

function failure(task: () => unknown): { code?: unknown; message?: unknown } {
  try {
    task();
  } catch (error) {
    return error as { code?: unknown; message?: unknown };
  }
  return {};
}

const decorators: [string, () => unknown][] = [
  ['@Cacheable', () => Cacheable()],
  ['@CacheEvict', () => CacheEvict({ tags: ['t'] })],
  ['@CachePut', () => CachePut({ key: 'k' })],
  ['@CacheKey', () => CacheKey('k')],
  ['@CacheTTL', () => CacheTTL('1s')],
  ['@NoCache', () => NoCache()],
];

describe.each(decorators)('%s', (name, make) => {
  it('is refused on a static method', () => {
    const { code, message } = failure(() => decorate(make, 'static'));
    expect(code).toBe('CACHE_DECORATOR');
    expect(message).toBe(
      `${name} is on the static method Ledger.shared: only methods of instances that Nest makes can be cached. Make it an instance method.`,
    );
  });

  it.each(['accessor', 'property'] as const)('is refused on an %s', (on) => {
    const { code, message } = failure(() => decorate(make, on));
    expect(code).toBe('CACHE_DECORATOR');
    expect(message).toMatch(
      /is on Ledger\.(size|field), which is not a method but an accessor or a property\. Make it an async method\./,
    );
  });
});

describe.each([
  ...decorators,
  ['@AwaitInvalidations', () => AwaitInvalidations()] as [string, () => unknown],
])('%s', (name, make) => {
  class Ledger {
    async list(): Promise<void> {}
  }
  const apply = make() as (...args: unknown[]) => void;

  it('is refused on a parameter, and says where', () => {
    expect(failure(() => apply(Ledger.prototype, 'list', 0))).toMatchObject({
      code: 'CACHE_DECORATOR',
      message: `${name} is on a parameter of Ledger.list. Put it on the method.`,
    });
    expect(failure(() => apply(Ledger, undefined, 0)).message).toBe(
      `${name} is on a parameter of the constructor of Ledger. Put it on the method.`,
    );
  });

  it.each([
    ['a method', Ledger.prototype.list, { kind: 'method', name: 'list' }],
    ['a class', Ledger, { kind: 'class', name: 'Ledger' }],
  ])('is refused on %s as a standard decorator', (_, target, context) => {
    const { code, message } = failure(() => {
      apply(target, context);
    });
    expect(code).toBe('CACHE_DECORATOR');
    expect(message).toMatch(
      / was called as a standard decorator\. Nest, and this library, need .*"experimentalDecorators": true in tsconfig\.json/,
    );
  });
});

it.each(decorators.filter(([name]) => ['@CacheEvict', '@CachePut', '@CacheKey'].includes(name)))(
  '%s is refused on a class',
  (name, make) => {
    class Ledger {}
    expect(failure(() => (make() as ClassDecorator)(Ledger))).toMatchObject({
      code: 'CACHE_DECORATOR',
      message: `${name} is on the class Ledger. Put it on its methods.`,
    });
  },
);

describe('a decorator without parentheses', () => {
  class Ledger {
    async list(): Promise<void> {}
  }
  it.each<[string, unknown]>([
    ['@Cacheable', Cacheable],
    ['@CacheEvict', CacheEvict],
    ['@CachePut', CachePut],
    ['@CacheKey', CacheKey],
    ['@CacheTTL', CacheTTL],
    ['@NoCache', NoCache],
    ['@AwaitInvalidations', AwaitInvalidations],
  ])('is refused, instead of losing what it is on: %s', (name, decorator) => {
    const bare = decorator as (...args: unknown[]) => unknown;
    const expected = {
      code: 'CACHE_DECORATOR',
      message: `${name} in Ledger stands without parentheses. Write ${name}(...).`,
    };
    const descriptor = Object.getOwnPropertyDescriptor(Ledger.prototype, 'list');
    expect(failure(() => bare(Ledger.prototype, 'list', descriptor))).toMatchObject(expected);
    expect(failure(() => bare(Ledger))).toMatchObject(expected);
  });
});

describe('the name of a cache', () => {
  it.each([
    () => InjectCache(''),
    () => InjectCache(5 as never),
    () => getCacheToken({} as never),
    () => getCacheBackendToken(null as never),
  ])('is refused when it is none: %s', (make) => {
    expect(failure(make)).toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(
        /^The name of a cache must be a string of 1 to 100 characters, such as 'reports'; got /,
      ) as string,
    });
  });
});

describe('CacheModule without forRoot', () => {
  it('is refused when the application starts', async () => {
    await expect(start({ imports: [CacheModule] }, false)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message:
        'CacheModule is imported without options, so there is no cache. Import CacheModule.forRoot() in the root module.',
    });
  });

  it('does no harm where there is a cache', async () => {
    await using({ imports: [CacheModule] }, async ({ app }) => {
      expect(await app.get(CacheService).getOrSet('k', () => 1)).toBe(1);
    });
  });
});

describe('a synchronous method', () => {
  it.each([Cacheable, CacheEvict, CachePut])('is refused by its return type', (make) => {
    const decorator = make({ key: 'k' }) as Decorator;
    class Ledger {
      list(): string[] {
        return [];
      }
    }
    Reflect.defineMetadata('design:returntype', Array, Ledger.prototype, 'list');
    const { code, message } = failure(() => {
      decorator(
        Ledger.prototype,
        'list',
        Object.getOwnPropertyDescriptor(Ledger.prototype, 'list'),
      );
    });
    expect(code).toBe('CACHE_DECORATOR');
    expect(message).toMatch(
      /Ledger\.list, which returns a Array synchronously: an answer from a cache is a Promise\. Make the method async/,
    );
  });
});

describe('a method of which only its answer shows that it is synchronous', () => {
  it.each<[unknown, string]>([
    [{}, 'an instance of Object'],
    [undefined, 'nothing'],
    [null, 'null'],
    [5, 'a number'],
    [
      (function* () {
        yield 1;
      })(),
      'an object',
    ],
  ])('fails when it is called, with %s', async (answer, shown) => {
    class Ledger {
      list(): unknown {
        return answer;
      }
    }
    Injectable()(Ledger);
    const descriptor = Object.getOwnPropertyDescriptor(
      Ledger.prototype,
      'list',
    ) as PropertyDescriptor;
    (Cacheable() as unknown as Decorator)(Ledger.prototype, 'list', descriptor);
    Object.defineProperty(Ledger.prototype, 'list', descriptor);
    await using({ providers: [Ledger] }, async ({ app }) => {
      await expect(app.get(Ledger).list()).rejects.toMatchObject({
        code: 'CACHE_DECORATOR',
        message: `Ledger.list returned ${shown} where its decorator needs a Promise or an Observable: an answer from a cache comes later. Make the method async.`,
      });
    });
  });
});

describe('wrong options of a decorator', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a duration',
      () => Cacheable({ ttl: '5 minutes' as never }),
      /^@Cacheable on Ledger\.list: ttl must be a duration.*got "5 minutes"/,
    ],
    [
      'a negative duration',
      () => Cacheable({ staleWhileRevalidate: -1 }),
      /^@Cacheable on Ledger\.list: staleWhileRevalidate must be .*got -1/,
    ],
    [
      'NaN',
      () => CachePut({ key: 'k', nullTtl: NaN }),
      /^@CachePut on Ledger\.list: nullTtl must be .*got NaN/,
    ],
    ['the jitter', () => Cacheable({ jitter: 2 }), /jitter must be a number from 0 to 1; got 2/],
    [
      'refreshAhead',
      () => Cacheable({ refreshAhead: 5 }),
      /refreshAhead must be 'xfetch', false, or a share/,
    ],
    [
      'a codec',
      () => Cacheable({ codec: {} as never }),
      /codec must be one of 'json', 'cbor', or an object/,
    ],
    [
      'an unknown name',
      () => Cacheable({ ttll: 1 } as never),
      /^@Cacheable on Ledger\.list: unknown option "ttll"\. Options are: cache, codec, .*when\.$/,
    ],
    ['an inherited name', () => Cacheable({ toString: 1 } as never), /unknown option "toString"/],
    [
      'an option of another decorator',
      () => CachePut({ key: 'k', http: {} } as never),
      /^@CachePut on Ledger\.list: unknown option "http"/,
    ],
    [
      'a key',
      () => Cacheable({ key: 7 as never }),
      /key must be a text that is not empty, or a function of the arguments; got 7/,
    ],
    [
      'a cache',
      () => CacheEvict({ tags: ['t'], cache: '' }),
      /^@CacheEvict on Ledger\.list: cache must be a text that is not empty; got ""/,
    ],
    [
      'tags',
      () => Cacheable({ tags: 'entries' as never }),
      /tags must be a list, or a function of the arguments that returns one; got "entries"/,
    ],
    [
      'a tag',
      () => CacheEvict({ tags: [''] }),
      /^@CacheEvict on Ledger\.list: A tag must be a string of 1 to 256 characters/,
    ],
    ['a callback', () => Cacheable({ when: true as never }), /when must be a function; got true/],
    [
      'a flag',
      () => CacheEvict({ allEntries: 'yes' as never }),
      /allEntries must be true or false; got "yes"/,
    ],
    [
      'a tenant',
      () => CacheEvict({ tenant: {} as never }),
      /tenant must be a text that is not empty, a number or a bigint, or a function of the arguments; got an object/,
    ],
    [
      'match',
      () => CacheEvict({ tags: ['t'], match: 'some' as never }),
      /match must be 'any' or 'all'; got "some"/,
    ],
    [
      'mode',
      () => CacheEvict({ tags: ['t'], mode: 'weak' as never }),
      /mode must be 'soft' or 'hard'; got "weak"/,
    ],
    [
      'settle',
      () => CacheEvict({ tags: ['t'], settle: 'soon' as never }),
      /settle must be a duration.*got "soon"/,
    ],
    [
      'the options',
      () => Cacheable('1m' as never),
      /^@Cacheable on Ledger\.list: the options must be an object; got "1m"/,
    ],
    [
      'no options',
      () => Cacheable(null as never),
      /^@Cacheable on Ledger\.list: the options must be an object; got null/,
    ],
    [
      'no options',
      () => CacheEvict(null as never),
      /^@CacheEvict on Ledger\.list: the options must be an object; got null/,
    ],
    [
      'the producer timeout',
      () => Cacheable({ producerTimeout: { hrad: 1 } as never }),
      /^@Cacheable on Ledger\.list: Unknown option of producerTimeout "hrad"/,
    ],
    [
      'the producer timeout',
      () => Cacheable({ producerTimeout: 5 as never }),
      /producerTimeout must be an object such as .*; got 5/,
    ],
    [
      'what a CDN is told',
      () => Cacheable({ http: { cdn: { maxage: '1h' } as never } }),
      /Unknown option of http\.cdn "maxage"\. Options are: maxAge, tags, tenants/,
    ],
    [
      'no key',
      () => CacheKey(undefined as never),
      /^@CacheKey on Ledger\.list takes a string that is not empty, or a function.*; got undefined/,
    ],
    ['a key', () => CacheKey(5 as never), /^@CacheKey on Ledger\.list takes .*; got 5/],
    ['an empty key', () => CacheKey(''), /^@CacheKey on Ledger\.list takes .*; got ""/],
    [
      'keys',
      () => CacheEvict({ keys: 'row' as never }),
      /keys must be a list, or a function of the arguments that returns one; got "row"/,
    ],
    [
      'a rule',
      () => InvalidatesCache(Object, () => undefined, { cahce: 'a' } as never),
      /Unknown option of @InvalidatesCache "cahce"/,
    ],
    [
      'a rule',
      () => InvalidatesCache(Object, () => undefined, null as never),
      /@InvalidatesCache: the options must be an object; got null/,
    ],
    [
      'the ttl of CacheTTL',
      () => CacheTTL('soon' as never),
      /^@CacheTTL must be a duration.*got "soon"/,
    ],
    ['the ttl of CacheTTL', () => CacheTTL(-5), /^@CacheTTL must be a duration.*got -5/],
  ])('are refused when the class is defined: %s', (_, make, message) => {
    const error = failure(() => decorate(make));
    expect(error.code).toBe('CACHE_CONFIG');
    expect(error.message).toMatch(message);
  });

  it.each([5, '', null])('are refused when one of the keys is none: %j', (key) => {
    const { code, message } = failure(() =>
      decorate(() => CacheEvict({ keys: ['row', key as never] })),
    );
    expect(code).toBe('CACHE_KEY');
    expect(message).toMatch(
      /^@CacheEvict on Ledger\.list: a key must be a CacheKey or a non-empty string; got (a number|an empty string|null)\./,
    );
  });

  it('are refused on a class', () => {
    const { code, message } = failure(() => {
      Cacheable({ ttl: 'x' as never })(class Routes {});
    });
    expect([code, message]).toEqual([
      'CACHE_CONFIG',
      expect.stringMatching(/^@Cacheable on Routes: ttl must be a duration/),
    ]);
  });

  it('are refused when the timing does not exist', () => {
    const { code, message } = failure(() =>
      decorate(() => CacheEvict({ tags: ['t'], timing: 'after' as never })),
    );
    expect(code).toBe('CACHE_DECORATOR');
    expect(message).toMatch(/timing must be 'after-success',.* 'before' or 'both'; got "after"/);
  });

  it('are refused when they contradict each other', () => {
    const twice = failure(() => {
      class Ledger {
        @Cacheable()
        @Cacheable()
        async list(): Promise<number> {
          return 1;
        }
      }
      return Ledger;
    });
    expect(twice.message).toBe('@Cacheable is on Ledger.list twice. Leave one of them out.');
    const both = failure(() => {
      class Ledger {
        @Cacheable()
        @CachePut({ key: 'k' })
        async list(): Promise<number> {
          return 1;
        }
      }
      return Ledger;
    });
    expect(both.message).toMatch(/has both @Cacheable.*and @CachePut.*Leave one of them out/);
    const keys = failure(() => {
      class Ledger {
        @CacheKey('a')
        @Cacheable({ key: 'b' })
        async list(): Promise<number> {
          return 1;
        }
      }
      return Ledger;
    });
    expect(keys.message).toBe(
      'Ledger.list has both @CacheKey and the option key. Leave one of them out.',
    );
  });
});

describe('a decorator that nothing uses', () => {
  it('is told of once', async () => {
    @Injectable()
    class Ledger {
      @CacheKey('list')
      async list(): Promise<void> {}
      @CacheTTL('1m')
      async entries(): Promise<void> {}
      @CacheTTL('1m')
      @Cacheable()
      async cached(): Promise<number> {
        return 1;
      }
    }
    await using({ providers: [Ledger] }, async ({ log }) => {
      expect(log.lines).toEqual([
        'warn: Ledger.list has a @CacheKey, but nothing that uses it. Add @Cacheable().',
        'warn: Ledger.entries has a @CacheTTL, but nothing that uses it. Add @Cacheable().',
      ]);
    });
  });
});

describe('an eviction that names nothing', () => {
  it.each([{}, { tags: [] }, { keys: [], tags: [], tenant: 7 }])(
    'is refused when the application starts: %j',
    async (options) => {
      @Injectable()
      class Ledger {
        @CacheEvict(options)
        async post(): Promise<void> {}
      }
      await expect(start({ providers: [Ledger] })).rejects.toMatchObject({
        code: 'CACHE_DECORATOR',
        message: expect.stringMatching(
          /Ledger\.post has a @CacheEvict that names nothing\. Give it key, keys, tags/,
        ) as string,
      });
    },
  );
});

describe('wrong options of a cache', () => {
  it.each<[CacheModuleOptions, RegExp]>([
    [{ ttl: '5 minutes' as never }, /ttl must be a duration.*got "5 minutes"/],
    [{ tttl: 1 } as never, /Unknown cache option "tttl"\. Options are: /],
    [{ tenancy: 'maybe' as never }, /tenancy must be 'optional' or 'required'; got "maybe"/],
    [{ tenant: 'a' as never }, /tenant must be a function; got "a"/],
    [
      { name: '' },
      /The name of a cache must be a string of 1 to 100 characters, such as 'reports'; got ""\./,
    ],
    [{ name: null as never }, /The name of a cache must be .*; got null\./],
    [
      { backend: {} as never },
      /backend must be an object with the methods get\(key\) and set\(key, bytes, ttlMs\)/,
    ],
    [{ l1: true }, /Leave l1 out/],
    [{ backend: null as never }, /backend must be an object with the methods .*; got null\./],
    [
      { isglobal: true } as never,
      /Unknown cache option "isglobal"\. Options are: .*invalidations, isGlobal, /,
    ],
  ])('are refused when the application starts: %j', async (options, message) => {
    await expect(start({}, options)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each([undefined, null, 'x'])(
    'are refused when an asynchronous factory gives %j',
    async (given) => {
      const module = CacheModule.forRootAsync({ useFactory: () => given as never });
      await expect(start({ imports: [module] }, false)).rejects.toMatchObject({
        code: 'CACHE_CONFIG',
        message: expect.stringMatching(/must be an object; got (undefined|null|"x")/) as string,
      });
    },
  );

  it('are refused when an asynchronous factory names another cache, or is not there', async () => {
    const renamed = CacheModule.forRootAsync({ name: 'a', useFactory: () => ({ name: 'b' }) });
    await expect(start({ imports: [renamed] }, false)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringContaining('Give the name beside the factory only') as string,
    });
    expect(() => CacheModule.forRootAsync({})).toThrow(
      /needs one of useFactory, useClass and useExisting; got none/,
    );
  });

  it.each([null, 5, []])('are refused at once when they are no object: %j', (options) => {
    expect(() => CacheModule.forRoot(options as never)).toThrow(
      /The options of CacheModule\.forRoot must be an object; got (null|5|an array)/,
    );
    expect(() => CacheModule.forRootAsync(options as never)).toThrow(
      /The options of CacheModule\.forRootAsync must be an object; got/,
    );
  });

  it('are refused when they are a backend', async () => {
    const backend = new MemoryBackend();
    const message = 'must be an object such as { backend }; got a backend itself';
    expect(() => CacheModule.forRoot(backend)).toThrow(
      `The options of CacheModule.forRoot ${message}`,
    );
    const module = CacheModule.forRootAsync({ useFactory: () => backend });
    await expect(start({ imports: [module] }, false)).rejects.toThrow(
      `The options that CacheModule.forRootAsync makes ${message}`,
    );
  });

  it.each<[object, RegExp]>([
    [{ useFactory: 5 }, /useFactory must be a function that gives the options; got 5/],
    [{ useClass: 5 }, /useClass must be a class with createCacheOptions\(\); got 5/],
    [
      { useFactory: () => ({}), ttl: 5 },
      /CacheModule\.forRootAsync has no option ttl: it belongs into the options that the factory gives/,
    ],
    [
      { useFactory: () => ({}), injekt: [] },
      /Unknown option of CacheModule\.forRootAsync "injekt"\. Options are: .*useFactory/,
    ],
    [
      { useFactory: () => ({}), useClass: class {} },
      /needs one of useFactory, useClass and useExisting; got useFactory and useClass/,
    ],
    [
      { useFactory: () => ({}), inject: 'config' },
      /inject of CacheModule\.forRootAsync must be an array; got "config"/,
    ],
    [{ useFactory: () => ({}), isGlobal: 'yes' }, /isGlobal must be true or false; got "yes"/],
  ])('are refused at once when an asynchronous module cannot work: %j', (options, message) => {
    expect(() => CacheModule.forRootAsync(options)).toThrow(message);
  });

  it.each<[object, RegExp]>([
    [
      { useFactory: () => ({ isGlobal: false }) },
      /options with isGlobal\. Give it beside the factory only/,
    ],
    [{ useClass: class Config {} }, /Config must have the method createCacheOptions\(\)/],
  ])('are refused when an asynchronous module starts: %j', async (options, message) => {
    await expect(
      start({ imports: [CacheModule.forRootAsync(options)] }, false),
    ).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(message) as string,
    });
  });

  it('are refused when two caches have one name', async () => {
    await expect(start({ imports: [CacheModule.forRoot({ ttl: 1 })] })).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(
        /Two caches of this application are called "default"\. Give each its own name/,
      ) as string,
    });
  });
});

describe('a list that a callback gives as one text', () => {
  @Injectable()
  class Ledger {
    runs = 0;
    @Cacheable({ name: 'list', tags: () => 'account:1' as never })
    async list(): Promise<number> {
      return ++this.runs;
    }
    @Cacheable({ name: 'found', resultTags: () => 'account:1' as never })
    async found(): Promise<number> {
      return ++this.runs;
    }
    @CachePut({ key: 'row', resultTags: () => 'account:1' as never })
    async save(): Promise<number> {
      return 2;
    }
    @CacheEvict({ tags: () => 'account:1' as never })
    async post(): Promise<void> {}
    @CacheEvict({ keys: () => 'row' as never })
    async remove(): Promise<void> {}
  }

  it('never fails a read or a write: nothing is stored under letters, and what is old goes', async () => {
    await using({ providers: [Ledger] }, async ({ app, log }) => {
      const ledger = app.get(Ledger);
      expect([await ledger.list(), await ledger.list()]).toEqual([1, 2]);
      expect([await ledger.found(), await ledger.found()]).toEqual([3, 4]);
      const cache = app.get(CacheService);
      await cache.set('row', 1);
      expect(await ledger.save()).toBe(2);
      expect(await cache.get('row')).toBeUndefined();
      expect(log.about('tags must be an array of strings')).toHaveLength(3);
    });
  });

  it('fails an eviction, whose caller must know that the old values stay', async () => {
    await using({ providers: [Ledger] }, async ({ app }) => {
      const ledger = app.get(Ledger);
      await expect(ledger.post()).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
      await expect(ledger.remove()).rejects.toThrow(
        'keys of @CacheEvict on Ledger.remove must give a list; got a string.',
      );
    });
  });

  it('fails an event that says so, or nothing', async () => {
    await using({}, async ({ app }) => {
      const cache = app.get(CacheService);
      for (const request of [undefined, null, {}, { tags: 'account:1' }])
        await expect(cache.apply(new CacheInvalidated(request as never))).rejects.toMatchObject({
          code: 'CACHE_CONFIG',
        });
      await expect(applyInvalidation(cache, undefined as never)).rejects.toThrow(
        'invalidate: give an object such as',
      );
    });
  });
});
