import { readConfig } from './config.js';
import { openDatabase } from './database/open-database.js';
import { listen } from './listen.js';
import { showWhatCachingDoes } from './show.js';

const start = performance.now();
const log = (line: string) =>
  console.log(`${`${((performance.now() - start) / 1000).toFixed(1)} s`.padStart(7)}  ${line}`);

const config = readConfig(process.env);
log(
  config.databaseUrl === undefined
    ? 'Starting the embedded PostgreSQL'
    : 'Connecting to PostgreSQL',
);
// Loading Nest and GraphQL takes about as long as starting the database, so both run at the same
// time.
const [database, { createApp }] = await Promise.all([
  openDatabase(config, log),
  import('./create-app.js'),
]);
const app = await createApp(config, database);
const origin = await listen(app, config.port);
log(
  `${database.label}; the cache is in ${config.redisUrl === undefined ? 'this process (REDIS_URL=... for Redis)' : 'Redis'}`,
);

let stoppedAt: number | undefined;
const stop = async (): Promise<void> => {
  if (stoppedAt !== undefined) {
    // npm forwards the Ctrl-C that the terminal has sent already; a later one is from a user who
    // does not want to wait.
    if (performance.now() - stoppedAt > 500) process.exit(130);
    return;
  }
  stoppedAt = performance.now();
  log('Stopping');
  await app.close();
  if (process.connected) process.disconnect();
  log('Stopped');
};
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());

if (process.send === undefined) {
  log(`Listening on ${origin}\n`);
  await showWhatCachingDoes(origin);
} else {
  // Started by the tour: it makes its own requests, and this process must not outlive it.
  process.once('disconnect', () => void stop());
  process.send({ origin });
}
