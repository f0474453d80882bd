import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import { eq } from 'drizzle-orm';
import { DataSource, EntitySchema, EntitySchemaOptions } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CacheService, createCache } from '../../lib/index.js';
import { freePort } from '../support/redis.js';

/** What a unit of work needs of an ORM; `tx` is what the work reads and writes by. */
interface Orm {
  transaction<T>(work: (tx: Accounts) => Promise<T>): Promise<T>;
  readonly accounts: Accounts;
}

interface Accounts {
  balance(name: string): Promise<number>;
  add(name: string, cents: number): Promise<void>;
}

let database: PGlite;
let server: PGLiteSocketServer;
let source: DataSource;
const orms: Record<string, () => Orm> = {};

beforeAll(async () => {
  database = await PGlite.create();
  await database.exec("CREATE TABLE account (name text PRIMARY KEY, cents integer NOT NULL); INSERT INTO account VALUES ('rent', 0)");
  const port = await freePort();
  server = new PGLiteSocketServer({ db: database, port, host: '127.0.0.1', maxConnections: 4 });
  await server.start();
  source = await new DataSource({
    type: 'postgres',
    host: '127.0.0.1',
    port,
    username: 'postgres',
    entities: [Account],
    poolSize: 1,
  }).initialize();
}, 60_000);
afterAll(async () => {
  await source.destroy();
  await server.stop();
  await database.close();
});

const Account = new EntitySchema<{ name: string; cents: number }>(
  Object.assign(new EntitySchemaOptions<{ name: string; cents: number }>(), {
    name: 'account',
    columns: { name: { type: 'text', primary: true }, cents: { type: 'integer' } },
  }),
);
type Manager = Pick<DataSource['manager'], 'findOneByOrFail' | 'increment'>;

orms.TypeORM = () => {
  const accounts = (manager: Manager): Accounts => ({
    balance: async (name) => (await manager.findOneByOrFail(Account, { name })).cents,
    add: async (name, cents) => {
      await manager.increment(Account, { name }, 'cents', cents);
    },
  });
  return { accounts: accounts(source.manager), transaction: (work) => source.transaction((manager) => work(accounts(manager))) };
};

const account = pgTable('account', { name: text('name').primaryKey(), cents: integer('cents').notNull() });

orms.Drizzle = () => {
  const db = drizzle(database);
  const accounts = (tx: Pick<typeof db, 'select' | 'update'>): Accounts => {
    const balance = async (name: string): Promise<number> => {
      const rows = await tx.select().from(account).where(eq(account.name, name));
      return rows[0]?.cents ?? 0;
    };
    return {
      balance,
      add: async (name, cents) => {
        await tx
          .update(account)
          .set({ cents: (await balance(name)) + cents })
          .where(eq(account.name, name));
      },
    };
  };
  return { accounts: accounts(db), transaction: (work) => db.transaction((tx) => work(accounts(tx))) };
};

describe.each(['TypeORM', 'Drizzle'])('a unit of work around a transaction of %s', (name) => {
  let orm: Orm;
  let cache: CacheService;

  beforeEach(async () => {
    orm = (orms[name] as () => Orm)();
    await database.exec('UPDATE account SET cents = 100');
    cache = createCache({ jitter: 0 });
    return () => cache.close();
  });

  const balance = (by: Accounts): Promise<number> => cache.getOrSet('balance', () => by.balance('rent'), { tags: ['account:rent'] });
  const post = (cents: number, then: () => void = () => undefined): Promise<number> =>
    cache.unitOfWork(() =>
      orm.transaction(async (tx) => {
        await tx.add('rent', cents);
        await cache.invalidate({ tags: ['account:rent'] });
        const seen = await balance(tx);
        expect(await cache.unitOfWork(() => balance(tx)), 'a unit inside is part of it').toBe(seen);
        then();
        return seen;
      }),
    );

  it('shows the work its own writes, and everybody else after the commit', async () => {
    expect(await balance(orm.accounts)).toBe(100);
    expect(await post(5)).toBe(105);
    expect(await balance(orm.accounts)).toBe(105);
  });

  it('leaves nothing of a transaction that was rolled back', async () => {
    expect(await balance(orm.accounts)).toBe(100);
    const failing = post(5, () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await orm.accounts.balance('rent')).toBe(100);
    expect(await cache.get('balance'), 'still the entry of before').toBe(100);
    expect(cache.stats().cache_invalidations).toBe(0);
  });

  it('stores nothing that was read inside, before the invalidation as well', async () => {
    const failing = cache.unitOfWork(() =>
      orm.transaction(async (tx) => {
        await tx.add('rent', 5);
        expect(await balance(tx)).toBe(105);
        throw new Error('no');
      }),
    );
    await expect(failing).rejects.toThrow('no');
    expect(await balance(orm.accounts)).toBe(100);
  });
});
