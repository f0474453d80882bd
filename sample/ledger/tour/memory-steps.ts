import type { Answer, LedgerClient } from './ledger-client.js';
import { count, latency, type Row } from './table.js';

const MONTHS = [
  '2025-07',
  '2025-08',
  '2025-09',
  '2025-10',
  '2025-11',
  '2025-12',
  '2026-01',
  '2026-02',
  '2026-03',
  '2026-04',
  '2026-05',
];
/** Not in `MONTHS`: still cold when the thousand callers arrive. */
const COLD_MONTH = '2026-06';

export const reports = (...tenants: readonly string[]): string[] =>
  tenants.flatMap((tenant) => MONTHS.map((month) => `/tenants/${tenant}/reports/${month}`));

export async function coldAndHot(client: LedgerClient): Promise<Row[]> {
  const paths = reports('acme', 'globex', 'initech');
  const before = await client.executed('monthly-report');
  const cold = await oneByOne(client, paths);
  const produced = await client.executed('monthly-report');
  const hot = await oneByOne(
    client,
    Array.from({ length: 1_000 }, (_, index) => paths[index % paths.length] ?? ''),
  );
  const producedHot = (await client.executed('monthly-report')) - produced;
  return [
    row(
      `${paths.length} monthly reports, each for the first time`,
      cold,
      produced - before,
      paths.length,
    ),
    row(`1,000 reads of the same reports`, hot, producedHot, 0),
  ];
}

export async function thousandCallers(client: LedgerClient): Promise<Row[]> {
  const callers = 1_000;
  await client.connect(callers);
  const before = await client.executed('monthly-report');
  const answers = await Promise.all(
    Array.from({ length: callers }, () => client.get(`/tenants/acme/reports/${COLD_MONTH}`)),
  );
  const produced = (await client.executed('monthly-report')) - before;
  return [
    row(`${callers.toLocaleString('en')} callers at once, one cold report`, answers, produced, 1),
  ];
}

export async function postAndRead(client: LedgerClient): Promise<Row[]> {
  const rounds = 20;
  const reads: Answer[] = [];
  let seen = 0;
  for (let round = 1; round <= rounds; round++) {
    const before = await balance(client);
    await client.post('/tenants/acme/entries', {
      account: '1001',
      amountCents: '12500',
      memo: 'Tour',
      bookedAt: '2026-01-15T12:00:00Z',
    });
    const { cents, answer } = await balance(client);
    reads.push(answer);
    if (cents === before.cents + 12_500n) seen++;
  }
  const result = `${seen} of ${rounds} saw the new balance`;
  return [
    {
      what: 'a posting, then at once the balances',
      latency: latency(reads),
      result,
      good: seen === rounds,
    },
  ];
}

export async function nullsAndErrors(client: LedgerClient): Promise<Row[]> {
  const times = 100;
  const unknownAccount = Array.from({ length: times }, () => '/tenants/acme/accounts/9999');
  const unknownTenant = Array.from({ length: times }, () => '/tenants/umbrella/accounts');
  const before = await client.executed('find-account');
  const accounts = await oneByOne(client, unknownAccount);
  const asked = (await client.executed('find-account')) - before;
  const beforeTenants = await client.executed('find-tenant');
  const tenants = await oneByOne(client, unknownTenant);
  const askedTenants = (await client.executed('find-tenant')) - beforeTenants;
  return [
    row(`an unknown account ${times} times: null is kept`, accounts, asked, 1, 404),
    row(`an unknown tenant ${times} times: errors are not`, tenants, askedTenants, times, 404),
  ];
}

export async function statementWithEtag(client: LedgerClient): Promise<Row[]> {
  const path = '/tenants/acme/accounts/1001/statements/2026-02';
  const first = await client.get(path);
  const again = await client.get(path, { 'if-none-match': first.etag ?? '' });
  const good =
    first.status === 200 && first.etag !== undefined && again.status === 304 && again.body === '';
  const result = `${first.status} with ${count(first.body.length, 'byte')}, then ${again.status} with ${count(again.body.length, 'byte')}`;
  return [
    { what: 'a statement, and again with its ETag', latency: latency([again]), result, good },
  ];
}

export async function oneByOne(client: LedgerClient, paths: readonly string[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const path of paths) answers.push(await client.get(path));
  return answers;
}

export async function balance(client: LedgerClient): Promise<{ cents: bigint; answer: Answer }> {
  const answer = await client.get('/tenants/acme/accounts');
  const accounts = JSON.parse(answer.body) as { number: string; balanceCents: string }[];
  return {
    cents: BigInt(accounts.find((account) => account.number === '1001')?.balanceCents ?? 0),
    answer,
  };
}

function row(
  what: string,
  answers: readonly Answer[],
  produced: number,
  expected: number,
  status = 200,
): Row {
  const odd = answers.filter((answer) => answer.status !== status).length;
  const result = `${count(produced, 'production')}${odd === 0 ? '' : `, ${count(odd, 'answer')} not ${status}`}`;
  return { what, latency: latency(answers), result, good: produced === expected && odd === 0 };
}
