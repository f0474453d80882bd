import { Controller, Get, Injectable, Param, Req } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheEvict, CacheKey, CachePut } from '../../../lib/index.js';
import { listen, start } from '../http-application.js';

/** A decorator of the application's own; the function that it puts there has no metadata. */
const Logged = (): MethodDecorator => (_target, _name, descriptor) => {
  const method = descriptor.value as unknown as (...args: unknown[]) => unknown;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return method.apply(this, args);
  } as never;
};
/** The same, and it copies the metadata. */
const Copied = (): MethodDecorator => (target, name, descriptor) => {
  const method = descriptor.value as object;
  Logged()(target, name, descriptor as never);
  for (const key of Reflect.getMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), descriptor.value as object);
};

describe('the segment of a method', () => {
  it.each([
    ['that copies no metadata', Logged],
    ['that copies the metadata', Copied],
  ])('is Class.method below a decorator %s', async (_title, Foreign) => {
    @Injectable()
    class Users {
      runs = 0;

      @Foreign()
      @Cacheable()
      async find(): Promise<number> {
        return ++this.runs;
      }

      @Foreign()
      @CacheEvict({ segment: 'Users.find' })
      async change(): Promise<void> {}
    }
    const users = (await start({ providers: [Users] })).get(Users);
    expect([await users.find(), await users.find()]).toEqual([1, 1]);
    await users.change();
    expect(await users.find()).toBe(2);
  });

  it('that is called by super is that of the class which declares it', async () => {
    class Base {
      runs = 0;

      @Cacheable()
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    @Injectable()
    class Users extends Base {
      override async find(): Promise<number> {
        return super.find();
      }

      @CacheEvict({ segment: 'Base.find' })
      async change(): Promise<void> {}
    }
    const users = (await start({ providers: [Users] })).get(Users);
    expect([await users.find(), await users.find()]).toEqual([1, 1]);
    await users.change();
    expect(await users.find()).toBe(2);
  });

  it('that a child overrides is its own, with and without a decorator of the application', async () => {
    class Base {
      @Cacheable()
      async find(): Promise<string> {
        return 'base';
      }
    }
    @Injectable()
    class Users extends Base {
      @Logged()
      @Cacheable()
      override async find(): Promise<string> {
        return `users of ${await super.find()}`;
      }
    }
    const users = (await start({ providers: [Users] })).get(Users);
    expect([await users.find(), await users.find()]).toEqual(['users of base', 'users of base']);
  });
});

describe('a route handler below a decorator of the application that copies no metadata', () => {
  it.each(['express', 'fastify'] as const)(
    'is cached as a response on %s, by its URL and not by its arguments',
    async (platform) => {
      @Controller('users')
      class Users {
        runs = 0;

        @Get(':id')
        @Logged()
        @Cacheable({ ttl: '1m', http: { query: [] } })
        async find(@Param('id') id: string, @Req() request: object): Promise<string> {
          return `${id} ${typeof request} ${String(++this.runs)}`;
        }
      }
      const { app } = await start({ controllers: [Users], platform });
      const visit = await listen(app);
      expect((await visit('/users/7')).text).toBe('7 object 1');
      const second = await visit('/users/7?utm_source=mail');
      expect(second.text).toBe('7 object 1');
      expect(second.headers.get('cache-status')).toMatch(/^nest-query-cache; hit/);
    },
  );
});

describe('instanceKey', () => {
  @Injectable()
  class Rates {
    region: unknown = 'eu';
    runs = 0;

    @Cacheable({ name: 'rate', instanceKey: (rates: Rates) => rates.region as string })
    async rate(currency: string): Promise<string> {
      return `${currency} ${String(this.region)} ${String(++this.runs)}`;
    }

    @CachePut({
      name: 'rate',
      instanceKey: (rates: Rates) => rates.region as string,
      key: (key, currency) => key.param('0', currency),
    })
    async publish(currency: string): Promise<string> {
      return `${currency} published`;
    }

    @Cacheable({ instanceKey: (rates: Rates) => rates.region as string })
    @CacheKey('all')
    async all(): Promise<number> {
      return ++this.runs;
    }

    @CacheEvict({ segment: 'rate' })
    async change(): Promise<void> {}
  }

  it('is part of the key, and an invalidation of the segment reaches all instances', async () => {
    const { get } = await start({ providers: [Rates] });
    const rates = get(Rates);
    expect(await rates.rate('USD')).toBe('USD eu 1');
    rates.region = 'us';
    expect([await rates.rate('USD'), await rates.rate('USD')]).toEqual(['USD us 2', 'USD us 2']);
    expect(await rates.all()).toBe(3);
    await rates.change();
    expect(await rates.rate('USD')).toBe('USD us 4');
    rates.region = 'eu';
    expect(await rates.rate('USD')).toBe('USD eu 5');
    expect(await rates.all()).toBe(6);
  });

  it('of a @CachePut tells which entry it replaces', async () => {
    const { get } = await start({ providers: [Rates] });
    const rates = get(Rates);
    expect(await rates.rate('USD')).toBe('USD eu 1');
    rates.region = 'us';
    await rates.publish('USD');
    expect(await rates.rate('USD')).toBe('USD published');
    rates.region = 'eu';
    expect(await rates.rate('USD')).toBe('USD eu 1');
  });

  it('that gives no text and no number rejects the call', async () => {
    const { get } = await start({ providers: [Rates] });
    const rates = get(Rates);
    rates.region = undefined;
    await expect(rates.rate('USD')).rejects.toMatchObject({
      code: 'CACHE_KEY',
      message:
        'instanceKey of Rates.rate must return a string, a number or a bigint; got undefined.',
    });
  });
});
