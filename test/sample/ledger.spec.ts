import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerApi, SampleProcess } from './support.js';

interface Page {
  page: number;
  size: number;
  total: number;
  entries: { id: string; amountCents: string; bookedAt: string; memo: string }[];
}
type Balances = { number: string; balanceCents: string; lastBookedAt: string | null }[];

describe('the sample ledger', () => {
  let ledger: SampleProcess;
  let api: LedgerApi;

  beforeAll(async () => {
    ledger = new SampleProcess('start.mjs', { PORT: '0' });
    const [, origin = ''] = await ledger.says(/Listening on (http:\S+)/);
    await ledger.says(/Ctrl-C stops it/);
    api = new LedgerApi(origin);
  });

  afterAll(() => ledger.stop());

  const balanceOf = async (number: string): Promise<bigint> => {
    const { body } = await api.get<Balances>('/tenants/acme/accounts');
    return BigInt(body.find((account) => account.number === number)?.balanceCents ?? Number.NaN);
  };

  it('shows at its start that the second request of a report is a hit', () => {
    expect(ledger.output).toMatch(
      /GET \/tenants\/acme\/reports\/2026-01 +first [\d.]+ ms \(miss\) +again [\d.]+ ms \(hit\)/,
    );
    expect(ledger.output).not.toMatch(/again [\d.]+ ms \(miss\)/);
  });

  it('generates the same entries every time', async () => {
    const { body } = await api.get<Page>('/tenants/globex/accounts/1007/entries?size=2');
    expect(body).toEqual({
      page: 1,
      size: 2,
      total: 42,
      entries: [
        {
          id: '925',
          account: '1007',
          amountCents: '112784',
          bookedAt: '2026-06-17T02:57:12.000Z',
          memo: 'Refund 925',
        },
        {
          id: '4387',
          account: '1007',
          amountCents: '-135',
          bookedAt: '2026-06-12T22:06:04.000Z',
          memo: 'Invoice 4387',
        },
      ],
    });
  });

  it('lists an account by pages, the latest entry first, each entry once', async () => {
    const url = '/tenants/acme/accounts/1003/entries?size=10';
    const { body: first } = await api.get<Page>(url);
    const ids: string[] = [];
    const times: string[] = [];
    for (let page = 1; page <= Math.ceil(first.total / 10); page++) {
      const { body } = await api.get<Page>(`${url}&page=${page}`);
      ids.push(...body.entries.map((entry) => entry.id));
      times.push(...body.entries.map((entry) => entry.bookedAt));
    }
    expect(ids).toHaveLength(first.total);
    expect(new Set(ids).size).toBe(first.total);
    expect(times).toEqual([...times].sort().reverse());
  });

  it('reads a page from the database once', async () => {
    const url = '/tenants/acme/accounts/1004/entries?page=2&size=5';
    const statements = await api.statementsOf(async () => {
      const first = await api.get(url);
      const again = await api.get(url);
      expect(again.body).toEqual(first.body);
    });
    expect(statements).toEqual({ 'find-account': 1, 'list-entries': 1, 'count-entries': 1 });
  });

  it('keeps bigint and Date through the cache: an amount above 2^53 is exact on a hit', async () => {
    const posted = await api.write('POST', '/tenants/globex/entries', {
      account: '1005',
      amountCents: '900719925474099312',
      memo: 'More than a double holds',
      bookedAt: '2027-01-01T00:00:00.125Z',
    });
    expect(posted.status).toBe(201);
    const read = () => api.get<Page>('/tenants/globex/accounts/1005/entries?size=1');
    await read();
    const statements = await api.statementsOf(async () => {
      const { body } = await read();
      expect(body.entries).toEqual([
        expect.objectContaining({
          amountCents: '900719925474099312',
          bookedAt: '2027-01-01T00:00:00.125Z',
          memo: 'More than a double holds',
        }),
      ]);
    });
    expect(statements).toEqual({});
  });

  it('makes one report for 200 callers at once', async () => {
    const statements = await api.statementsOf(async () => {
      const replies = await Promise.all(
        Array.from({ length: 200 }, () => api.get('/tenants/globex/reports/2025-12')),
      );
      expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
      expect(new Set(replies.map((reply) => JSON.stringify(reply.body))).size).toBe(1);
    });
    expect(statements['monthly-report']).toBe(1);
  });

  it('reads its own posting in balances, pages and reports', async () => {
    const page = () => api.get<Page>('/tenants/acme/accounts/1010/entries?size=1');
    const report = () =>
      api.get<{ entries: number; closingCents: string }>('/tenants/acme/reports/2026-06');
    for (let round = 1; round <= 10; round++) {
      const [balance, before, month] = [await balanceOf('1010'), await page(), await report()];
      const posting = {
        account: '1010',
        amountCents: '-1250',
        memo: `Round ${round}`,
        bookedAt: `2026-06-30T23:59:59.0${round + 10}Z`,
      };
      expect((await api.write('POST', '/tenants/acme/entries', posting)).status).toBe(201);

      expect(await balanceOf('1010')).toBe(balance - 1250n);
      const after = await page();
      expect(after.body.total).toBe(before.body.total + 1);
      expect(after.body.entries[0]?.memo).toBe(`Round ${round}`);
      const monthAfter = await report();
      expect(monthAfter.body.entries).toBe(month.body.entries + 1);
      expect(BigInt(monthAfter.body.closingCents)).toBe(BigInt(month.body.closingCents) - 1250n);
    }
  });

  it('leaves other tenants and other accounts cached when an entry is posted', async () => {
    const others = async () => {
      await api.get('/tenants/initech/accounts');
      await api.get('/tenants/initech/accounts/1011/entries');
      await api.get('/tenants/acme/accounts/1012/entries');
    };
    await others();
    await api.write('POST', '/tenants/acme/entries', { account: '1011', amountCents: '1' });
    expect(await api.statementsOf(others)).toEqual({});
  });

  it('sees imported entries a moment after the answer, once their event has reached the cache', async () => {
    const before = await balanceOf('1013');
    const imported = [
      { account: '1013', amountCents: '100' },
      { account: '1013', amountCents: '11' },
    ];
    const reply = await api.write('POST', '/tenants/acme/entries/import', imported);
    expect(reply).toEqual(expect.objectContaining({ status: 202, body: { imported: 2 } }));
    await expect.poll(() => balanceOf('1013')).toBe(before + 111n);
  });

  it('asks the database once for an unknown account, and finds it as soon as it is opened', async () => {
    const url = '/tenants/initech/accounts/8888';
    const statements = await api.statementsOf(async () => {
      for (let round = 0; round < 3; round++) expect((await api.get(url)).status).toBe(404);
    });
    expect(statements['find-account']).toBe(1);

    expect((await api.write('PUT', url, { name: 'Petty cash' })).status).toBe(201);
    expect(await api.get(url)).toEqual(
      expect.objectContaining({ status: 200, body: { number: '8888', name: 'Petty cash' } }),
    );
    expect((await api.write('PUT', url, { name: 'Again' })).status).toBe(409);
  });

  it('answers 404 for an unknown tenant each time and keeps nothing of it', async () => {
    const statements = await api.statementsOf(async () => {
      for (let round = 0; round < 3; round++) {
        const reply = await api.get<{ message: string }>('/tenants/umbrella/accounts');
        expect(reply.status).toBe(404);
        expect(reply.body.message).toBe("There is no tenant 'umbrella'.");
      }
    });
    expect(statements).toEqual({ 'find-tenant': 3 });
  });

  it('posts nothing to an unknown account', async () => {
    const posting = { account: '7777', amountCents: '1' };
    expect((await api.write('POST', '/tenants/acme/entries', posting)).status).toBe(404);
  });

  it.each([
    ['/tenants/acme/reports/2026-13', 'A month is written like 2026-01'],
    ['/tenants/acme/accounts/1001/entries?page=0', 'page must be a whole number'],
    ['/tenants/acme/accounts/1001/entries?size=1e9', 'size must be a whole number'],
  ])('refuses %s', async (url, message) => {
    const reply = await api.get<{ message: string }>(url);
    expect(reply.status).toBe(400);
    expect(reply.body.message).toContain(message);
  });

  it('serves a statement from the cache with its content type, and 304 for its ETag until a posting changes it', async () => {
    const url = '/tenants/acme/accounts/1020/statements/2026-02';
    const first = await api.get<string>(url);
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(first.body).toMatch(/^id,booked_at,amount_cents,memo\r\n/);
    const statements = await api.statementsOf(async () => {
      const again = await api.get<string>(url);
      expect(again.body).toBe(first.body);
      expect(again.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect((await api.get(url, { 'if-none-match': etag })).status).toBe(304);
    });
    expect(statements).toEqual({});

    await api.write('POST', '/tenants/acme/entries', {
      account: '1020',
      amountCents: '5',
      memo: 'say "hi"',
      bookedAt: '2026-02-28T23:59:59Z',
    });
    const changed = await api.get<string>(url, { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.body).toContain('2026-02-28T23:59:59.000Z,5,"say ""hi"""');
  });

  it('stops cleanly on SIGTERM, with requests in flight or not', async () => {
    const last = api.get('/tenants/initech/reports/2025-09').catch(() => undefined);
    ledger.child.kill('SIGTERM');
    expect(await ledger.exited).toEqual({ code: 0, signal: null });
    expect(ledger.output).toMatch(/Stopping[^]*Stopped/);
    await last;
  });
});
