import type { Difference } from '../shared/compare.js';
import { DatabaseClient } from '../shared/database-client.js';
import { type Reply, visit } from '../shared/visit.js';

/** One of the two applications, as seen by a client. */
export class ShopClient {
  readonly database: DatabaseClient;

  constructor(private readonly origin: string) {
    this.database = new DatabaseClient(origin);
  }

  get(path: string, customer?: string): Promise<Reply> {
    return visit(
      this.origin + path,
      customer === undefined ? {} : { headers: { authorization: `Bearer ${customer}` } },
    );
  }

  reprice(id: string, cents: number): Promise<Reply> {
    return visit(`${this.origin}/products/${id}`, { method: 'PUT', body: { cents } });
  }
}

/**
 * The answer may stay wrong for as long as it is cached; the database already has the new price.
 */
const newOrOld = ({ body }: Reply, cents: number): string =>
  JSON.stringify(body).includes(`"cents":${cents}`) ? 'new price' : 'old price';

/**
 * What one of the two applications does, in a few words. The order matters: a step may find in the
 * cache what an earlier one has left there.
 */
export const differences: readonly Difference<ShopClient>[] = [
  {
    what: '20 requests at once for a page that is not cached',
    look: (shop) =>
      shop.database.queriesOf(() =>
        shop.database.atOnce(20, () => shop.get('/products?category=garden&page=1')),
      ),
  },
  {
    what: 'the same page, its parameters in another order',
    look: (shop) => shop.database.queriesOf(() => shop.get('/products?page=1&category=garden')),
  },
  {
    what: 'X-Total-Count on a hit',
    look: async (shop) =>
      (await shop.get('/products?category=garden&page=1')).headers.get('x-total-count') ?? 'lost',
  },
  {
    what: 'the page after a price was changed',
    look: async (shop) => {
      await shop.reprice('spade', 2_500);
      return newOrOld(await shop.get('/products?category=garden&page=1'), 2_500);
    },
  },
  {
    what: 'status of an answer that is 404, on a hit',
    look: async (shop) => {
      await shop.get('/products/piano/price');
      return String((await shop.get('/products/piano/price')).status);
    },
  },
  {
    what: 'a product that is not there, asked for twice',
    look: (shop) =>
      shop.database.queriesOf(async () => {
        await shop.get('/products/piano');
        await shop.get('/products/piano');
      }),
  },
  {
    what: 'price changed while the product is being read, next answer',
    look: async (shop) => {
      await shop.database.during(
        1,
        () => shop.get('/products/rake'),
        () => shop.reprice('rake', 2_000),
      );
      return newOrOld(await shop.get('/products/rake'), 2_000);
    },
  },
  {
    what: 'Bob asks for his count after Ann (1 order) has asked for hers',
    look: async (shop) => {
      await shop.get('/orders/count', 'ann');
      return JSON.stringify((await shop.get('/orders/count', 'bob')).body);
    },
  },
  {
    what: 'the header that tells of a hit',
    look: async (shop) => {
      await shop.get('/products?category=house&page=1');
      const { headers } = await shop.get('/products?category=house&page=1');
      return ['x-cache', 'cache-status']
        .flatMap((name) => (headers.has(name) ? [`${name}: ${headers.get(name) ?? ''}`] : []))
        .join();
    },
  },
];
