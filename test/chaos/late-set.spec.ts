import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { createCache } from '../../lib/create-cache.js';
import { type RedisServer, startRedis, until } from '../support/redis.js';

/**
 * A network that breaks and still delivers, after it has healed, what was sent on connections that
 * were given up meanwhile: TCP goes on sending what a closed socket had not yet been acknowledged.
 */
async function startStubbornNetwork(target: number): Promise<{
  url: string;
  /** Breaks a connection at the moment it carries these words. */
  hold: (words: string) => void;
  /** New connections work again; what was held is not delivered yet. */
  heal: () => void;
  deliver: () => void;
  close: () => void;
}> {
  let caught = '';
  const held: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    let late = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk: Buffer) => {
      late ||= caught !== '' && chunk.includes(caught);
      if (late) held.push(() => void upstream.write(chunk));
      else upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (!late && !client.destroyed) client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `redis://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`,
    hold: (words) => (caught = words),
    heal: () => (caught = ''),
    deliver() {
      for (const one of held.splice(0)) one();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a value that was set while the network broke', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('does not come back when the network delivers it after all, later than the invalidations that followed', async () => {
    const network = await startStubbornNetwork(redis.port);
    const here = createCache({
      backend: new RedisBackend({ url: network.url }),
      namespace: 'late-set',
    });
    const there = createCache({
      backend: new RedisBackend({ url: redis.url }),
      namespace: 'late-set',
    });
    await until(
      async () => (await here.set('row', 'first', { ttl: '1h' })).durable,
      'the first set',
    );
    network.hold('an old value');
    expect(await here.set('row', 'an old value', { ttl: '1h' })).toEqual({ durable: false });
    network.heal();
    await until(() => here.stats().journal === 0, 'the replay');
    await until(async () => (await there.delete('row')).durable, 'the delete');
    expect(await there.get('row')).toBe(undefined);
    network.deliver();
    // everything that was held has been executed once this has been answered on a connection behind
    // it
    for (let i = 0; i < 20; i++) expect(await there.get('row')).toBe(undefined);
    await Promise.all([here.close(), there.close()]);
    network.close();
  });
});
