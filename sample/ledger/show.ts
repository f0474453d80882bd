interface Counters {
  readonly statements: Record<string, number>;
}

/**
 * Each address twice, with the time it took and whether the database was queried; then what to try
 * next.
 */
export async function showWhatCachingDoes(origin: string): Promise<void> {
  for (const path of [
    '/tenants/acme/reports/2026-01',
    '/tenants/acme/accounts',
    '/tenants/acme/accounts/1001/entries?page=1',
  ]) {
    const first = await visit(origin, path);
    const again = await visit(origin, path);
    console.log(`  GET ${path.padEnd(46)} first ${first.padEnd(16)} again ${again}`);
  }
  const statement = '/tenants/acme/accounts/1001/statements/2026-01';
  console.log(`
Try:
  curl ${origin}/tenants/globex/reports/2026-02
  curl '${origin}/tenants/acme/accounts/1001/entries?page=2&size=5'
  curl -i ${origin}${statement}            # look at the ETag
  curl -i ${origin}/tenants/acme/accounts/9999                         # 404
  curl -X POST ${origin}/tenants/acme/entries -H 'content-type: application/json' \\
       -d '{"account":"1001","amountCents":"12500","memo":"Rent","bookedAt":"2026-01-15T12:00:00Z"}'
  curl -X POST ${origin}/graphql -H 'content-type: application/json' -H 'x-tenant: acme' \\
       -d '{"query":"{ account(number: \\"1001\\") { balanceCents turnover(month: \\"2026-01\\") { creditCents } } }"}'
  curl ${origin}/cache                                                 # counters

The tenants are acme, globex and initech; the accounts 1000 to 1039; the months 2025-07 to 2026-06. Ctrl-C stops it.`);
}

async function visit(origin: string, path: string): Promise<string> {
  const before = await executed(origin);
  const start = performance.now();
  const response = await fetch(origin + path);
  await response.arrayBuffer();
  const ms = performance.now() - start;
  const produced = (await executed(origin)) > before;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms (${produced ? 'miss' : 'hit'})`;
}

async function executed(origin: string): Promise<number> {
  const response = await fetch(`${origin}/cache`);
  const { statements } = (await response.json()) as Counters;
  return Object.values(statements).reduce((sum, times) => sum + times, 0);
}
