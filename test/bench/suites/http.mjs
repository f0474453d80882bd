import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { median } from '../lib/harness.mjs';
import { startRedis } from '../lib/redis.mjs';
import { row } from './row.mjs';

const ROUNDS = Number(process.env.HTTP_ROUNDS ?? 5);
const SECONDS = Number(process.env.HTTP_SECONDS ?? 2);
const NAMES = ['no cache', 'stock, memory', 'stock, Redis', 'ours, memory', 'ours, Redis'];
const LEAST = { express: [1.0, 1.25, 1.3], fastify: [1.0, 1.6, 1.6] };

/** A 4 KB JSON answer over HTTP: no cache, `@nestjs/cache-manager`, and ours. */
export async function run() {
  const redis = await startRedis();
  const servers = [];
  const rows = [];
  try {
    for (const platform of ['express', 'fastify'])
      for (const name of NAMES) servers.push(await start(platform, name, redis.url));
    for (const { url } of servers) await autocannon({ url, connections: 64, duration: 1 });
    for (let round = 0; round < ROUNDS; round++) {
      for (let k = 0; k < servers.length; k++) {
        const server = servers[(k + round * 3) % servers.length];
        const { requests, non2xx, errors } = await autocannon({
          url: server.url,
          connections: 64,
          duration: SECONDS,
        });
        if (non2xx + errors > 0)
          throw new Error(`${server.platform}, ${server.name}: ${non2xx + errors} requests failed`);
        server.rates.push(requests.average);
      }
    }
    for (const platform of ['express', 'fastify']) {
      const find = (name) =>
        servers.find((server) => server.platform === platform && server.name === name);
      const result = { perSecond: (name) => median(find(name).rates) };
      const ratio = (name, to) =>
        median(find(name).rates.map((rate, i) => rate / find(to).rates[i]));
      const [bare, memory, shared] = LEAST[platform];
      rows.push(
        row(
          `HTTP hit, ${platform}, memory, 4 KB`,
          `>= ${bare}x of no cache`,
          ratio('ours, memory', 'no cache'),
          bare,
          result,
          'ours, memory',
        ),
        row(
          '',
          `>= ${memory}x @nestjs/cache-manager`,
          ratio('ours, memory', 'stock, memory'),
          memory,
        ),
        row('', '(@nestjs/cache-manager, of no cache)', ratio('stock, memory', 'no cache')),
        row(
          `HTTP hit, ${platform}, Redis, 4 KB`,
          `>= ${shared}x @nestjs/cache-manager`,
          ratio('ours, Redis', 'stock, Redis'),
          shared,
          result,
          'ours, Redis',
        ),
        row('', '(of no cache)', ratio('ours, Redis', 'no cache')),
      );
    }
  } finally {
    for (const { child } of servers) child.kill('SIGKILL');
    await redis.stop();
  }
  return rows;
}

async function start(platform, name, redisUrl) {
  const child = fork(
    fileURLToPath(new URL('http-server.mjs', import.meta.url)),
    [platform, name, redisUrl],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  const { port } = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', () => reject(new Error(`the server ${platform}, ${name} did not start`)));
  });
  const url = `http://127.0.0.1:${port}/data`;
  for (let i = 0; i < 3; i++) {
    const response = await fetch(url);
    const body = await response.json();
    if (response.status !== 200 || body.rows.length !== 20)
      throw new Error(`${platform}, ${name} answers ${response.status}`);
    if (
      i === 2 &&
      name.startsWith('ours') &&
      response.headers.get('age') === null &&
      !/hit/.test(response.headers.get('cache-status') ?? '')
    )
      throw new Error(
        `${platform}, ${name} does not answer from the cache: ${JSON.stringify([...response.headers])}`,
      );
  }
  return { platform, name, child, url, rates: [] };
}
