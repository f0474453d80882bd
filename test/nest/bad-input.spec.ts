import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { CacheModule } from '../../lib/nest/cache.module.js';
import { CacheEvict } from '../../lib/nest/decorators/cache-evict.js';
import { CacheKey } from '../../lib/nest/decorators/cache-key.js';
import { CachePut } from '../../lib/nest/decorators/cache-put.js';
import { CacheTTL } from '../../lib/nest/decorators/cache-ttl.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.js';
import { NoCache } from '../../lib/nest/decorators/no-cache.js';
import type { CacheModuleOptions } from '../../lib/nest/module-options.js';
import { start } from './support.js';

type Decorator = (target: object, name: string | symbol, descriptor?: PropertyDescriptor) => void;

/** As JavaScript would do it: without the types, which refuse most of this already. */
function decorate(make: () => unknown, on: 'method' | 'static' | 'accessor' | 'property' = 'method'): void {
  class Ledger {
    static async shared(): Promise<void> {}
    async list(): Promise<void> {}
    get size(): number {
      return Object.keys(this).length;
    }
  }
  const decorator = make() as Decorator;
  if (on === 'static') decorator(Ledger, 'shared', Object.getOwnPropertyDescriptor(Ledger, 'shared'));
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
    expect(message).toMatch(/is on Ledger\.(size|field), which is not a method but an accessor or a property\. Make it an async method\./);
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
      decorator(Ledger.prototype, 'list', Object.getOwnPropertyDescriptor(Ledger.prototype, 'list'));
    });
    expect(code).toBe('CACHE_DECORATOR');
    expect(message).toMatch(
      /Ledger\.list, which returns a Array synchronously: an answer from a cache is a Promise\. Make the method async/,
    );
  });
});

describe('wrong options of a decorator', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a duration', () => Cacheable({ ttl: '5 minutes' as never }), /^@Cacheable on Ledger\.list: ttl must be a duration.*got "5 minutes"/],
    [
      'a negative duration',
      () => Cacheable({ staleWhileRevalidate: -1 }),
      /^@Cacheable on Ledger\.list: staleWhileRevalidate must be .*got -1/,
    ],
    ['NaN', () => CachePut({ key: 'k', nullTtl: NaN }), /^@CachePut on Ledger\.list: nullTtl must be .*got NaN/],
    ['the jitter', () => Cacheable({ jitter: 2 }), /jitter must be a number from 0 to 1; got 2/],
    ['refreshAhead', () => Cacheable({ refreshAhead: 5 }), /refreshAhead must be 'xfetch', false, or a share/],
    ['a codec', () => Cacheable({ codec: {} as never }), /codec must be one of 'json', 'cbor', or an object/],
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
    ['a key', () => Cacheable({ key: 7 as never }), /key must be a text that is not empty, or a function of the arguments; got 7/],
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
    ['a tag', () => CacheEvict({ tags: [''] }), /^@CacheEvict on Ledger\.list: A tag must be a string of 1 to 256 characters/],
    ['a callback', () => Cacheable({ when: true as never }), /when must be a function; got true/],
    ['a flag', () => CacheEvict({ allEntries: 'yes' as never }), /allEntries must be true or false; got "yes"/],
    [
      'a tenant',
      () => CacheEvict({ tenant: {} as never }),
      /tenant must be a text that is not empty, a number or a bigint, or a function of the arguments; got an object/,
    ],
    ['match', () => CacheEvict({ tags: ['t'], match: 'some' as never }), /match must be 'any' or 'all'; got "some"/],
    ['mode', () => CacheEvict({ tags: ['t'], mode: 'weak' as never }), /mode must be 'soft' or 'hard'; got "weak"/],
    ['settle', () => CacheEvict({ tags: ['t'], settle: 'soon' as never }), /settle must be a duration.*got "soon"/],
    ['the options', () => Cacheable('1m' as never), /^@Cacheable on Ledger\.list: the options must be an object; got "1m"/],
    ['the ttl of CacheTTL', () => CacheTTL('soon' as never), /^@CacheTTL must be a duration.*got "soon"/],
    ['the ttl of CacheTTL', () => CacheTTL(-5), /^@CacheTTL must be a duration.*got -5/],
  ])('are refused when the class is defined: %s', (_, make, message) => {
    const error = failure(() => decorate(make));
    expect(error.code).toBe('CACHE_CONFIG');
    expect(error.message).toMatch(message);
  });

  it('are refused on a class', () => {
    const { code, message } = failure(() => {
      Cacheable({ ttl: 'x' as never })(class Routes {});
    });
    expect([code, message]).toEqual(['CACHE_CONFIG', expect.stringMatching(/^@Cacheable on Routes: ttl must be a duration/)]);
  });

  it('are refused when the timing does not exist', () => {
    const { code, message } = failure(() => decorate(() => CacheEvict({ tags: ['t'], timing: 'after' as never })));
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
    expect(keys.message).toBe('Ledger.list has both @CacheKey and the option key. Leave one of them out.');
  });
});

describe('an eviction that names nothing', () => {
  it('is refused when the application starts', async () => {
    @Injectable()
    class Ledger {
      @CacheEvict()
      async post(): Promise<void> {}
    }
    await expect(start({ providers: [Ledger] })).rejects.toMatchObject({
      code: 'CACHE_DECORATOR',
      message: expect.stringMatching(/Ledger\.post has a @CacheEvict that names nothing\. Give it key, keys, tags/) as string,
    });
  });
});

describe('wrong options of a cache', () => {
  it.each<[CacheModuleOptions, RegExp]>([
    [{ ttl: '5 minutes' as never }, /ttl must be a duration.*got "5 minutes"/],
    [{ tttl: 1 } as never, /Unknown cache option "tttl"\. Options are: /],
    [{ tenancy: 'maybe' as never }, /tenancy must be 'optional' or 'required'; got "maybe"/],
    [{ tenant: 'a' as never }, /tenant must be a function; got "a"/],
    [{ name: '' }, /name must be a text of 1 to 100 characters; got ""/],
    [{ backend: {} as never }, /backend must be an object with the methods get\(key\) and set\(key, bytes, ttlMs\)/],
    [{ l1: true }, /Leave l1 out/],
  ])('are refused when the application starts: %j', async (options, message) => {
    await expect(start({}, options)).rejects.toMatchObject({ code: 'CACHE_CONFIG', message: expect.stringMatching(message) as string });
  });

  it.each([undefined, null, 'x'])('are refused when an asynchronous factory gives %j', async (given) => {
    const module = CacheModule.forRootAsync({ useFactory: () => given as never });
    await expect(start({ imports: [module] }, false)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(/must be an object; got (undefined|null|"x")/) as string,
    });
  });

  it('are refused when an asynchronous factory names another cache, or is not there', async () => {
    const renamed = CacheModule.forRootAsync({ name: 'a', useFactory: () => ({ name: 'b' }) });
    await expect(start({ imports: [renamed] }, false)).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringContaining('Give the name beside the factory only') as string,
    });
    expect(() => CacheModule.forRootAsync({})).toThrow(/needs one of useFactory, useClass and useExisting; got none/);
  });

  it('are refused when two caches have one name', async () => {
    await expect(start({ imports: [CacheModule.forRoot({ ttl: 1 })] })).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(/Two caches of this application are called "default"\. Give each its own name/) as string,
    });
  });
});
