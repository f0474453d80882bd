import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, createSentinel } from 'redis';
import { freePort, startRedis, until } from '../../support/redis.js';
import { listen } from './open.js';

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** One sentinel that decides alone. */
async function startSentinel(master: number): Promise<number> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'cache-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const settings = [
    `port ${String(port)}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor main 127.0.0.1 ${String(master)} 1`,
    'sentinel down-after-milliseconds main 300',
    'sentinel failover-timeout main 2000',
  ];
  await writeFile(file, settings.join('\n'));
  const child = spawn(process.env.REDIS_SERVER_BIN ?? 'redis-server', [file, '--sentinel'], {
    stdio: 'ignore',
  });
  ends.push(async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    await rm(folder, { recursive: true, force: true });
  });
  const ask = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: 20 } });
  ask.on('error', () => undefined);
  await ask.connect();
  await until(
    async () =>
      JSON.stringify(await ask.sendCommand(['SENTINEL', 'REPLICAS', 'main'])).includes('127.0.0.1'),
    'the replica being known',
  );
  ask.destroy();
  return port;
}

describe('a master behind sentinels', () => {
  it('is found, and found again after a failover', async () => {
    const [master, replica] = await Promise.all([
      startRedis('--repl-diskless-sync-delay', '0'),
      startRedis(),
    ]);
    ends.push(
      () => master.stop(),
      () => replica.stop(),
    );
    await replica.command('REPLICAOF', '127.0.0.1', String(master.port));
    await until(
      async () =>
        String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
      'replication',
    );
    const port = await startSentinel(master.port);
    const nodes = [
      { host: '127.0.0.1', port: await freePort() },
      { host: '127.0.0.1', port },
    ];
    const one = listen({ sentinel: { name: 'main', nodes }, connectTimeout: '2s' });
    ends.push(one.close);
    const wrong = listen({ sentinel: { name: 'unknown', nodes } });
    ends.push(wrong.close);
    const client = createSentinel({
      name: 'main',
      sentinelRootNodes: [{ host: '127.0.0.1', port }],
    });
    await client.connect();
    ends.push(() => client.destroy());
    const given = listen({ client });
    ends.push(given.close);
    const works = (store: typeof one.store): Promise<boolean> =>
      store.set('k', 'v', 60_000).then(
        () => true,
        () => false,
      );
    for (const { store } of [one, given])
      await until(async () => (await works(store)) && store.isCoherent());
    await until(() => wrong.problems.length > 0);
    expect(wrong.problems[0]?.error.message).toContain('knows no master called unknown');
    const told: string[] = [];
    given.store.onState((state) => void told.push(state));
    await master.kill();
    await until(() => works(one.store), 'the failover');
    await until(() => one.store.isCoherent());
    expect(one.store.state).toBe('up');
    await until(
      () => told.at(-1) === 'up',
      'being told, although the client that was given went on',
    );
    await until(() => works(given.store));
  });
});
