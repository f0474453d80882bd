import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerApi, SampleProcess, type Reply } from './support.js';

interface Body {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string }[];
}

const ACCOUNT = `query ($number: String!, $month: String!) {
  account(number: $number) { number balanceCents turnover(month: $month) { creditCents debitCents entries } entries(size: 1) { total entries { memo } } }
}`;
const POST =
  'mutation ($entry: NewEntry!) { postEntry(entry: $entry) { account amountCents bookedAt memo } }';
const SEARCH = 'query ($memo: String!) { search(memo: $memo, first: 2) { id memo } }';

describe('GraphQL in the sample ledger', () => {
  let ledger: SampleProcess;
  let api: LedgerApi;

  beforeAll(async () => {
    ledger = new SampleProcess('start.mjs', { PORT: '0' });
    const [, origin = ''] = await ledger.says(/Listening on (http:\S+)/);
    api = new LedgerApi(origin);
    await ledger.says(/Ctrl-C stops it/);
  });

  afterAll(() => ledger.stop());

  const ask = (
    query: string,
    variables: Record<string, unknown> = {},
    tenant: string | undefined = 'acme',
  ): Promise<Reply<Body>> =>
    api.send<Body>('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(tenant !== '' && { 'x-tenant': tenant }) },
      body: JSON.stringify({ query, variables }),
    });

  it('answers a query and a field of its parent from the cache', async () => {
    const read = () => ask(SEARCH, { memo: 'invoice 1' });
    const first = await read();
    expect(first.body.data?.search).toHaveLength(2);
    const january = (number: string) => ask(ACCOUNT, { number, month: '2026-01' });
    const [one, other] = [await january('1030'), await january('1031')];
    expect(one.body.data?.account).toMatchObject({
      number: '1030',
      turnover: { entries: expect.any(Number) as number },
    });
    expect(other.body.data?.account).not.toEqual(one.body.data?.account);

    const statements = await api.statementsOf(async () => {
      expect((await read()).body).toEqual(first.body);
      expect((await january('1030')).body).toEqual(one.body);
      expect((await january('1031')).body).toEqual(other.body);
      expect((await ask(ACCOUNT, { number: '1030', month: '2026-02' })).body).not.toEqual(one.body);
    });
    expect(statements).toEqual({ turnover: 1 });
  });

  it('shares its entries with the HTTP API, through the same query handlers', async () => {
    const { body } = await api.get<{ closingCents: string; entries: number }>(
      '/tenants/initech/reports/2025-10',
    );
    const statements = await api.statementsOf(async () => {
      const reply = await ask(
        '{ report(month: "2025-10") { closingCents entries } }',
        {},
        'initech',
      );
      expect(reply.body).toEqual({
        data: { report: { closingCents: body.closingCents, entries: body.entries } },
      });
    });
    expect(statements).toEqual({});
  });

  it('reads its own mutation in every query and field that depends on it, and leaves other accounts cached', async () => {
    const read = async (number: string) =>
      (await ask(ACCOUNT, { number, month: '2026-03' })).body.data?.account;
    await ask(SEARCH, { memo: 'by mutation' });
    const other = await read('1033');
    for (let round = 1; round <= 5; round++) {
      const before = (await read('1032')) as Account;
      const entry = {
        account: '1032',
        amountCents: '250',
        memo: `By mutation ${round}`,
        bookedAt: `2026-03-31T23:59:59.${round}00Z`,
      };
      const posted = await ask(POST, { entry });
      expect(posted.body).toEqual({ data: { postEntry: entry } });

      const after = (await read('1032')) as Account;
      expect(BigInt(after.balanceCents)).toBe(BigInt(before.balanceCents) + 250n);
      expect(BigInt(after.turnover.creditCents)).toBe(BigInt(before.turnover.creditCents) + 250n);
      expect(after.turnover.entries).toBe(before.turnover.entries + 1);
      expect(after.entries.total).toBe(before.entries.total + 1);
      expect((await ask(SEARCH, { memo: `by mutation ${round}` })).body.data?.search).toHaveLength(
        1,
      );
    }
    const statements = await api.statementsOf(async () =>
      expect(await read('1033')).toEqual(other),
    );
    expect(statements).not.toHaveProperty('turnover');
  });

  it('keeps tenants apart, even for the same query with the same arguments', async () => {
    const tenants = ['acme', 'globex', 'initech'];
    const read = (tenant: string) => ask(SEARCH, { memo: 'refund' }, tenant);
    const first = await Promise.all(tenants.map(read));
    const ids = first.flatMap(({ body }) =>
      (body.data?.search as { id: string }[]).map(({ id }) => id),
    );
    expect(new Set(ids).size).toBe(6);
    const statements = await api.statementsOf(async () => {
      expect((await Promise.all(tenants.map(read))).map(({ body }) => body)).toEqual(
        first.map(({ body }) => body),
      );
    });
    expect(statements).toEqual({});
  });

  it('tells no HTTP cache to keep an answer that a mutation can change', async () => {
    const { headers } = await ask(SEARCH, { memo: 'transfer' });
    expect(headers.get('cache-control')).toBeNull();
  });

  it.each([
    [
      'a request without a tenant',
      '{ accounts { number } }',
      '',
      'Name the tenant in the header X-Tenant.',
    ],
    [
      'a tenant that is not there',
      '{ accounts { number } }',
      'umbrella',
      "There is no tenant 'umbrella'.",
    ],
    [
      'a month that is none',
      '{ report(month: "2026-13") { month } }',
      'acme',
      'A month is written like 2026-01',
    ],
    [
      'a posting of nothing',
      'mutation { postEntry(entry: { account: "1001", amountCents: "0" }) { id } }',
      'acme',
      'other than 0',
    ],
    [
      'an amount that is not exact',
      'mutation { postEntry(entry: { account: "1001", amountCents: 5 }) { id } }',
      'acme',
      'written as text',
    ],
    [
      'an unknown account',
      'mutation { postEntry(entry: { account: "7777", amountCents: "5" }) { id } }',
      'acme',
      'does not have all',
    ],
  ])('refuses %s', async (_, query, tenant, message) => {
    const { body } = await ask(query, {}, tenant);
    expect(body.errors?.[0]?.message).toContain(message);
  });
});

interface Account {
  readonly balanceCents: string;
  readonly turnover: { readonly creditCents: string; readonly entries: number };
  readonly entries: { readonly total: number };
}
