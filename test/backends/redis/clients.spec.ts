import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient, createCluster } from 'redis';
import { RedisBackend } from '../../../lib/redis.js';
import {
  freePort,
  type RedisServer,
  startRedis,
  startRedisOn,
  until,
} from '../../support/redis.js';
import { freshNamespace, listen } from './open.js';

let redis: RedisServer;
const ends: (() => Promise<unknown> | void)[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(() => redis.stop());

const connections = async (): Promise<number> =>
  String(await redis.command('CLIENT', 'LIST'))
    .trim()
    .split('\n').length - 1;

describe('what the backend opened', () => {
  it('is one link for commands and one per listening cache, and gone after close', async () => {
    const before = await connections();
    const backend = new RedisBackend({ url: redis.url });
    const { store } = {
      store: backend.openShared({
        namespace: freshNamespace(),
        clock: { now: () => Date.now(), after: () => () => undefined },
        report: () => undefined,
      }),
    };
    await store.set('k', 'v', 1_000);
    expect((await connections()) - before).toBe(1);
    store.subscribe(() => undefined);
    await until(() => store.isCoherent());
    expect((await connections()) - before).toBe(2);
    await backend.close();
    await backend.close();
    await until(async () => (await connections()) === before, 'the links being closed');
    await expect(store.set('k', 'v', 1_000)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_UNAVAILABLE',
    });
    expect(store.state).toBe('down');
    expect(store.isCoherent()).toBe(false);
  });

  it('is shared by several caches, each in its own namespace', async () => {
    const [a, b] = [
      listen({ url: redis.url, commandTimeout: '2s' }),
      listen({ url: redis.url, commandTimeout: '2s' }),
    ];
    ends.push(a.close, b.close);
    await a.store.set('k', 'a', 60_000);
    await b.store.set('k', 'b', 60_000);
    expect(
      (await a.store.read({ key: 'k', scopes: [], withLease: false, text: true })).stored,
    ).toBe('a');
  });

  it('does not keep a process alive after close, whether Redis is there or not', async () => {
    const script = `
      import { RedisBackend } from './lib/redis.ts';
      for (const url of ['${redis.url}', 'redis://127.0.0.1:${String(await freePort())}']) {
        const backend = new RedisBackend({ url });
        const store = backend.openShared({ namespace: 'exit', clock: { now: () => Date.now(), after: () => () => {} }, report: () => {} });
        store.subscribe(() => {});
        await store.set('k', 'v', 1000).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 300));
        await backend.close();
      }
      console.log('closed');`;
    const child = spawn(
      process.execPath,
      ['--import', './test/support/typescript.mjs', '--input-type=module', '-e', script],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect([code, output.trim()]).toEqual([0, 'closed']);
  });
});

describe('a client that was given', () => {
  it('is used, and is open and unharmed after close', async () => {
    const client = createClient({ url: redis.url });
    await client.connect();
    ends.push(() => {
      client.destroy();
    });
    const before = await connections();
    const one = listen({ client, commandTimeout: '2s' });
    await one.store.set('k', 'v', 60_000);
    await until(() => one.store.isCoherent());
    expect((await connections()) - before).toBe(1);
    await one.close();
    expect(client.isReady).toBe(true);
    await until(async () => (await connections()) === before);
    expect(await client.get('nothing')).toBeNull();
  });

  it('is connected when it is not, and its own settings do not change what is read', async () => {
    const client = createClient({
      url: redis.url,
      RESP: 2,
      commandOptions: { typeMapping: { 36: Buffer } },
    });
    ends.push(() => {
      client.destroy();
    });
    const one = listen({ client, commandTimeout: '2s' });
    ends.push(one.close);
    await until(() =>
      one.store.set('k', 'text', 60_000).then(
        () => true,
        () => false,
      ),
    );
    expect(
      (await one.store.read({ key: 'k', scopes: [], withLease: false, text: true })).stored,
    ).toBe('text');
    await until(() => one.store.isCoherent());
    const other = listen({ url: redis.url }, 'other');
    ends.push(other.close);
  });

  it('and was closed by its owner is down, with a reason, until it is connected again', async () => {
    const client = createClient({ url: redis.url });
    ends.push(() => {
      client.destroy();
    });
    const { backend, close } = listen({ client, commandTimeout: '2s' });
    ends.push(close);
    await until(() => backend.status().state === 'up' && client.isReady);
    await backend.get('k');
    expect(backend.status()).toEqual({ state: 'up', connects: 1, lastError: undefined });
    await client.close();
    expect(backend.status()).toEqual({
      state: 'down',
      connects: 1,
      lastError: 'the client is not connected.',
    });
    await expect(backend.get('k')).rejects.toThrow(/the client is not connected/);
    await until(() => backend.status().connects === 2);
    expect(backend.status()).toMatchObject({ state: 'up', lastError: undefined });
  });

  it('without an error listener does not end the process when Redis goes away, and heals by itself', async () => {
    const port = await freePort();
    let own = await startRedisOn(port);
    ends.push(() => own.stop());
    const client = createClient({ url: own.url });
    ends.push(() => {
      client.destroy();
    });
    const one = listen({ client });
    ends.push(one.close);
    const works = (): Promise<boolean> =>
      one.store.set('k', 'v', 1_000).then(
        () => true,
        () => false,
      );
    await until(works);
    await own.kill();
    await until(() => one.store.state === 'down');
    await expect(one.store.set('k', 'v', 1_000)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_UNAVAILABLE',
    });
    own = await startRedisOn(port);
    await until(works);
    await until(() => one.store.isCoherent());
  });

  it('that is frozen makes no call wait once that is known', async () => {
    const own = await startRedis();
    ends.push(() => own.stop());
    const client = createClient({ url: own.url });
    await client.connect();
    ends.push(() => {
      client.destroy();
    });
    const one = listen({ client });
    ends.push(one.close);
    await one.store.set('k', 'v', 1_000);
    own.freeze();
    await expect(one.store.set('k', 'v', 1_000)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_TIMEOUT',
    });
    await until(() => one.store.state === 'down');
    await expect(one.store.set('k', 'v', 1_000)).rejects.toMatchObject({
      code: 'CACHE_BACKEND_UNAVAILABLE',
    });
    own.thaw();
    await until(() => one.store.state === 'up');
    await one.store.set('k', 'v', 1_000);
  });
});

describe('options', () => {
  it('that cannot work are refused with what was expected, and never show the URL', () => {
    const wrong: [ConstructorParameters<typeof RedisBackend>[0], RegExp][] = [
      [{ url: 'http://:canary@x' }, /url must look like redis:\/\/localhost:6379.*http:/],
      [{ url: ':canary@' }, /something that is no URL/],
      [
        { url: 'redis://a', cluster: { rootNodes: [] } },
        /one of url, client, cluster and sentinel; got url and cluster/,
      ],
      [{ commandTimeout: '1ms' }, /commandTimeout must be from 10 ms to 60000 ms; got 1 ms/],
      [{ connectTimeout: 1e9 }, /connectTimeout/],
      [{ noticesKept: 1.5 }, /noticesKept must be a whole number/],
      [{ sentinel: { name: 'm', nodes: [] } }, /at least one node/],
      [{ host: 'x' } as object, /Unknown option of RedisBackend "host"\. Options are: client, /],
      [null as never, /plain object of options, such as .*; got null/],
      ['redis://:canary@localhost' as never, /plain object of options, such as .*; got a string/],
      [new Map() as never, /plain object of options, such as .*; got an instance of Map/],
      [
        createClient(),
        /got a client where its options belong\. Give it as an option: new RedisBackend\(\{ client \}\)/,
      ],
      [createCluster({ rootNodes: [{}] }) as never, /got a client where its options belong/],
      [{ url: 5 as never }, /something that is no URL/],
      [
        { url: 'redis://:canary%ss@localhost' },
        /a user or password with a % that begins no escape: write it as %25/,
      ],
      [{ url: 'redis://:canary@localhost/abc' }, /a path that is not the number of a database/],
      [
        { options: { url: 'redis://:canary@localhost/abc' } },
        /a path that is not the number of a database/,
      ],
      [{ options: 5 as never }, /option options must be an object such as .*; got 5/],
      [{ client: null as never }, /client must be a client of the redis package: .*; got null/],
      [{ client: {} as never }, /client must be a client of the redis package: .*; got an object/],
      [
        { client: 'redis://:canary@x' as never },
        /client must be a client of the redis package: .*; got a string/,
      ],
      [
        { cluster: {} as never },
        /cluster\.rootNodes must be an array of at least one object such as/,
      ],
      [{ cluster: 'x' as never }, /cluster must be an object such as/],
      [{ sentinel: { name: 'm' } as never }, /at least one node \{ host, port \}/],
      [
        { sentinel: { name: 'm', nodes: [{ host: 'x' }] } as never },
        /at least one node \{ host, port \}/,
      ],
      [
        { sentinel: null as never },
        /at least one node \{ host, port \}|sentinel must be an object/,
      ],
    ];
    for (const [options, message] of wrong) {
      let thrown: unknown;
      try {
        new RedisBackend(options);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({
        code: 'CACHE_CONFIG',
        message: expect.stringMatching(message) as string,
      });
      expect(String((thrown as Error).stack) + JSON.stringify(thrown)).not.toContain('canary');
    }
  });
});
