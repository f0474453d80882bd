import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { eq, sql } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { DataSource, EntitySchema, EntitySchemaOptions } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CacheService, createCache } from '../../lib/index.js';
import { freePort } from '../support/redis.js';
import { inTransaction } from './in-transaction.js';

/** What a unit of work needs of an ORM; `tx` is what the work reads and writes by. */
interface Orm {
  transaction<T>(cache: CacheService, work: (tx: Accounts) => Promise<T>): Promise<T>;
  readonly accounts: Accounts;
  end(): Promise<void>;
}

interface Accounts {
  balance(name: string): Promise<number>;
  add(name: string, cents: number): Promise<void>;
}

const TABLE = `cache_account_${String(process.pid)}`;
const Account = new EntitySchema<{ name: string; cents: number }>(
  Object.assign(new EntitySchemaOptions<{ name: string; cents: number }>(), {
    name: 'account',
    tableName: TABLE,
    columns: { name: { type: 'text', primary: true }, cents: { type: 'integer' } },
  }),
);
type Manager = Pick<DataSource['manager'], 'findOneByOrFail' | 'increment'>;

async function openTypeOrm(url: string): Promise<Orm> {
  const source = await new DataSource({
    type: 'postgres',
    url,
    entities: [Account],
    poolSize: 1,
  }).initialize();
  const accounts = (manager: Manager): Accounts => ({
    balance: async (name) => (await manager.findOneByOrFail(Account, { name })).cents,
    add: async (name, cents) => {
      await manager.increment(Account, { name }, 'cents', cents);
    },
  });
  return {
    accounts: accounts(source.manager),
    transaction: (cache, work) =>
      inTransaction(
        cache,
        (run) => source.transaction(run),
        (manager: Manager) => work(accounts(manager)),
      ),
    end: () => source.destroy(),
  };
}

const account = pgTable(TABLE, {
  name: text('name').primaryKey(),
  cents: integer('cents').notNull(),
});

async function openDrizzle(url: string): Promise<Orm> {
  const pool = new Pool({ connectionString: url, max: 1 });
  // A connection that breaks in use says so twice: to its query, and to whoever listens to it.
  pool.on('error', () => undefined).on('connect', (client) => client.on('error', () => undefined));
  const db = drizzle(pool);
  await db.execute('SELECT 1');
  type Reading = Pick<typeof db, 'select' | 'update'>;
  const accounts = (tx: Reading): Accounts => ({
    balance: async (name) =>
      (await tx.select().from(account).where(eq(account.name, name)))[0]?.cents ?? 0,
    add: async (name, cents) => {
      await tx
        .update(account)
        .set({ cents: sql`${account.cents} + ${cents}` })
        .where(eq(account.name, name));
    },
  });
  return {
    accounts: accounts(db),
    transaction: (cache, work) =>
      inTransaction(
        cache,
        (run) => db.transaction(run),
        (tx: Reading) => work(accounts(tx)),
      ),
    end: () => pool.end(),
  };
}

/** The server of `DATABASE_URL`, else one that is embedded, as for the sample. */
async function openPostgres(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL !== undefined && DATABASE_URL !== '')
    return { url: DATABASE_URL, close: () => Promise.resolve() };
  const [database, port] = [await PGlite.create(), await freePort()];
  const server = new PGLiteSocketServer({
    db: database,
    port,
    host: '127.0.0.1',
    maxConnections: 4,
  });
  await server.start();
  return {
    url: `postgres://postgres@127.0.0.1:${String(port)}/postgres`,
    async close() {
      await server.stop();
      await database.close();
    },
  };
}

/**
 * Passes everything on, until it is told to lose the answer to the next COMMIT: the server has
 * carried it out, and its client never learns it.
 */
async function losingCommits(
  url: string,
): Promise<{ readonly url: string; lose: boolean; readonly server: Server }> {
  const { hostname, port } = new URL(url);
  const proxy = { url: '', lose: false, server: createServer() };
  proxy.server.on('connection', (client: Socket) => {
    const upstream = connect(Number(port === '' ? 5432 : port), hostname);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    let losing = false;
    client.on('data', (data: Buffer) => {
      losing = proxy.lose && /commit/i.test(data.toString('latin1'));
      upstream.write(data);
    });
    upstream.on('data', (data: Buffer) => {
      if (losing) client.destroy();
      else client.write(data);
    });
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.end());
  });
  const own = await freePort();
  await new Promise<void>((resolve) => proxy.server.listen(own, '127.0.0.1', resolve));
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(own);
  proxy.url = through.href;
  return proxy;
}

let postgres: Awaited<ReturnType<typeof openPostgres>>;
let admin: Pool;

beforeAll(async () => {
  postgres = await openPostgres();
  admin = new Pool({ connectionString: postgres.url, max: 1 });
  await admin.query(`CREATE TABLE ${TABLE} (name text PRIMARY KEY, cents integer NOT NULL)`);
  await admin.query(`INSERT INTO ${TABLE} VALUES ('rent', 0)`);
}, 60_000);
afterAll(async () => {
  await admin.query(`DROP TABLE ${TABLE}`);
  await admin.end();
  await postgres.close();
});

describe.each([
  ['TypeORM', openTypeOrm],
  ['Drizzle', openDrizzle],
])('a unit of work around a transaction of %s', (_, openOrm) => {
  let orm: Orm;
  let cache: CacheService;

  beforeAll(async () => {
    orm = await openOrm(postgres.url);
    return () => orm.end();
  });
  beforeEach(async () => {
    await admin.query(`UPDATE ${TABLE} SET cents = 100`);
    cache = createCache({ jitter: 0 });
    return () => cache.close();
  });

  const balance = (by: Accounts): Promise<number> =>
    cache.getOrSet('balance', () => by.balance('rent'), { tags: ['account:rent'] });
  const post = (by: Orm, cents: number, then: () => void = () => undefined): Promise<number> =>
    by.transaction(cache, async (tx) => {
      await tx.add('rent', cents);
      await cache.invalidate({ tags: ['account:rent'] });
      const seen = await balance(tx);
      expect(await cache.unitOfWork(() => balance(tx)), 'a unit inside is part of it').toBe(seen);
      then();
      return seen;
    });

  it('shows the work its own writes, and everybody else after the commit', async () => {
    expect(await balance(orm.accounts)).toBe(100);
    expect(await post(orm, 5)).toBe(105);
    expect(await balance(orm.accounts)).toBe(105);
  });

  it('leaves nothing of a transaction that was rolled back', async () => {
    expect(await balance(orm.accounts)).toBe(100);
    const failing = post(orm, 5, () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await orm.accounts.balance('rent')).toBe(100);
    expect(await cache.get('balance'), 'still the entry of before').toBe(100);
    expect(cache.stats().cache_invalidations).toBe(0);
  });

  it('stores nothing that was read inside, before the invalidation as well', async () => {
    const failing = orm.transaction(cache, async (tx) => {
      await tx.add('rent', 5);
      expect(await balance(tx)).toBe(105);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await balance(orm.accounts)).toBe(100);
  });

  it('invalidates when the answer to COMMIT is lost: nobody knows whether it took place, and here it did', async () => {
    const proxy = await losingCommits(postgres.url);
    const through = await openOrm(proxy.url);
    try {
      expect(await balance(orm.accounts)).toBe(100);
      proxy.lose = true;
      await expect(post(through, 5)).rejects.toThrow();
      expect(await balance(orm.accounts)).toBe(105);
    } finally {
      await through.end().catch(() => undefined);
      proxy.server.close();
    }
  });
});

describe('the page', () => {
  it('shows these lines', () => {
    const source = readFileSync(new URL('in-transaction.ts', import.meta.url), 'utf8');
    const page = readFileSync(
      new URL('../../docs/transactions-and-events.md', import.meta.url),
      'utf8',
    );
    expect(page).toContain(source.slice(source.indexOf('/** The unit')).trimEnd());
  });
});
