// What must compile and what must not: checked by tsc, never run.
import { Controller } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { Cacheable, CacheEvict, CacheKey, CachePut, CacheTTL, NoCache } from '../../lib/index.js';

interface Entry {
  readonly id: number;
  readonly account: string;
}

/** Compiles only when the two types are the same; `any` is the same as nothing but itself. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const same = <A, B>(_same: Same<A, B>): void => undefined;

/** `any`, as untyped libraries give it. */
type Untyped = ReturnType<typeof JSON.parse>;

export class Right {
  @Cacheable()
  async plain(): Promise<number> {
    return 1;
  }

  @Cacheable()
  stream(): Observable<Entry> {
    throw new Error();
  }

  @Cacheable()
  either(): Promise<Entry> | Observable<Entry> {
    throw new Error();
  }

  // Nothing is known of these results, so nothing is refused.
  @Cacheable({ tags: (id) => [String(id)] })
  async untyped(_id: number): Promise<Untyped> {
    return undefined;
  }

  @Cacheable()
  untypedStream(): Observable<Untyped> {
    throw new Error();
  }

  @CachePut({ key: 'k' })
  async saveUntyped(): Promise<Untyped> {
    return undefined;
  }

  @Cacheable()
  async notYet(): Promise<never> {
    throw new Error();
  }

  @Cacheable()
  async perhaps(): Promise<Entry | undefined> {
    return undefined;
  }

  // Callbacks get the types of the method without an annotation.
  @Cacheable({
    ttl: (entries) => {
      same<typeof entries, Entry[]>(true);
      return entries.length > 0 ? '1m' : '1s';
    },
    tags: (tenant, page) => {
      same<[typeof tenant, typeof page], [string, number]>(true);
      return [`${tenant} ${page}`];
    },
    resultTags: (entries, tenant, page) => {
      same<typeof entries, Entry[]>(true);
      same<[typeof tenant, typeof page], [string, number]>(true);
      return entries.map((entry) => `${entry.account} ${tenant} ${page}`);
    },
    key: (key, tenant, page) => key.tenant(tenant).param('page', page.toFixed()),
    when: (_tenant, page) => page < 100,
    unless: (entries) => entries.length === 0,
    staleWhileRevalidate: '5m',
    staleIfError: 1_000,
    staleIfErrorWhen: (error) => error instanceof Error,
    refreshAhead: 'xfetch',
    producerTimeout: { soft: '1s' },
    codec: 'cbor',
  })
  async list(_tenant: string, _page: number): Promise<Entry[]> {
    return [];
  }

  @Cacheable({
    ttl: (value: Entry[]) => value.length,
    tags: (tenant: string) => [tenant],
    unless: (entries: readonly Entry[]) => entries.length === 0,
  })
  async annotated(_tenant: string, _page: number): Promise<Entry[]> {
    return [];
  }

  @Cacheable({
    tags: (id) => [typeof id === 'string' ? id : 'none'],
    unless: (value) => value === null,
  })
  async optional(_id?: string): Promise<Entry | null> {
    return null;
  }

  @Cacheable({ tags: (...ids) => ids.map(String) })
  async rest(..._ids: number[]): Promise<number> {
    return 1;
  }

  @CacheKey((key, tenant, page) => key.tenant(tenant).segment('entries').param('page', page))
  @Cacheable()
  async keyed(_tenant: string, _page: number): Promise<Entry[]> {
    return [];
  }

  @CacheKey('fixed')
  @CacheTTL('1m')
  @Cacheable()
  async fixed(): Promise<number> {
    return 1;
  }

  @NoCache()
  @Cacheable()
  async never(): Promise<number> {
    return 1;
  }

  @CachePut({
    key: (key, entry) => key.segment('entry').param('id', entry.id),
    tags: (entry) => [entry.account],
    resultTags: (saved, given) => [saved.account, given.account],
  })
  async save(entry: Entry): Promise<Entry> {
    return entry;
  }

  @CacheEvict({
    tags: (entry) => [entry.account],
    tenant: (entry) => entry.id,
    segment: 'entries',
    timing: 'both',
    when: (entry) => entry.id > 0,
  })
  @CacheEvict({
    keys: (entry) => [
      String(entry.id),
      CacheKey.builder().segment('entry').param('id', entry.id).build(),
    ],
  })
  @CacheEvict({ allEntries: true })
  async post(_entry: Entry): Promise<void> {}

  @CacheEvict({ key: (key, id) => key.segment('entry').param('id', id) })
  remove(_id: number): Observable<void> {
    throw new Error();
  }

  @Cacheable()
  private async hidden(): Promise<number> {
    return 1;
  }

  calls(): Promise<number> {
    return this.hidden();
  }

  @Cacheable({ tags: (value) => [value] })
  async generic<T extends string>(value: T): Promise<T> {
    return value;
  }
}

@Cacheable({ ttl: '1m', http: { query: ['page'] } })
@CacheTTL(1_000)
@Controller()
export class Routes {
  @CacheKey('rates')
  @CacheTTL(1_000)
  rates(): number {
    return 1;
  }
}

@NoCache()
@Controller()
export class Uncached {}

export const built = CacheKey.builder().segment('a').build();
export const isKey: boolean = built instanceof CacheKey;
export const text: string = (built satisfies CacheKey).toString();

export class Wrong {
  // @ts-expect-error a synchronous method cannot be answered from a cache
  @Cacheable()
  sync(): number {
    return 1;
  }

  // @ts-expect-error nor can an accessor
  @Cacheable()
  get size(): number {
    return this.sync();
  }

  // @ts-expect-error nor a property
  @Cacheable()
  property = async (): Promise<number> => 1;

  // @ts-expect-error nor a static method
  @Cacheable()
  static async shared(): Promise<number> {
    return 1;
  }

  // @ts-expect-error there is no result to keep
  @Cacheable()
  async nothing(): Promise<void> {}

  // @ts-expect-error there is no result to keep
  @Cacheable()
  noStream(): Observable<void> {
    throw new Error();
  }

  // @ts-expect-error there is no result to keep
  @CachePut({ key: (key) => key.segment('a') })
  async putNothing(): Promise<undefined> {}

  // @ts-expect-error the method takes a string
  @Cacheable({ tags: (id: number) => [String(id)] })
  async tags(id: string): Promise<string> {
    return id;
  }

  // @ts-expect-error the method has one argument
  @Cacheable({ key: (key, id: string, page: number) => key.param(id, page) })
  async key(id: string): Promise<string> {
    return id;
  }

  // @ts-expect-error the method takes a string
  @CacheKey((key, id: number) => key.param('id', id))
  @Cacheable()
  async decoratedKey(id: string): Promise<string> {
    return id;
  }

  // @ts-expect-error the method takes a string
  @Cacheable({ when: (id: number) => id > 0 })
  async when(id: string): Promise<string> {
    return id;
  }

  // @ts-expect-error the method gives a string
  @Cacheable({ unless: (result: number) => result > 0 })
  async unless(): Promise<string> {
    return '';
  }

  // @ts-expect-error the method may give null
  @Cacheable({ unless: (result: string) => result === '' })
  async unlessNull(): Promise<string | null> {
    return '';
  }

  // @ts-expect-error the method gives a string
  @Cacheable({ resultTags: (result: Entry) => [result.account] })
  async resultTags(): Promise<string> {
    return '';
  }

  // @ts-expect-error the method gives a string
  @Cacheable({ ttl: (value: Entry[]) => value.length })
  async ttl(): Promise<string> {
    return '';
  }

  @CachePut({
    key: (key) => key.segment('a'),
    // @ts-expect-error the method gives one entry
    resultTags: (saved: Entry[]) => saved.map(({ account }) => account),
  })
  async put(entry: Entry): Promise<Entry> {
    return entry;
  }

  // @ts-expect-error the method takes an entry
  @CacheEvict({ tags: (account: string) => [account] })
  async evict(_entry: Entry): Promise<void> {}

  // @ts-expect-error the entry has no such member
  @CacheEvict({ when: (entry) => 'id' in entry && entry.nid === 1 })
  async misspelt(_entry: Entry): Promise<void> {}

  // @ts-expect-error a synchronous method cannot wait for the acknowledgement
  @CacheEvict({ tags: ['a'] })
  evictSync(): void {}

  // @ts-expect-error no such timing
  @CacheEvict({ tags: ['a'], timing: 'after' })
  async timing(): Promise<void> {}

  // @ts-expect-error no such option
  @Cacheable({ ttll: '1m' })
  async option(): Promise<number> {
    return 1;
  }

  // @ts-expect-error not a duration
  @Cacheable({ ttl: '5 minutes' })
  async duration(): Promise<number> {
    return 1;
  }

  // @ts-expect-error not a duration
  @CacheTTL('soon')
  async soon(): Promise<number> {
    return 1;
  }

  // @ts-expect-error a callback cannot be asynchronous: the key is needed at once
  @CacheKey(async (key) => key.segment('a'))
  @Cacheable()
  async asyncKey(): Promise<number> {
    return 1;
  }
}
