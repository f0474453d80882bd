import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createClient } from 'redis';
import { findRedis } from '../../find-redis.mjs';
import { sleep } from './within.mjs';

/** A Redis of its own on a free loopback port, in memory only, ended by its pid. */
export async function startRedis() {
  const { bin, version, problem } = findRedis() ?? {
    problem: 'No redis-server was found. Install one, or name it in REDIS_SERVER_BIN.',
  };
  if (bin === undefined) throw new Error(problem);
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child = await launch(bin, port, url);
  const endWithUs = () => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    host: '127.0.0.1',
    port,
    url,
    version,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    async restart() {
      await kill();
      child = await launch(bin, port, url);
    },
    /** Is there a key whose name contains this text? */
    async holds(text) {
      return within(
        url,
        async (client) =>
          (await client.sendCommand(['SCAN', '0', 'MATCH', `*${text}*`, 'COUNT', '100000']))[1]
            .length > 0,
      );
    },
    clear: () => within(url, (client) => client.sendCommand(['FLUSHALL'])),
    async stop() {
      await kill();
      process.off('exit', endWithUs);
    },
  };
}

async function within(url, work) {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 1_000 } });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

async function launch(bin, port, url) {
  const args = [
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
  const child = spawn(bin, args, { stdio: 'ignore' });
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) break;
    try {
      await within(url, (client) => client.ping());
      return child;
    } catch {
      await sleep(20);
    }
  }
  child.kill('SIGKILL');
  throw new Error(`${bin} did not answer on port ${port} within 4 s.`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
