import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';

const BINARY = process.env.REDIS_SERVER_BIN ?? 'redis-server';

/** A real Redis of its own on a free loopback port, ended by its pid. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** Stops answering, keeps its connections (SIGSTOP). */
  freeze(): void;
  thaw(): void;
  /** Ends without a word (SIGKILL). */
  kill(): Promise<void>;
  /** Starts again on the same port after `kill`; empty, because nothing is saved. */
  restart(): Promise<void>;
  /** One command on a connection of its own. */
  command(...args: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}

/** @param args further arguments of redis-server */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  return startRedisOn(await freePort(), ...args);
}

export async function startRedisOn(port: number, ...args: string[]): Promise<RedisServer> {
  const password = args[args.indexOf('--requirepass') + 1];
  const credentials =
    args.includes('--requirepass') && password !== undefined ? `:${password}@` : '';
  const url = `redis://${credentials}127.0.0.1:${String(port)}`;
  let child = await launch(port, url, args);
  const ended = (): Promise<void> => end(child);
  return {
    port,
    url,
    get pid() {
      return child.pid ?? 0;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: ended,
    async restart() {
      await ended();
      child = await launch(port, url, args);
    },
    command: (...command) => ask(url, command),
    stop: ended,
  };
}

async function launch(port: number, url: string, args: readonly string[]): Promise<ChildProcess> {
  // A replica in the making writes a dump, whatever `save` says.
  const fixed = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--daemonize',
    'no',
  ];
  fixed.push('--dir', tmpdir(), '--dbfilename', dumpOf(port));
  const child = spawn(BINARY, [...fixed, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = new Error(
      `${BINARY} cannot be started: ${error.message}. Install Redis, or name the program in REDIS_SERVER_BIN.`,
    );
  });
  // a test run that is ended leaves no server behind
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  for (let i = 0; i < 3_000; i++) {
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null) throw new Error(`redis-server ended at once: ${output}`);
    if (output.includes('Ready to accept connections')) return child;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await end(child);
  throw new Error(`redis-server did not answer at ${url} within 30 s: ${output}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  const port = child.spawnargs[child.spawnargs.indexOf('--port') + 1];
  if (port !== undefined) await rm(join(tmpdir(), dumpOf(Number(port))), { force: true });
}

function dumpOf(port: number): string {
  return `nest-query-cache-${String(port)}.rdb`;
}

async function ask(url: string, command: string[]): Promise<unknown> {
  const client = createClient({
    url,
    socket: { reconnectStrategy: false, connectTimeout: 10_000 },
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

export interface RedisCluster {
  /** Three masters, then three replicas. */
  readonly nodes: readonly RedisServer[];
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/**
 * Three masters and three replicas, synchronised, so that a failover can happen. Takes about 2 s.
 */
export async function startRedisCluster(nodeTimeoutMs = 1_000): Promise<RedisCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'cache-cluster-'));
  const nodes = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const port = await clusterPort();
      return startRedisOn(
        port,
        '--cluster-enabled',
        'yes',
        '--cluster-config-file',
        join(folder, `nodes-${String(i)}.conf`),
        '--cluster-node-timeout',
        String(nodeTimeoutMs),
        '--dir',
        folder,
        '--repl-diskless-sync-delay',
        '0',
      );
    }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const addresses = nodes.map((node) => `127.0.0.1:${String(node.port)}`);
    await run('redis-cli', [
      '--cluster',
      'create',
      ...addresses,
      '--cluster-replicas',
      '1',
      '--cluster-yes',
    ]);
    await until(async () =>
      (await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))).every((info) =>
        String(info).includes('cluster_state:ok'),
      ),
    );
    await until(async () =>
      (await Promise.all(nodes.map((node) => node.command('INFO', 'replication')))).every(
        (info) =>
          !String(info).includes('role:slave') || String(info).includes('master_link_status:up'),
      ),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, ports: nodes.map((node) => node.port), stop };
}

/** The cluster bus uses the port + 10,000, so the port must be low enough. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 55_000) return port;
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise((resolve, reject) =>
    child.on('error', reject).on('exit', resolve),
  );
  if (code !== 0) throw new Error(`${program} failed: ${output}`);
}

/** Waits until the condition holds; fails after two minutes, which only a broken test reaches. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
): Promise<void> {
  for (let i = 0; i < 12_000; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not come true within two minutes.`);
}
