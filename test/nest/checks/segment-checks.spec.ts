import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  type Provider,
  Scope,
  type Type,
} from '@nestjs/common';
import { INQUIRER, RouterModule } from '@nestjs/core';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { describe, expect, it } from 'vitest';
import type { CacheBackend } from '../../../lib/backend.js';
import {
  Cacheable,
  CacheKey,
  type CacheableOptions,
  CacheTTL,
  type KeyMaker,
} from '../../../lib/index.js';
import { isShortened } from '../../../lib/nest/checks/shortened-names.js';
import { listen, start } from '../http-application.js';

type Find = (id: string) => Promise<string>;
interface Finder {
  find: Find;
}
type Keyed = CacheableOptions<Find>['key'];

/** A class called Users, in the one of its forms that the test is about. */
const FORMS = {
  provider: (from: string, key?: Keyed, name?: string): Type<Finder> => {
    @Injectable()
    class Users {
      @Cacheable({ ttl: '1m', ...(key && { key }), ...(name && { name }) })
      async find(id: string): Promise<string> {
        return `${from} ${id}`;
      }
    }
    return Users;
  },
  resolver: (from: string, key?: Keyed, name?: string): Type<Finder> => {
    @Resolver()
    class Users {
      @Cacheable({ ttl: '1m', ...(key && { key }), ...(name && { name }) })
      @Query(() => String)
      async find(@Args('id') id: string): Promise<string> {
        return `${from} ${id}`;
      }
    }
    return Users;
  },
  'route handler': (from: string, key?: Keyed, name?: string): Type<Finder> => {
    @Controller(from)
    class Users {
      @Cacheable({ ttl: '1m', ...(key && { key }), ...(name && { name }) })
      @Get(':id')
      async find(@Param('id') id: string): Promise<string> {
        return `${from} ${id}`;
      }
    }
    return Users;
  },
};
const byId: KeyMaker<Find> = (key, id) => key.param('id', id);
const KEYS = { 'a key function': byId, 'no key': undefined };

const startWith = (form: string, classes: Type[]): ReturnType<typeof start> =>
  start(form === 'route handler' ? { controllers: classes } : { providers: classes });

describe('two classes of one name', () => {
  it.each(
    Object.entries(FORMS).flatMap(([form, make]) =>
      Object.entries(KEYS).map(([title, key]) => [form, title, make, key] as const),
    ),
  )('do not start as %ss with %s, and start when one has a name', async (form, _key, make, key) => {
    await expect(startWith(form, [make('admin', key), make('public', key)])).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(
        /Users\.find and Users\.find of two classes, have the segment "Users\.find".*name: '\.\.\.'/,
      ) as string,
    });
    const named = [make('admin', key, 'AdminUsers.find'), make('public', key)] as const;
    const { app } = await startWith(form, [...named]);
    for (let round = 0; round < 2; round++) {
      expect(await app.get(named[0], { strict: false }).find('1')).toBe('admin 1');
      expect(await app.get(named[1], { strict: false }).find('1')).toBe('public 1');
    }
  });

  it.each(['express', 'fastify'] as const)(
    'may be controllers on %s when the class itself has a name',
    async (platform) => {
      const make = (path: string, options?: CacheableOptions): Type => {
        @Controller(path)
        @CacheTTL('1m')
        class Users {
          @Get()
          all(): string {
            return path;
          }
        }
        if (options !== undefined) Cacheable(options)(Users);
        return Users;
      };
      await expect(start({ controllers: [make('a'), make('b')], platform })).rejects.toThrow(
        'have the segment "Users.all"',
      );
      const controllers = [make('a', { name: 'AdminUsers' }), make('b')];
      const { app } = await start({ controllers, platform });
      const visit = await listen(app);
      expect((await visit('/a')).text).toBe('a');
      expect((await visit('/b')).text).toBe('b');
    },
  );

  it('do not start with one fixed key', async () => {
    const make = (): Type => {
      @Injectable()
      class Rates {
        @Cacheable()
        @CacheKey('rates')
        async all(): Promise<number> {
          return 1;
        }
      }
      return Rates;
    };
    await expect(start({ providers: [make(), make()] })).rejects.toThrow('the segment "rates"');
  });
});

describe('a method that two classes inherit', () => {
  const inherited = (options: CacheableOptions<Find>): [Type<Finder>, Type<Finder>] => {
    abstract class Repository {
      @Cacheable(options)
      async find(id: string): Promise<string> {
        return `${this.constructor.name} ${id}`;
      }
    }
    @Injectable()
    class Orders extends Repository {}
    @Injectable()
    class Bills extends Repository {}
    return [Orders, Bills];
  };

  it.each([
    { name: 'row' },
    { name: 'row', key: byId },
    { key: 'row', ignoreArguments: true },
  ] satisfies CacheableOptions<Find>[])(
    'does not start with %o, and does when instanceKey tells the classes apart',
    async (options) => {
      await expect(start({ providers: inherited(options) })).rejects.toThrow(
        /Orders and Bills have one cached method in common, find, with the segment "row".*instanceKey/,
      );
      const instanceKey = (instance: object): string => instance.constructor.name;
      const [Orders, Bills] = inherited({ ...options, instanceKey });
      const { app } = await start({ providers: [Orders, Bills] });
      for (let round = 0; round < 2; round++) {
        expect(await app.get(Orders).find('1')).toBe('Orders 1');
        expect(await app.get(Bills).find('1')).toBe('Bills 1');
      }
    },
  );

  it('does not start when both classes override it and may call it by super', async () => {
    class Repository {
      @Cacheable()
      async find(id: string): Promise<string> {
        return `${this.constructor.name} ${id}`;
      }
    }
    @Injectable()
    class Orders extends Repository {
      override async find(id: string): Promise<string> {
        return super.find(id);
      }
    }
    @Injectable()
    class Bills extends Repository {
      override async find(id: string): Promise<string> {
        return super.find(id);
      }
    }
    await expect(start({ providers: [Orders, Bills] })).rejects.toThrow('"Repository.find"');
  });
});

describe('two instances of one class', () => {
  const rates = (options: CacheableOptions<Find> = {}): Type<Finder> => {
    @Injectable()
    class Rates {
      constructor(@Inject('region') readonly region: string) {}

      @Cacheable({ ttl: '1m', ...options })
      async find(id: string): Promise<string> {
        return `${id} in ${this.region}`;
      }
    }
    return Rates;
  };
  class RatesModule {}
  Module({})(RatesModule);
  const instanceKey = ({ region }: { readonly region: string }): string => region;
  const tokens = ['eu', 'us'];
  const ways = {
    'a dynamic module with two options': (type: Type<object>) => ({
      imports: tokens.map((region) => ({
        module: RatesModule,
        providers: [
          { provide: 'region', useValue: region },
          type,
          { provide: region, useExisting: type },
        ],
      })),
    }),
    'two factories': (type: Type<object>) => ({
      providers: tokens.map((region): Provider => ({
        provide: region,
        useFactory: () => new type(region),
      })),
    }),
    'two values': (type: Type<object>) => ({
      providers: tokens.map((region): Provider => ({
        provide: region,
        useValue: new type(region),
      })),
    }),
  };

  it.each(
    Object.entries(ways).flatMap(([way, of]) =>
      [undefined, byId].map((key) => [way, key === undefined ? 'no' : 'a', of, key] as const),
    ),
  )('do not start when they come of %s and have %s key', async (_way, _title, of, key) => {
    const keyed = key === undefined ? {} : { key };
    await expect(start(of(rates(keyed)))).rejects.toThrow(
      /Rates\.find is cached, and the application has two instances of Rates .*instanceKey/,
    );
    const { app } = await start(of(rates({ ...keyed, instanceKey })));
    for (let round = 0; round < 2; round++) {
      for (const region of tokens) {
        const instance = app.get<Finder>(region, { strict: false });
        expect(await instance.find('USD')).toBe(`USD in ${region}`);
      }
    }
  });

  const twoModules = (type: Type<object>, regions: readonly [string, string]): Type[] =>
    regions.map((useValue, index) => {
      class OfOneRegion {}
      const alias = { provide: `alias ${String(index)}`, useExisting: type };
      Module({ providers: [type, { provide: 'region', useValue }, alias] })(OfOneRegion);
      return OfOneRegion;
    });

  it('start when one class makes both of dependencies that are the same', async () => {
    await start({ imports: twoModules(rates(), ['eu', 'eu']) });
    await expect(start({ imports: twoModules(rates(), ['eu', 'us']) })).rejects.toThrow(
      'the application has two instances of Rates',
    );
  });

  it('do not start when each is made for the class that injects it', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Labels {
      constructor(@Inject(INQUIRER) readonly inquirer: object) {}

      @Cacheable()
      async find(): Promise<string> {
        return this.inquirer.constructor.name;
      }
    }
    @Injectable()
    class Consumer {
      constructor(readonly labels: Labels) {}
    }
    await expect(start({ providers: [Labels, Consumer] })).rejects.toThrow('instanceKey');
  });

  it('do not start as a controller with a fixed key below two paths', async () => {
    @Controller()
    class Rates {
      @Get()
      @CacheKey('rates')
      async all(): Promise<number> {
        return 1;
      }
    }
    class One {}
    class Two {}
    for (const type of [One, Two]) Module({ controllers: [Rates] })(type);
    const paths = [
      { path: 'one', module: One },
      { path: 'two', module: Two },
    ];
    await expect(start({ imports: [One, Two, RouterModule.register(paths)] })).rejects.toThrow(
      'have the key "rates"',
    );
  });
});

describe('the name of a class that a minifier has shortened', () => {
  const shared = (): CacheBackend => ({
    get: () => Promise.resolve(undefined),
    set: () => Promise.resolve(undefined),
  });
  const shortened = (options: CacheableOptions<Find> = {}): Type => {
    @Injectable()
    class Qr {
      @Cacheable(options)
      async find(id: string): Promise<string> {
        return id;
      }
    }
    return Qr;
  };

  it('does not start where another build could find its entries, unless it has a name', async () => {
    await expect(start({ providers: [shortened()], cache: { backend: shared() } })).rejects.toThrow(
      /Qr\.find is cached with the segment "Qr\.find".*another build.*name: '/s,
    );
    await start({ providers: [shortened({ name: 'Rates.find' })], cache: { backend: shared() } });
    const key: KeyMaker<Find> = (builder, id) => builder.segment('rates').param('id', id);
    await start({ providers: [shortened({ key })], cache: { backend: shared() } });
  });

  it('does not start as a controller either', async () => {
    @Controller()
    class e {
      @Get()
      @CacheTTL('1m')
      all(): number {
        return 1;
      }
    }
    await expect(start({ controllers: [e], cache: { backend: shared() } })).rejects.toThrow(
      'e.all is cached with the segment "e.all"',
    );
  });

  it('is warned of once in memory', async () => {
    const { lines } = await start({ providers: [shortened()] });
    expect(lines.warnings.filter((line) => line.includes('minifier'))).toHaveLength(1);
  });

  it.each(['', 'e', 'Qr', '_a', 'aBc', 'r$1', 'UsersService$1', 'class_1', '_class'])(
    'is seen in %j',
    (name) => {
      expect(isShortened(name)).toBe(true);
    },
  );

  it.each(['Dao', 'Users', 'UsersService2', 'Class', 'userRepository'])(
    'is not seen in %j',
    (name) => {
      expect(isShortened(name)).toBe(false);
    },
  );

  it('is seen in every name when the bundle has shortened the names of this package', () => {
    expect(isShortened('UsersService', true)).toBe(true);
  });
});
