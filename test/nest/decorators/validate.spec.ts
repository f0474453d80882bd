import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import { jsonCodec } from '../../../lib/codecs/json.js';
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
import type {
  CacheableOptions,
  CacheEvictOptions,
  CachePutOptions,
} from '../../../lib/nest/decorators/options.js';
import {
  DURATION,
  messageOf,
  type Row,
  rowsOf,
  WRONG_ENTRY_OPTIONS,
  WRONG_NESTED,
  type WrongValues,
} from '../../core/options/wrong-values.js';
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

const TEXT = 'a string that is not empty';
const TEXT_OR_CALLBACK = 'a string that is not empty, or a function of the arguments';
const ARRAY_OR_CALLBACK = 'an array, or a function of the arguments that returns one';
const WRONG_PUT_OPTIONS: WrongValues<CachePutOptions> = {
  ...WRONG_ENTRY_OPTIONS,
  cache: [TEXT, '', 5],
  returns: ["'observable'", 'promise', 7],
  name: [TEXT, '', 5],
  instanceKey: ['a function', 'region'],
  ignoreArguments: ['true or false', 'yes'],
  key: [TEXT_OR_CALLBACK, '', 7],
  tags: [ARRAY_OR_CALLBACK, 'entries'],
  resultTags: ['a function', []],
  when: ['a function', true],
  unless: ['a function', true],
};
const WRONG_CACHEABLE_OPTIONS: WrongValues<CacheableOptions> = {
  ...WRONG_PUT_OPTIONS,
  http: ["an object such as { query: ['page'] }", 5, []],
};
const WRONG_EVICT_OPTIONS: WrongValues<CacheEvictOptions> = {
  cache: [TEXT, '', 5],
  returns: ["'observable'", 'promise', 7],
  key: [TEXT_OR_CALLBACK, '', 7],
  keys: [ARRAY_OR_CALLBACK, 'row'],
  tags: [ARRAY_OR_CALLBACK, 'entries'],
  segment: [TEXT_OR_CALLBACK, '', 7],
  tenant: ['a string that is not empty, a number or a bigint, or a function of the arguments', {}],
  allEntries: ['true or false', 'yes'],
  timing: ["'after-success' or 'after-commit' or 'before' or 'both'"],
  when: ['a function', true],
  match: ["'any' or 'all'", 'some'],
  mode: ["'soft' or 'hard'", 'weak'],
  settle: [DURATION, 'soon'],
};
const NO_OPTIONS = "the options must be an object such as { key: 'rates' }; got ";

describe('wrong options', () => {
  type Case = [decorator: typeof Cacheable | typeof CachePut | typeof CacheEvict, ...Row];
  it.each<Case>([
    ...rowsOf(WRONG_CACHEABLE_OPTIONS).map((row): Case => [Cacheable, ...row]),
    ...rowsOf(WRONG_PUT_OPTIONS).map((row): Case => [CachePut, ...row]),
    ...rowsOf(WRONG_EVICT_OPTIONS).map((row): Case => [CacheEvict, ...row]),
    ...WRONG_NESTED.map((row): Case => [Cacheable, ...row]),
    [Cacheable, '1m', `${NO_OPTIONS}"1m".`],
    [Cacheable, null, `${NO_OPTIONS}null.`],
    [CacheEvict, null, `${NO_OPTIONS}null.`],
    [Cacheable, { ttll: 1 }, 'Unknown option of @Cacheable "ttll". Options are: cache, codec, '],
    [Cacheable, { toString: 1 }, 'Unknown option of @Cacheable "toString".'],
    [CachePut, { http: {} }, 'Unknown option of @CachePut "http".'],
    [CacheEvict, { tags: [''] }, 'A tag must be a string of 1 to 256 characters'],
    [Cacheable, { codec: { ...jsonCodec } }, "The codec id 'json' belongs to this library"],
    [Cacheable, { http: { cdn: { maxage: 1 } } }, 'Unknown option of http.cdn "maxage". Options'],
  ])('of %o are refused when the class is defined: %j: %s', (decorator, options, message) => {
    expect(messageOf(() => decorate(() => decorator(options as never)))).toContain(
      `@${decorator.name} on Ledger.list: ${message}`,
    );
  });

  it.each<[() => unknown, string]>([
    [() => CacheKey(undefined as never), '@CacheKey on Ledger.list takes'],
    [() => CacheKey(5 as never), 'got 5'],
    [() => CacheKey(''), 'got ""'],
    [() => CacheTTL('soon' as never), `@CacheTTL must be ${DURATION}; got "soon".`],
    [() => CacheTTL(-5), `@CacheTTL must be ${DURATION}; got -5.`],
    [
      () => InvalidatesCache(Object, () => undefined, { cahce: 'a' } as never),
      'Unknown option of @InvalidatesCache "cahce". Options are: cache.',
    ],
    [
      () => InvalidatesCache(Object, () => undefined, { cache: '' }),
      '@InvalidatesCache: cache must be a string of 1 to 100 characters; got "".',
    ],
    [
      () => InvalidatesCache(Object, () => undefined, null as never),
      "@InvalidatesCache: the options must be an object such as { cache: 'reports' }; got null.",
    ],
  ])('are refused when the class is defined: %s: %s', (make, message) => {
    expect(messageOf(() => decorate(make))).toContain(message);
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

describe('wrong options of a cache module', () => {
  it.each<[CacheModuleOptions, RegExp]>([
    [{ ttl: '5 minutes' as never }, /ttl must be a duration.*got "5 minutes"/],
    [{ tttl: 1 } as never, /Unknown option of CacheModule\.forRoot "tttl"\. Options are: /],
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
      /Unknown option of CacheModule\.forRoot "isglobal"\. .*invalidations, isGlobal, /,
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
        message: expect.stringMatching(
          /must be an object such as \{ backend \}; got (undefined|null|"x")/,
        ) as string,
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
      /The options of CacheModule\.forRoot must be an object such as .*; got (null|5|an array)/,
    );
    expect(() => CacheModule.forRootAsync(options as never)).toThrow(
      /The options of CacheModule\.forRootAsync must be an object such as .*; got/,
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

  const useFactory = () => ({});
  it.each<[object, RegExp]>([
    [{ useFactory: 5 }, /useFactory must be a function that returns the options; got 5/],
    [{ useClass: 5 }, /useClass must be a class with createCacheOptions\(\); got 5/],
    [{ useExisting: {} }, /useExisting must be a class with createCacheOptions\(\); got an object/],
    [
      { useFactory, ttl: 5 },
      /option of CacheModule\.forRootAsync "ttl"\..* belong to what the factory returns\.$/,
    ],
    [
      { useFactory, injekt: [] },
      /Unknown option of CacheModule\.forRootAsync "injekt"\. Options are: .*useFactory/,
    ],
    [
      { useFactory, useClass: class {} },
      /needs one of useFactory, useClass and useExisting; got useFactory and useClass/,
    ],
    [{ useFactory, inject: 'config' }, /forRootAsync: inject must be an array; got "config"/],
    [{ useFactory, imports: {} }, /forRootAsync: imports must be an array; got an object/],
    [{ useFactory, name: '' }, /name must be a string of 1 to 100 characters; got ""/],
    [{ useFactory, isGlobal: 'yes' }, /isGlobal must be true or false; got "yes"/],
  ])('are refused at once when an asynchronous module cannot work: %j', (options, message) => {
    expect(() => CacheModule.forRootAsync(options)).toThrow(message);
  });

  it.each<[object, RegExp]>([
    [
      { useFactory: () => ({ isGlobal: false }) },
      /options with isGlobal\. Give it beside the factory only/,
    ],
    [
      { useClass: class Config {} },
      /Config must be an object with the method createCacheOptions\(\)/,
    ],
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
        'invalidate: the request must be an object such as',
      );
    });
  });
});
