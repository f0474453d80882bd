import { readConfig } from '../config.js';
import type { Database } from '../database/database.js';
import { openDatabase } from '../database/open-database.js';
import { crossings, hitsEverywhere, oneProduction } from './fleet-steps.js';
import { overGraphQL, overHttp } from './ways.js';
import { startRedis } from './redis-process.js';
import type { Stage } from './stage.js';

const NO_REDIS = `Several processes share their cache in a Redis (6.2 or newer), and there is none. Do one of these:
  install one         Debian, Ubuntu: sudo apt-get install redis-server; macOS: brew install redis
  name its program    REDIS_SERVER_BIN=/path/to/redis-server npm run tour -- --processes 2
  use a running one   REDIS_URL=redis://localhost:6379 npm run tour -- --processes 2`;

/**
 * Several ledgers on one Redis and one database: first each with an L1 in front of Redis, then
 * without.
 */
export async function visitSeveralProcesses(stage: Stage, processes: number): Promise<void> {
  const redisUrl = await openRedis(stage);
  const database = await openShared(stage);
  for (const l1 of [true, false]) {
    stage.log(
      `Starting ${processes} ledgers on one Redis, ${l1 ? 'each with an L1' : 'without an L1'}`,
    );
    const mode = l1 ? 'L1' : 'no L1';
    const env = {
      REDIS_URL: redisUrl,
      CACHE_L1: l1 ? 'on' : 'off',
      CACHE_NAMESPACE: `tour-${process.pid}-${l1 ? 'l1' : 'l2'}`,
      // Many callers on few cores: a process that gave up on Redis because this machine is busy
      // would produce for itself.
      REDIS_TIMEOUT: '5000',
    };
    await stage.visit(
      Array.from({ length: processes }, () => env),
      async (fleet) => {
        await stage.step('The same reads in every process', () => hitsEverywhere(fleet, mode));
        await stage.step('Postings in one process, reads in the others', () =>
          crossings(fleet, mode, overHttp, l1 ? 250 : 0),
        );
        await stage.step('The same by GraphQL', () =>
          crossings(fleet, mode, overGraphQL, l1 ? 250 : 0),
        );
        await stage.step('Callers of one cold report, spread on all processes', () =>
          oneProduction(fleet, mode, overHttp),
        );
        await stage.step('The same by GraphQL', () => oneProduction(fleet, mode, overGraphQL));
      },
      database,
    );
  }
}

async function openRedis(stage: Stage): Promise<string> {
  const own = await startRedis();
  if (own !== undefined) stage.ends(() => own.stop());
  const url = own?.url ?? process.env.REDIS_URL;
  if (url === undefined || url === '') throw new Error(NO_REDIS);
  stage.log(own === undefined ? 'Using the Redis of REDIS_URL' : 'Started a Redis of our own');
  return url;
}

/**
 * The embedded database, which this process serves to the ledgers. Undefined: they use the server
 * in `DATABASE_URL`, which is filled by now.
 */
async function openShared(stage: Stage): Promise<Database | undefined> {
  const config = readConfig(process.env);
  stage.log(
    config.databaseUrl === undefined
      ? 'Starting the embedded PostgreSQL'
      : 'Connecting to PostgreSQL',
  );
  const database = await openDatabase(config, stage.log);
  if (config.databaseUrl === undefined) {
    stage.ends(() => database.close());
    return database;
  }
  await database.close();
  return undefined;
}
