import type { Answer, LedgerClient } from './ledger-client.js';

/** One of the two APIs to the same query handlers and commands. */
export interface Way {
  readonly name: string;
  /** Still cold when its many callers arrive. */
  readonly coldMonth: string;
  report(client: LedgerClient, month: string): Promise<Answer>;
  post(client: LedgerClient, account: string): Promise<Answer>;
  /** How many entries the account has. */
  entries(
    client: LedgerClient,
    account: string,
  ): Promise<{ readonly total: number; readonly answer: Answer }>;
}

const posting = (account: string) => ({
  account,
  amountCents: '12500',
  memo: 'Tour',
  bookedAt: '2026-01-15T12:00:00Z',
});

export const overHttp: Way = {
  name: 'HTTP',
  coldMonth: '2026-05',
  report: (client, month) => client.get(`/tenants/acme/reports/${month}`),
  post: (client, account) => client.post('/tenants/acme/entries', posting(account)),
  entries: async (client, account) => {
    const answer = await client.get(`/tenants/acme/accounts/${account}/entries?size=1`);
    return { total: (JSON.parse(answer.body) as { total: number }).total, answer };
  },
};

/** The entries of an account are read from a cached field, whose key names the account. */
export const overGraphQL: Way = {
  name: 'GraphQL',
  coldMonth: '2026-06',
  report: (client, month) =>
    client.graphql(
      'acme',
      'query ($month: String!) { report(month: $month) { entries createdAt } }',
      { month },
    ),
  post: (client, account) =>
    client.graphql('acme', 'mutation ($entry: NewEntry!) { postEntry(entry: $entry) { id } }', {
      entry: posting(account),
    }),
  entries: async (client, account) => {
    const query =
      'query ($account: String!) { account(number: $account) { turnover(month: "2026-01") { entries } } }';
    const answer = await client.graphql('acme', query, { account });
    const { data } = JSON.parse(answer.body) as {
      data: { account: { turnover: { entries: number } } };
    };
    return { total: data.account.turnover.entries, answer };
  },
};
