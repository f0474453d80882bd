import { LedgerClient } from './ledger-client.js';
import { startLedger } from './ledger-process.js';
import { coldAndHot, nullsAndErrors, postAndRead, statementWithEtag, thousandCallers } from './memory-steps.js';
import { startRedis, type RedisProcess } from './redis-process.js';
import { frozenRedis, hotFromRedis } from './redis-steps.js';
import { printTable, type Row } from './table.js';

type Step = readonly [title: string, run: (client: LedgerClient) => Promise<Row[]>];

/** Whatever was started and has to be ended, the last first. */
const running: (() => Promise<void>)[] = [];
const rows: Row[] = [];
const begin = performance.now();
const log = (line: string) => console.log(`${`${((performance.now() - begin) / 1000).toFixed(1)} s`.padStart(7)}  ${line}`);

async function endAll(): Promise<void> {
  for (let end = running.pop(); end !== undefined; end = running.pop()) await end();
}

async function visit(env: Record<string, string>, steps: readonly Step[]): Promise<void> {
  const ledger = await startLedger({ CACHE_NAMESPACE: `tour-${process.pid}`, ...env });
  running.push(() => ledger.stop());
  const client = new LedgerClient(ledger.origin);
  for (const [title, run] of steps) {
    log(title);
    rows.push(...(await run(client)));
  }
  client.close();
  await ledger.stop();
}

async function visitWithRedis(): Promise<void> {
  const own: RedisProcess | undefined = await startRedis();
  if (own !== undefined) running.push(() => own.stop());
  const url = own?.url ?? process.env.REDIS_URL;
  if (url === undefined) return log('No redis-server on this machine and no REDIS_URL: without the part about Redis');
  log('Starting the ledger with its cache in Redis');
  await visit({ REDIS_URL: url }, [
    ['Reading from Redis', hotFromRedis],
    ['A posting and the read after it', postAndRead],
    // Only a Redis of our own is stopped.
    ...(own === undefined ? [] : [['Stopping Redis and starting it again', (client) => frozenRedis(client, own)] satisfies Step]),
  ]);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void endAll().then(() => process.exit(130)));

try {
  log('Starting the ledger with its cache in memory');
  await visit({ REDIS_URL: '' }, [
    ['Cold and hot reports', coldAndHot],
    ['A thousand callers of one cold report', thousandCallers],
    ['A posting and the read after it', postAndRead],
    ['What is not there', nullsAndErrors],
    ['A statement and its ETag', statementWithEtag],
  ]);
  await visitWithRedis();
} finally {
  await endAll();
}

console.log();
printTable(rows);
const broken = rows.filter((row) => !row.good).length;
console.log(broken === 0 ? '\nAll as promised.' : `\n${broken} NOT as promised.`);
process.exitCode = broken === 0 ? 0 : 1;
