import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseClient } from '../../sample/shared/database-client.js';
import { visit } from '../../sample/shared/visit.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { SmallSample } from './small-sample.js';
import { SampleProcess } from './support.js';

/** Requests to the exchange of a sample. */
class Exchange {
  readonly #origin: string;
  readonly database: DatabaseClient;

  constructor(sample: SmallSample) {
    this.#origin = sample.origin('exchange');
    this.database = new DatabaseClient(this.#origin);
  }

  async get(path: string): Promise<unknown> {
    return (await visit(this.#origin + path)).body;
  }

  queriesOf(path: string): Promise<string> {
    return this.database.queriesOf(() => this.get(path));
  }

  async send(method: string, path: string): Promise<number> {
    return (await visit(this.#origin + path, { method })).status;
  }
}

describe('several caches in memory', () => {
  let sample: SmallSample;
  let exchange: Exchange;
  beforeAll(async () => {
    sample = await SmallSample.start('named-caches');
    exchange = new Exchange(sample);
  });
  afterAll(() => sample.stop());

  it('keep a quote for half a second and a report for hours', async () => {
    const first = await exchange.get('/quotes/NEST');
    await exchange.get('/reports/2026-02');
    await expect.poll(() => exchange.get('/quotes/NEST'), { timeout: 10_000 }).not.toEqual(first);
    expect(await exchange.queriesOf('/reports/2026-02')).toBe('0 queries');
  });

  it('are cleared and count each for itself', async () => {
    await exchange.get('/reports/2026-03');
    expect(await exchange.send('DELETE', '/caches/default')).toBe(204);
    expect(await exchange.queriesOf('/quotes/NEST')).toBe('1 query');
    const before = (await exchange.get('/caches')) as Record<
      string,
      { hits: number; misses: number }
    >;
    expect(await exchange.queriesOf('/reports/2026-03')).toBe('0 queries');
    expect(await exchange.get('/caches')).toEqual({
      default: before.default,
      reports: { hits: (before.reports?.hits ?? 0) + 1, misses: before.reports?.misses },
    });
    expect(await exchange.send('DELETE', '/caches/reports')).toBe(204);
    expect(await exchange.queriesOf('/reports/2026-03')).toBe('1 query');
  });

  it('are the same by the decorator and injected: a correction makes one report anew', async () => {
    await exchange.get('/reports/2026-04');
    await exchange.get('/reports/2026-05');
    expect(await exchange.send('POST', '/reports/2026-04/corrections')).toBe(204);
    expect(await exchange.queriesOf('/reports/2026-04')).toBe('1 query');
    expect(await exchange.queriesOf('/reports/2026-05')).toBe('0 queries');
  });
});

describe('several caches, one of them in Redis', () => {
  let redis: RedisServer;
  const running: SampleProcess[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    await Promise.all(running.map((sample) => sample.stop()));
    await redis.stop();
  });

  it('give the next process the reports of the last one, and no quotes; each ends by itself after its walk', async () => {
    const walk = async () => {
      const sample = new SampleProcess(
        'sample.mjs',
        { PORT: '', REDIS_URL: redis.url },
        'named-caches',
      );
      running.push(sample);
      expect(await sample.exited).toEqual({ code: 0, signal: null });
      return ['a quote', 'a report'].map(
        (what) => new RegExp(`^${what} .* (\\d) quer`, 'm').exec(sample.output)?.[1],
      );
    };
    expect(await walk()).toEqual(['1', '1']);
    expect(await walk()).toEqual(['1', '0']);
  });
});
