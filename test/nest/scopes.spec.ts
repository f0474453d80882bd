import {
  Global,
  Inject,
  Injectable,
  Module,
  type OnModuleInit,
  Scope,
  forwardRef,
} from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef, REQUEST } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { CacheService } from '../../lib/core/cache.js';
import { CacheModule } from '../../lib/nest/module/cache.module.js';
import { Cacheable } from '../../lib/nest/decorators/cacheable.js';
import { CacheEvict } from '../../lib/nest/decorators/cache-evict.js';
import { getCacheToken } from '../../lib/nest/module/tokens.js';
import { logged, start, using } from './support.js';

@Injectable()
class Ledger {
  runs = 0;

  @Cacheable()
  async list(page: number): Promise<string> {
    this.runs++;
    await Promise.resolve();
    return `page ${page}`;
  }
}

describe('a decorated provider', () => {
  it('a decorated provider runs once for each set of arguments', async () => {
    await using({ providers: [Ledger] }, async ({ app, log }) => {
      const ledger = app.get(Ledger);
      expect([await ledger.list(1), await ledger.list(1), await ledger.list(2)]).toEqual([
        'page 1',
        'page 1',
        'page 2',
      ]);
      expect(ledger.runs).toBe(2);
      expect(log.lines).toEqual([]);
    });
  });

  it('a decorated provider runs once for twenty callers at a time', async () => {
    await using({ providers: [Ledger] }, async ({ app }) => {
      const ledger = app.get(Ledger);
      await Promise.all(Array.from({ length: 20 }, () => ledger.list(1)));
      expect(ledger.runs).toBe(1);
    });
  });

  it('a decorated provider shares nothing between two applications at once', async () => {
    const [one, two] = [await start({ providers: [Ledger] }), await start({ providers: [Ledger] })];
    try {
      await one.app.get(Ledger).list(1);
      await two.app.get(Ledger).list(1);
      expect([one.app.get(Ledger).runs, two.app.get(Ledger).runs]).toEqual([1, 1]);
      await one.app.get(CacheService).clear();
      await one.app.get(Ledger).list(1);
      await two.app.get(Ledger).list(1);
      expect([one.app.get(Ledger).runs, two.app.get(Ledger).runs]).toEqual([2, 1]);
    } finally {
      await one.app.close();
      await two.app.get(Ledger).list(1);
      expect(two.app.get(Ledger).runs).toBe(1);
      await two.app.close();
    }
  });

  it('a decorated provider finds its cache by name', async () => {
    @Injectable()
    class Reports {
      runs = 0;

      @Cacheable({ cache: 'reports' })
      async monthly(): Promise<number> {
        return ++this.runs;
      }
    }
    await using(
      { imports: [CacheModule.forRoot({ name: 'reports' })], providers: [Reports, Ledger] },
      async ({ app }) => {
        await app.get(Reports).monthly();
        await app.get(Reports).monthly();
        await app.get(Ledger).list(1);
        expect(app.get<CacheService>(getCacheToken('reports')).stats()).toMatchObject({
          cache_hits: 1,
          cache_misses: 1,
        });
        expect(app.get(CacheService).stats()).toMatchObject({ cache_hits: 0, cache_misses: 1 });
      },
    );
  });

  it('a decorated provider is cached when it calls itself, and when a private method is called', async () => {
    @Injectable()
    class Selfish {
      runs = 0;

      async twice(): Promise<number[]> {
        return [await this.find(), await this.find()];
      }

      @Cacheable()
      private async find(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Selfish] }, async ({ app }) => {
      expect(await app.get(Selfish).twice()).toEqual([1, 1]);
    });
  });

  it('a decorated provider is cached by a decorated method of its own that calls another', async () => {
    @Injectable()
    class Nested {
      runs = 0;

      @Cacheable()
      async outer(): Promise<number> {
        return (await this.inner()) + (await this.inner());
      }

      @Cacheable()
      async inner(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Nested] }, async ({ app }) => {
      expect([
        await app.get(Nested).outer(),
        await app.get(Nested).outer(),
        await app.get(Nested).inner(),
      ]).toEqual([2, 2, 1]);
    });
  });

  it('a decorated provider is cached across requests when it is request-scoped, with a warning about its key', async () => {
    const runs: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @Cacheable()
      async find(id: number): Promise<number> {
        runs.push(this);
        return id;
      }
    }
    await using({ providers: [Scoped] }, async ({ app, log }) => {
      const [one, two] = [await app.resolve(Scoped), await app.resolve(Scoped)];
      expect(one).not.toBe(two);
      await one.find(1);
      await two.find(1);
      await two.find(2);
      expect(runs).toEqual([one, two]);
      expect(log.lines).toHaveLength(1);
      expect(log.lines[0]).toContain('Scoped.find belongs to a request-scoped or durable provider');
      expect(log.lines[0]).toContain('@CacheKey');
    });
  });

  it('a decorated provider is cached when it is transient', async () => {
    let runs = 0;
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @Cacheable()
      async find(): Promise<number> {
        return ++runs;
      }
    }
    @Injectable()
    class Left {
      constructor(readonly inner: Transient) {}
    }
    @Injectable()
    class Right {
      constructor(readonly inner: Transient) {}
    }
    await using({ providers: [Transient, Left, Right] }, async ({ app }) => {
      const [left, right] = [app.get(Left).inner, app.get(Right).inner];
      expect(left).not.toBe(right);
      expect([await left.find(), await right.find()]).toEqual([1, 1]);
    });
  });

  it('a decorated provider is cached when it is durable', async () => {
    let runs = 0;
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable {
      constructor(@Inject(REQUEST) readonly payload: unknown) {}

      @Cacheable()
      async find(): Promise<number> {
        return ++runs;
      }
    }
    await using({ providers: [Durable] }, async ({ app }) => {
      const contextId = ContextIdFactory.create();
      const durable = await app.resolve(Durable, contextId);
      expect([await durable.find(), await durable.find()]).toEqual([1, 1]);
    });
  });

  it('a decorated provider may belong to a circle of providers', async () => {
    @Injectable()
    class Hen {
      runs = 0;
      constructor(@Inject(forwardRef(() => Egg)) readonly egg: unknown) {}

      @Cacheable()
      async lay(): Promise<number> {
        return ++this.runs;
      }
    }
    @Injectable()
    class Egg {
      runs = 0;
      constructor(@Inject(forwardRef(() => Hen)) readonly hen: Hen) {}

      @Cacheable()
      async hatch(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Hen, Egg] }, async ({ app }) => {
      const [hen, egg] = [app.get(Hen), app.get(Egg)];
      expect(hen.egg).toBe(egg);
      expect([await hen.lay(), await hen.lay(), await egg.hatch(), await egg.hatch()]).toEqual([
        1, 1, 1, 1,
      ]);
    });
  });

  it('a decorated provider is cached when a factory of the user makes it', async () => {
    await using(
      { providers: [{ provide: Ledger, useFactory: () => new Ledger() }] },
      async ({ app }) => {
        await app.get(Ledger).list(1);
        await app.get(Ledger).list(1);
        expect(app.get(Ledger).runs).toBe(1);
      },
    );
  });

  it('a decorated provider is cached when it is given as a value', async () => {
    const ledger = new Ledger();
    await using({ providers: [{ provide: 'ledger', useValue: ledger }] }, async () => {
      await ledger.list(1);
      await ledger.list(1);
      expect(ledger.runs).toBe(1);
    });
  });

  it('a decorated provider made with new runs uncached, with one warning', async () => {
    @Injectable()
    class Alone {
      runs = 0;

      @Cacheable()
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    const alone = new Alone();
    const lines = await logged(async () => {
      expect([await alone.find(), await alone.find(), await new Alone().find()]).toEqual([1, 2, 1]);
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^warn: .*Alone\.find .*CacheModule\.forRoot\(\)/);
  });

  it('a decorated provider simply runs in an application without a CacheModule, with one warning', async () => {
    @Injectable()
    class Uncached {
      runs = 0;

      @Cacheable()
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    await using(
      { providers: [Uncached] },
      async ({ app, log }) => {
        expect([await app.get(Uncached).find(), await app.get(Uncached).find()]).toEqual([1, 2]);
        expect(log.lines).toHaveLength(1);
        expect(log.lines[0]).toMatch(/^warn: .*Uncached\.find .*CacheModule\.forRoot\(\)/);
      },
      false,
    );
  });

  it('a decorated provider simply runs when the application has no cache of that name, with one warning', async () => {
    @Injectable()
    class Astray {
      runs = 0;

      @Cacheable({ cache: 'nowhere' })
      async find(): Promise<number> {
        return ++this.runs;
      }
    }
    await using({ providers: [Astray] }, async ({ app, log }) => {
      expect([await app.get(Astray).find(), await app.get(Astray).find()]).toEqual([1, 2]);
      expect(log.lines).toHaveLength(1);
      expect(log.lines[0]).toContain(
        "Astray.find is not cached: there is no cache 'nowhere' in this application (there is 'default')",
      );
      expect(log.lines[0]).toContain("CacheModule.forRoot({ name: 'nowhere' })");
    });
  });

  it('a decorated provider is cached when ModuleRef.create makes it', async () => {
    await using({}, async ({ app }) => {
      const ledger = await app.get(ModuleRef).create(Ledger);
      await ledger.list(1);
      await ledger.list(1);
      expect(ledger.runs).toBe(1);
    });
  });

  it('a decorated provider is cached in a lazily loaded module', async () => {
    @Module({ providers: [Ledger], exports: [Ledger] })
    class LazyModule {}
    await using({}, async ({ app }) => {
      const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
      const ledger = lazy.get(Ledger);
      await ledger.list(1);
      await ledger.list(1);
      expect(ledger.runs).toBe(1);
    });
  });

  it('a decorated provider is cached within onModuleInit of another module', async () => {
    @Global()
    @Module({ providers: [Ledger], exports: [Ledger] })
    class LedgerModule {}
    @Module({})
    class EarlyModule implements OnModuleInit {
      constructor(readonly ledger: Ledger) {}

      async onModuleInit(): Promise<void> {
        await this.ledger.list(1);
        await this.ledger.list(1);
      }
    }
    await using({ imports: [EarlyModule, LedgerModule] }, async ({ app }) => {
      expect(app.get(Ledger).runs).toBe(1);
    });
  });

  it('a decorated provider shows nothing of the cache in its own properties', async () => {
    await using({ providers: [Ledger] }, async ({ app }) => {
      const ledger = app.get(Ledger);
      await ledger.list(1);
      expect(Object.keys(ledger)).toEqual(['runs']);
      expect(JSON.stringify(ledger)).toBe('{"runs":1}');
      expect(Reflect.ownKeys(Object.assign({}, ledger))).toEqual(['runs']);
      expect(ledger.list.name).toBe('list');
      expect(ledger.list).toHaveLength(1);
      const prototype = Object.getOwnPropertyNames(Ledger.prototype);
      expect(prototype).toEqual(['constructor', 'list']);
    });
  });

  it('a decorated provider is cached when the instance takes nothing new: frozen, sealed, by itself or by its factory', async () => {
    let runs = 0;
    @Injectable()
    class Open {
      @Cacheable()
      async find(): Promise<number> {
        return ++runs;
      }
    }
    @Injectable()
    class Frozen extends Open {
      constructor() {
        super();
        Object.freeze(this);
      }
    }
    @Injectable()
    class Sealed extends Open {
      constructor() {
        super();
        Object.seal(this);
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Closed extends Open {
      constructor() {
        super();
        Object.preventExtensions(this);
      }
    }
    const factory = { provide: Open, useFactory: () => Object.freeze(new Open()) };
    await using({ providers: [Frozen, Sealed, Closed, factory] }, async ({ app }) => {
      const found = [app.get(Frozen), app.get(Sealed), app.get(Open), await app.resolve(Closed)];
      const values = [];
      for (const instance of [...found, ...found]) values.push(await instance.find());
      expect(values).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
      expect(Reflect.ownKeys(found[0] as object)).toEqual([]);
    });
  });
});

describe('inheritance', () => {
  abstract class Repository {
    readonly loads: string[] = [];

    @Cacheable()
    async find(id: number): Promise<string> {
      return this.load(id);
    }

    protected load(id: number): string {
      const row = `${this.constructor.name} ${id}`;
      this.loads.push(row);
      return row;
    }
  }
  @Injectable()
  class Users extends Repository {}
  @Injectable()
  class Orders extends Repository {}

  it('inheritance keeps two classes with one inherited method apart', async () => {
    await using({ providers: [Users, Orders] }, async ({ app }) => {
      const [users, orders] = [app.get(Users), app.get(Orders)];
      expect([await users.find(1), await orders.find(1), await users.find(1)]).toEqual([
        'Users 1',
        'Orders 1',
        'Users 1',
      ]);
      expect([users.loads, orders.loads]).toEqual([['Users 1'], ['Orders 1']]);
    });
  });

  it('inheritance leaves the property injection of a child alone', async () => {
    @Injectable()
    class Child extends Repository {
      @Inject('prefix') readonly prefix: string = '';

      protected override load(id: number): string {
        return `${this.prefix} ${super.load(id)}`;
      }
    }
    await using({ providers: [Child, { provide: 'prefix', useValue: 'a' }] }, async ({ app }) => {
      const child = app.get(Child);
      expect([await child.find(1), await child.find(1)]).toEqual(['a Child 1', 'a Child 1']);
      expect(child.loads).toHaveLength(1);
    });
  });

  it('inheritance does not cache an override without a decorator', async () => {
    @Injectable()
    class Overriding extends Repository {
      runs = 0;

      override async find(id: number): Promise<string> {
        this.runs++;
        return `own ${id}`;
      }
    }
    await using({ providers: [Overriding] }, async ({ app }) => {
      await app.get(Overriding).find(1);
      await app.get(Overriding).find(1);
      expect(app.get(Overriding).runs).toBe(2);
    });
  });

  it('inheritance caches what an override without a decorator gets from super', async () => {
    @Injectable()
    class Calling extends Repository {
      override async find(id: number): Promise<string> {
        return `own ${await super.find(id)}`;
      }
    }
    await using({ providers: [Calling] }, async ({ app }) => {
      const calling = app.get(Calling);
      expect([await calling.find(1), await calling.find(1)]).toEqual([
        'own Calling 1',
        'own Calling 1',
      ]);
      expect(calling.loads).toHaveLength(1);
    });
  });

  it('inheritance keeps a decorated override and the method of super apart', async () => {
    @Injectable()
    class Both extends Repository {
      @Cacheable()
      override async find(id: number): Promise<string> {
        return `own ${await super.find(id)}`;
      }
    }
    await using({ providers: [Both] }, async ({ app }) => {
      const both = app.get(Both);
      expect([await both.find(1), await both.find(1)]).toEqual(['own Both 1', 'own Both 1']);
      expect(both.loads).toHaveLength(1);
    });
  });

  it('inheritance lets a child evict what its parent caches', async () => {
    @Injectable()
    class Evicting extends Repository {
      @CacheEvict({ segment: 'Evicting.find' })
      async change(): Promise<void> {}
    }
    await using({ providers: [Evicting] }, async ({ app }) => {
      const evicting = app.get(Evicting);
      await evicting.find(1);
      await evicting.change();
      await evicting.find(1);
      expect(evicting.loads).toHaveLength(2);
    });
  });
});

describe('two classes of one name', () => {
  const ledger = (): new () => { find(): Promise<number> } => {
    @Injectable()
    class Twin {
      @Cacheable()
      async find(): Promise<number> {
        return 1;
      }
    }
    return Twin;
  };

  it('two classes of one name do not start, because their keys could not be told apart', async () => {
    await expect(start({ providers: [ledger(), ledger()] })).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringMatching(
        /Twin.*could not be told apart.*@Cacheable\(\{ name: '\.\.\.' \}\)/s,
      ) as string,
    });
  });

  it('a class may be a provider of two modules', async () => {
    @Module({ providers: [Ledger] })
    class A {}
    @Module({ providers: [Ledger] })
    class B {}
    await using({ imports: [A, B] }, async () => {});
  });
});

describe('two methods of one class with one name', () => {
  it('two methods of one class with one name do not start', async () => {
    @Injectable()
    class Confused {
      @Cacheable({ name: 'users' })
      async byId(id: number): Promise<number> {
        return id;
      }

      @Cacheable({ name: 'users' })
      async byAge(age: number): Promise<number[]> {
        return [age];
      }
    }
    await expect(start({ providers: [Confused] })).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
      message: expect.stringContaining('"users"') as string,
    });
  });
});
