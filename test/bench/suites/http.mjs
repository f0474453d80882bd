import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { withRedis } from '../lib/contest.mjs';
import { median, summary } from '../lib/harness.mjs';
import { ratioRow } from '../lib/rows.mjs';

const ROUNDS = Number(process.env.HTTP_ROUNDS ?? 9);
const REQUESTS = 2_500;
const WARM_REQUESTS = 6_000;

/**
 * A 4 KB answer through 64 connections. What counts is the processor time of the server's process
 * for a request: requests per second also measure the client beside it and the neighbours.
 */
const hit = (platform, store, goals) => () =>
  withRedis(async (redis) => {
    const [ours, stock] = [`ours, ${store}`, `stock, ${store}`];
    const servers = [];
    try {
      for (const name of ['no cache', stock, ours])
        servers.push(await start(platform, name, redis.url));
      console.error(`  HTTP hit, ${platform}, ${store}, 4 KB`);
      for (const { url } of servers) await load(url, WARM_REQUESTS);
      for (let round = 0; round < ROUNDS; round++)
        for (let k = 0; k < servers.length; k++) await slice(servers[(k + round) % servers.length]);
      const find = (wanted) => servers.find(({ name }) => name === wanted);
      const ratio = (name, to, by = 'processor') =>
        summary(find(name)[by].map((rate, i) => rate / find(to)[by][i]));
      for (const { name, real, processor } of servers)
        console.error(
          `    ${median(real).toFixed(0)}/s, ${(1e6 / median(processor)).toFixed(0)} us of ` +
            `processor time a request: ${name}`,
        );
      const goal = (least, what) =>
        least === undefined ? `(${what})` : `>= ${String(least)}x ${what}`;
      return [
        ratioRow(
          `HTTP hit, ${platform}, ${store}, 4 KB`,
          goal(goals.bare, 'of no cache'),
          ratio(ours, 'no cache'),
          goals.bare,
          median(find(ours).real),
        ),
        ratioRow(
          '',
          goal(goals.stock, 'the stock interceptor, @nestjs/cache-manager'),
          ratio(ours, stock),
          goals.stock,
        ),
        ratioRow('', '(requests a second, of no cache)', ratio(ours, 'no cache', 'real')),
        ratioRow('', '(@nestjs/cache-manager, of no cache)', ratio(stock, 'no cache')),
      ];
    } finally {
      for (const { child } of servers) child.kill('SIGKILL');
    }
  });

async function load(url, amount) {
  // It ends with a sample: by default it would idle for the rest of a second.
  const options = { url, connections: 64, amount, sampleInt: 10 };
  const { non2xx, errors } = await autocannon(options);
  if (non2xx + errors > 0) throw new Error(`${url}: ${String(non2xx + errors)} requests failed`);
}

async function slice(server) {
  const [real, processor] = [performance.now(), await processorMs(server)];
  await load(server.url, REQUESTS);
  server.real.push(REQUESTS / ((performance.now() - real) / 1e3));
  server.processor.push(REQUESTS / (((await processorMs(server)) - processor) / 1e3));
}

function processorMs({ child }) {
  return new Promise((resolve) => {
    child.once('message', ({ processorMs: ms }) => resolve(ms));
    child.send('processor time');
  });
}

async function start(platform, name, redisUrl) {
  const program = fileURLToPath(new URL('../lib/http-server.mjs', import.meta.url));
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  const child = fork(program, [platform, name, redisUrl], { stdio, execArgv: [] });
  const { port } = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error(`the server ${platform}, ${name} did not start`)));
  });
  const url = `http://127.0.0.1:${String(port)}/data`;
  for (let i = 0; i < 3; i++) {
    const response = await fetch(url);
    const body = await response.json();
    if (response.status !== 200 || body.rows.length !== 20)
      throw new Error(`${platform}, ${name} answers ${String(response.status)}`);
    const fromCache = /hit/.test(response.headers.get('cache-status') ?? '');
    if (i === 2 && name.startsWith('ours') && !fromCache)
      throw new Error(`${platform}, ${name} does not answer from the cache`);
  }
  return { name, child, url, real: [], processor: [] };
}

export const rows = {
  'http-fastify-memory': hit('fastify', 'memory', { bare: 1.1, stock: 1.4 }),
  'http-express-memory': hit('express', 'memory', { bare: 1, stock: 1.25 }),
  'http-fastify-redis': hit('fastify', 'Redis', { stock: 1.6 }),
  'http-express-redis': hit('express', 'Redis', { stock: 1.3 }),
};
