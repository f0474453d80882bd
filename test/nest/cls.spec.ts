import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ClsModule, ClsModuleOptions, ClsService } from 'nestjs-cls';
import { describe, expect, it } from 'vitest';
import { Cacheable, CacheEvict, CacheKey, CacheModule, CacheService } from '../../lib/index.js';

const store = new AsyncLocalStorage<{ tenant: string; user: string }>();

abstract class Who {
  abstract tenant(): string;
  abstract user(): string;
  abstract as<T>(tenant: string, user: string, task: () => Promise<T>): Promise<T>;
}

@Injectable()
class Entries {
  readonly runs: string[] = [];
  constructor(readonly who: Who) {}

  @Cacheable({ tags: ['entries'] })
  async list(page: number): Promise<string> {
    this.runs.push(this.who.tenant());
    return `page ${String(page)} of ${this.who.tenant()}`;
  }

  @Cacheable()
  @CacheKey((key, user) => key.param('principal', user))
  async drafts(user: string): Promise<string> {
    return `drafts of ${user} in ${this.who.tenant()}`;
  }

  @CacheEvict({ tags: ['entries'] })
  async post(): Promise<void> {}
}
@Injectable()
class StorageWho extends Who {
  tenant = (): string => store.getStore()?.tenant ?? 'nobody';
  user = (): string => store.getStore()?.user ?? 'nobody';
  as = <T>(tenant: string, user: string, task: () => Promise<T>): Promise<T> =>
    store.run({ tenant, user }, task);
}
@Injectable()
class ClsWho extends Who {
  constructor(readonly cls: ClsService) {
    super();
  }
  tenant = (): string => this.cls.get<string>('tenant');
  user = (): string => this.cls.get<string>('user');
  as = <T>(tenant: string, user: string, task: () => Promise<T>): Promise<T> =>
    this.cls.run(() => {
      this.cls.set('tenant', tenant);
      this.cls.set('user', user);
      return task();
    });
}

const ways: Record<string, ModuleMetadata> = {
  'nestjs-cls': {
    imports: [
      ClsModule.forRoot(Object.assign(new ClsModuleOptions(), { global: true })),
      CacheModule.forRootAsync({
        inject: [ClsService],
        useFactory: (cls: ClsService) => ({
          tenancy: 'required',
          tenant: () => cls.get<string | undefined>('tenant'),
          jitter: 0,
        }),
      }),
    ],
    providers: [{ provide: Who, useClass: ClsWho }],
  },
  AsyncLocalStorage: {
    imports: [
      CacheModule.forRoot({
        tenancy: 'required',
        tenant: () => store.getStore()?.tenant,
        jitter: 0,
      }),
    ],
    providers: [{ provide: Who, useClass: StorageWho }],
  },
};

describe.each(Object.entries(ways))('the tenant by %s', (_, { imports = [], providers = [] }) => {
  it('the tenant is in every key and every invalidation, though no method names it', async () => {
    const app = await Test.createTestingModule({
      imports,
      providers: [...providers, Entries],
    }).compile();
    await app.init();
    try {
      const [entries, who] = [app.get(Entries), app.get(Who)];
      const list = (tenant: string): Promise<string> =>
        who.as(tenant, 'ann', () => entries.list(1));
      for (let i = 0; i < 2; i++) {
        expect(await Promise.all([list('acme'), list('zeta')])).toEqual([
          'page 1 of acme',
          'page 1 of zeta',
        ]);
      }
      expect(entries.runs).toEqual(['acme', 'zeta']);
      await who.as('acme', 'ann', () => entries.post());
      await Promise.all([list('acme'), list('zeta')]);
      expect(entries.runs).toEqual(['acme', 'zeta', 'acme']);
      const drafts = (tenant: string, user: string): Promise<string> =>
        who.as(tenant, user, () => entries.drafts(who.user()));
      expect(await drafts('acme', 'ann')).toBe('drafts of ann in acme');
      expect(await drafts('zeta', 'ann')).toBe('drafts of ann in zeta');
      expect(await drafts('acme', 'bob')).toBe('drafts of bob in acme');
      await expect(entries.list(1), 'outside of any tenant').rejects.toMatchObject({
        code: 'CACHE_CONFIG',
      });
      expect(app.get(CacheService).stats().flights).toBe(0);
    } finally {
      await app.close();
    }
  });
});
