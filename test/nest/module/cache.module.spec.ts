import {
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  Cacheable,
  CacheModule,
  type CacheModuleOptions,
  type CacheOptionsFactory,
  CacheService,
  getCacheBackendToken,
  getCacheToken,
  InjectCache,
  MemoryBackend,
} from '../../../lib/index.js';
import type { CacheBackend } from '../../../lib/backend.js';
import { start } from '../http-application.js';

@Injectable()
class Clock {
  calls = 0;
  @Cacheable()
  async read(): Promise<number> {
    this.calls += 1;
    return Promise.resolve(this.calls);
  }
}

describe('CacheModule', () => {
  it('CacheModule gives the default cache as CacheService, everywhere after one import', async () => {
    @Injectable()
    class Deep {
      constructor(
        readonly cache: CacheService,
        @InjectCache() readonly same: CacheService,
      ) {}
    }
    @Module({ providers: [Deep], exports: [Deep] })
    class Feature {}
    const { get } = await start({ imports: [Feature] });
    expect(get(Deep).cache).toBe(get(Deep).same);
    expect(get(Deep).cache.name).toBe('default');
    expect(getCacheToken()).toBe(CacheService);
  });

  it('CacheModule keeps a cache to the modules that import it with isGlobal: false, and decorators still find it', async () => {
    @Injectable()
    class Outside {
      constructor(@Inject(CacheService) readonly cache: CacheService) {}
    }
    @Module({ providers: [Outside] })
    class Feature {}
    await expect(start({ cache: { isGlobal: false }, imports: [Feature] })).rejects.toThrow(
      /CacheService/,
    );

    @Module({ providers: [Clock], exports: [Clock] })
    class Decorated {}
    const { get } = await start({ cache: { isGlobal: false }, imports: [Decorated] });
    expect([await get(Clock).read(), await get(Clock).read()]).toEqual([1, 1]);
  });

  it('CacheModule has several caches side by side, by name', async () => {
    @Injectable()
    class Both {
      constructor(
        readonly cold: CacheService,
        @InjectCache('hot') readonly hot: CacheService,
      ) {}
    }
    const { get } = await start({
      imports: [CacheModule.forRoot({ name: 'hot' })],
      providers: [Both],
    });
    const { cold, hot } = get(Both);
    await hot.set('key', 'hot');
    expect([cold.name, hot.name]).toEqual(['default', 'hot']);
    expect([await cold.get('key'), await hot.get('key')]).toEqual([undefined, 'hot']);
  });

  it.each([
    ['useFactory', { useFactory: () => ({ ttl: '7m' as const }) }],
    [
      'useClass',
      {
        useClass: class implements CacheOptionsFactory {
          createCacheOptions = () => ({ ttl: '7m' as const });
        },
      },
    ],
  ])('takes its options from %s', async (_kind, options) => {
    const { get } = await start({ cache: false, imports: [CacheModule.forRootAsync(options)] });
    const cache = get(CacheService);
    await cache.getOrSet('key', () => 1);
    const { freshUntil, createdAt } = await cache.getOrSetDetailed('key', () => 2);
    expect((freshUntil ?? 0) - (createdAt ?? 0)).toBeGreaterThan(6 * 60_000);
  });

  it('CacheModule takes its options from an existing provider of an imported module', async () => {
    @Injectable()
    class Options implements CacheOptionsFactory {
      async createCacheOptions(): Promise<CacheModuleOptions> {
        return Promise.resolve({ namespace: 'from-existing' });
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}
    const async = CacheModule.forRootAsync({
      name: 'late',
      imports: [OptionsModule],
      useExisting: Options,
    });
    @Injectable()
    class User {
      constructor(@InjectCache('late') readonly cache: CacheService) {}
    }
    const { get } = await start({ cache: false, imports: [async], providers: [User] });
    expect(get(User).cache.name).toBe('late');
  });

  it('CacheModule may take its options from a provider that is itself decorated', async () => {
    @Module({ providers: [Clock], exports: [Clock] })
    class ConfigModule {}
    const async = CacheModule.forRootAsync({
      imports: [ConfigModule],
      inject: [Clock],
      useFactory: async (clock: Clock) => ({ namespace: `n${String(await clock.read())}` }),
    });
    const { get } = await start({ cache: false, imports: [ConfigModule, async] });
    await get(Clock).read();
    const before = get(Clock).calls;
    await get(Clock).read();
    expect(get(Clock).calls).toBe(before);
  });

  it.each<[string, () => ReturnType<typeof CacheModule.forRoot>[], RegExp]>([
    [
      'two caches of one name',
      () => [CacheModule.forRoot(), CacheModule.forRoot()],
      /Two caches .* "default".*forRoot\(\{ name/,
    ],
    [
      'a duration that is none',
      () => [CacheModule.forRoot({ ttl: '5 minutes' as never })],
      /ttl must be a duration.*"5 minutes"/,
    ],
    [
      'an async module without a source',
      () => [CacheModule.forRootAsync({})],
      /needs one of useFactory, useClass and useExisting/,
    ],
    [
      'a name from the factory that differs',
      () => [CacheModule.forRootAsync({ useFactory: () => ({ name: 'other' }) })],
      /name 'other'.*beside the factory/,
    ],
    [
      'a backend that is none',
      () => [CacheModule.forRoot({ backend: {} as never })],
      /backend must be an object with the methods get/,
    ],
  ])('refuses to start with %s', async (_what, imports, message) => {
    const failure = await (async () => start({ cache: false, imports: imports() }))().catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(message) as string,
    });
  });

  it('CacheModule closes the caches it has made when the application does not start', async () => {
    const closed: string[] = [];
    class Watched extends MemoryBackend {
      constructor(readonly label: string) {
        super();
      }
      async close(): Promise<void> {
        closed.push(this.label);
        return Promise.resolve();
      }
    }
    class Same {
      @Cacheable()
      async find(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    const twin = (() => {
      class Same {
        @Cacheable()
        async find(): Promise<number> {
          return Promise.resolve(2);
        }
      }
      return Same;
    })();
    await expect(
      start({ cache: { backend: new Watched('one') }, providers: [Same, twin] }),
    ).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
    });
    expect(closed).toEqual(['one']);
  });

  it('CacheModule closes its caches after the providers that use them have shut down', async () => {
    const story: string[] = [];
    class Watched extends MemoryBackend {
      async close(): Promise<void> {
        story.push('backend closed');
        return Promise.resolve();
      }
    }
    @Injectable()
    class Late implements OnModuleDestroy, OnApplicationShutdown {
      constructor(private readonly cache: CacheService) {}
      async onModuleDestroy(): Promise<void> {
        story.push(`destroy ${await this.cache.getOrSet('key', () => 'made')}`);
      }
      async onApplicationShutdown(): Promise<void> {
        story.push(`shutdown ${String(await this.cache.get('key'))}`);
      }
    }
    const { app } = await start({ cache: { backend: new Watched() }, providers: [Late] });
    await app.close();
    expect(story).toEqual(['destroy made', 'shutdown made', 'backend closed']);
  });

  it('CacheModule lets go of an application whose backend never closes', async () => {
    const backend: CacheBackend = {
      get: async () => Promise.resolve(undefined),
      set: async () => Promise.resolve(),
      close: () => new Promise(() => undefined),
    };
    const { app } = await start({ cache: { backend } });
    await app.close();
  });

  it('CacheModule lets a test put another backend in place', async () => {
    const kept = new Map<string, Uint8Array>();
    const backend: CacheBackend = {
      get: async (key) => Promise.resolve(kept.get(key)),
      set: async (key, bytes) => Promise.resolve(kept.set(key, bytes)),
    };
    const app = await Test.createTestingModule({ imports: [CacheModule.forRoot()] })
      .overrideProvider(getCacheBackendToken())
      .useValue(backend)
      .compile();
    onTestFinished(() => app.close());
    await app.init();
    await app.get(CacheService).getOrSet('key', () => 1);
    await app.get(CacheService).drain();
    expect(kept.size).toBeGreaterThan(0);
  });

  it('CacheModule goes on in one application when another with the same classes is closed', async () => {
    const one = await start({ providers: [Clock] });
    const two = await start({ providers: [Clock] });
    await two.app.close();
    expect([await one.get(Clock).read(), await one.get(Clock).read()]).toEqual([1, 1]);
  });

  it('CacheModule warns once of a method whose cache does not exist, and runs it', async () => {
    @Injectable()
    class Elsewhere {
      @Cacheable({ cache: 'nowhere' })
      async find(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    const { get, lines } = await start({ providers: [Elsewhere] });
    expect([await get(Elsewhere).find(), await get(Elsewhere).find()]).toEqual([1, 1]);
    expect(lines.warnings).toEqual([
      expect.stringMatching(
        /no cache 'nowhere'.*there is 'default'.*forRoot\(\{ name: 'nowhere' \}\)/,
      ),
    ]);
  });
});
