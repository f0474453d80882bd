import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseClient } from '../../sample/shared/database-client.js';
import { visit } from '../../sample/shared/visit.js';
import { SmallSample } from './small-sample.js';

describe('a shop moved from @nestjs/cache-manager', () => {
  let sample: SmallSample;
  beforeAll(async () => {
    sample = await SmallSample.start('migrating-cache-manager');
  });
  afterAll(() => sample.stop());

  /** One request after the other, to the application as it was or as it is. */
  const answers = async (
    application: 'before' | 'after',
    requests: readonly (readonly [string, Parameters<typeof visit>[1]?])[],
  ) => {
    const replies: unknown[] = [];
    for (const [path, init] of requests) {
      const { status, body } = await visit(sample.origin(application) + path, init);
      replies.push({ path, status, body });
    }
    return replies;
  };
  const ann = { headers: { authorization: 'Bearer ann' } };
  const bob = { headers: { authorization: 'Bearer bob' } };

  it('answers as before: lists, products, prices and what is missing, read once or again', async () => {
    const reads = [
      '/products?category=garden&page=2',
      '/products/lamp',
      '/products/lamp/price',
      '/products/cheapest',
      '/products/piano',
    ];
    const requests = [...reads, ...reads].map((path) => [path] as const);
    const after = await answers('after', requests);
    expect(after).toEqual(await answers('before', requests));
    expect(after).toContainEqual({
      path: '/products/lamp',
      status: 200,
      body: { id: 'lamp', category: 'house', name: 'Lamp', cents: 4_500 },
    });
    expect(after).toContainEqual(expect.objectContaining({ path: '/products/piano', status: 404 }));
  });

  it('answers as before: a changed price, and orders of each customer', async () => {
    const requests = [
      ['/products/hose'],
      ['/products/hose', { method: 'PUT', body: { cents: 100 } }],
      ['/products/hose'],
      ['/orders', ann],
      ['/orders', bob],
      ['/orders', { ...bob, method: 'POST', body: { product: 'rake' } }],
      ['/orders', bob],
      ['/orders', ann],
    ] as const;
    const after = await answers('after', requests);
    expect(after).toEqual(await answers('before', requests));
    expect(after.slice(-2)).toEqual([
      { path: '/orders', status: 200, body: [{ customer: 'bob', product: 'rake' }] },
      { path: '/orders', status: 200, body: [{ customer: 'ann', product: 'spade' }] },
    ]);
  });

  it('keeps the orders of a customer in both', async () => {
    for (const application of ['before', 'after'] as const) {
      const database = new DatabaseClient(sample.origin(application));
      await answers(application, [['/orders', ann]]);
      expect(
        await database.queriesOf(() => answers(application, [['/orders', ann]])),
        application,
      ).toBe('0 queries');
    }
  });

  it('differs as the guide says', () => {
    expect(sample.rows()).toEqual([
      ['20 requests at once for a page that is not cached', '20 queries', '1 query'],
      ['the same page, its parameters in another order', '1 query', '0 queries'],
      ['X-Total-Count on a hit', 'lost', '3'],
      ['the page after a price was changed', 'old price', 'new price'],
      ['status of an answer that is 404, on a hit', '200', '404'],
      ['a product that is not there, asked for twice', '2 queries', '1 query'],
      ['price changed while the product is being read, next answer', 'old price', 'new price'],
      [
        'Bob asks for his count after Ann (1 order) has asked for hers',
        '{"orders":1}',
        '{"orders":0}',
      ],
      [
        'the header that tells of a hit',
        'x-cache: HIT',
        expect.stringMatching(/^cache-status: nest-query-cache; hit; ttl=\d+$/),
      ],
    ]);
  });
});
