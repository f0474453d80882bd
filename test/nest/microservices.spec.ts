import { isDeepStrictEqual } from 'node:util';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Module,
  type NestApplicationOptions,
} from '@nestjs/common';
import type { NestMicroserviceOptions } from '@nestjs/common/interfaces/microservices/nest-microservice-options.interface.js';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  Ctx,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cacheable, CacheKey, CacheModule, CacheService, createCache } from '../../lib/index.js';
import { CacheInvalidationController } from '../../lib/http.js';
import { RedisBackend } from '../../lib/redis.js';
import { adapterFor, PLATFORMS } from './http/support.js';
import { freePort, type RedisServer, startRedis, until } from '../support/redis.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const runs: string[] = [];

@Controller()
class Balances {
  @Cacheable({ tags: ['balances'] })
  @MessagePattern('balance')
  async balance(
    @Payload() query: { account: number },
    @Ctx() context: object,
  ): Promise<{ account: number; at: Date }> {
    runs.push(`balance ${String(query.account)} ${typeof context}`);
    return { account: query.account, at: new Date(0) };
  }

  @MessagePattern('bare')
  @Cacheable()
  async bare(account: number): Promise<number> {
    runs.push(`bare ${String(account)}`);
    return account;
  }

  @MessagePattern('failing')
  @Cacheable()
  async failing(): Promise<number> {
    runs.push('failing');
    return await Promise.reject(new Error('no'));
  }
}

@Module({ imports: [CacheModule.forRoot()], controllers: [Balances] })
class MessagesModule {}

describe.each(['TCP', 'Redis'])('message handlers over %s', (transport) => {
  it('are cached by their payload; what the transport injects is not in the key, and errors are not stored', async () => {
    const options: MicroserviceOptions =
      transport === 'TCP'
        ? { transport: Transport.TCP, options: { host: '127.0.0.1', port: await freePort() } }
        : { transport: Transport.REDIS, options: { host: '127.0.0.1', port: redis.port } };
    runs.length = 0;
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(
      MessagesModule,
      Object.assign(Object.create(null) as NestMicroserviceOptions & MicroserviceOptions, options, {
        logger: false as const,
      }),
    );
    await app.listen();
    const client = ClientProxyFactory.create(
      options as Parameters<typeof ClientProxyFactory.create>[0],
    );
    const send = (pattern: string, payload: unknown): Promise<unknown> =>
      firstValueFrom(client.send<unknown>(pattern, payload));
    try {
      for (let i = 0; i < 2; i++) {
        expect(await send('balance', { account: 7 })).toEqual({
          account: 7,
          at: new Date(0).toISOString(),
        });
        expect(await send('bare', 7)).toBe(7);
        await expect(send('failing', 7)).rejects.toBeDefined();
      }
      expect(await send('balance', { account: 8 })).toMatchObject({ account: 8 });
      expect(runs).toEqual([
        'balance 7 object',
        'bare 7',
        'failing',
        'failing',
        'balance 8 object',
      ]);
      await app.get(CacheService).invalidate({ tags: ['balances'] });
      await send('balance', { account: 7 });
      expect(runs).toHaveLength(6);
    } finally {
      await client.close();
      await app.close();
    }
  });
});

/** With what has to be encoded, and what libraries of other languages encode or not. */
const TAG = "account:7~ü 'x'*";

/** The scripts as the page prints them. */
function contract(name: string): string {
  const page = readFileSync(new URL('../../docs/microservices.md', import.meta.url), 'utf8');
  const script = new RegExp(`<!-- contract: ${name} -->\\s+\`\`\`lua\\n([^]*?)\`\`\``).exec(
    page,
  )?.[1];
  if (script === undefined) throw new Error(`docs/microservices.md has no script "${name}".`);
  return script;
}

interface Spoken {
  readonly key?: string;
  /** A tenant, or nothing. */
  readonly scope?: string;
  readonly group?: readonly ['*'] | readonly ['t' | 's', name: string];
}

/**
 * Another language, that makes the names itself: Python where there is one, else the command line
 * of Redis.
 */
function speak(namespace: string, said: Spoken): void {
  const { port } = redis;
  const script = contract(said.key === undefined ? 'group' : 'key');
  const python = spawnSync('python3', [fileURLToPath(new URL('invalidate.py', import.meta.url))], {
    input: JSON.stringify({ ...said, port, namespace, script }),
    encoding: 'utf8',
  });
  if (python.error === undefined) {
    expect(python.stderr).toBe('');
    expect(python.status).toBe(0);
    return;
  }
  const { key, scope = '', group: [kind = '*', name] = ['*'] } = said;
  const encoded = (text: string): string =>
    encodeURIComponent(text).replace(
      /[!'()*~]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const notices = `${namespace}:{~}:n`;
  const group = name === undefined ? kind : `${kind}:${encoded(name)}`;
  const head = `${namespace}:{~${encoded(scope)}}:`;
  const entryName = `${namespace}:{${key ?? ''}}`;
  const words =
    key === undefined
      ? ['3', `${head}c`, `${head}m:${group}`, notices, encoded(scope), group]
      : ['4', entryName, `${entryName}:l`, `${entryName}:w`, notices, key];
  const line = spawnSync(
    'redis-cli',
    ['-e', '-p', String(port), 'EVAL', script, ...words, 'redis-cli'],
    { encoding: 'utf8' },
  );
  expect([line.error, line.status, line.stderr]).toEqual([undefined, 0, '']);
}

describe('another language, by the scripts of the page', () => {
  it.each<[string, Spoken, string[]]>([
    ['a tag in the namespace', { group: ['t', TAG] }, ['k']],
    ['a tag of a tenant', { scope: '42', group: ['t', TAG] }, ['tenant:42/segment:entries/page=1']],
    [
      'a segment of a tenant',
      { scope: '42', group: ['s', 'entries'] },
      ['tenant:42/segment:entries/page=1'],
    ],
    ['a tenant', { scope: '42', group: ['*'] }, ['tenant:42/segment:entries/page=1']],
    ['everything', { group: ['*'] }, ['k', 'tenant:42/segment:entries/page=1']],
  ])('invalidates %s, for L2 and for the L1 of another process', async (_, said, gone) => {
    await withTwoCaches(async (caches, namespace) => {
      speak(namespace, { scope: '', ...said });
      await expectGone(caches, gone);
    });
  });

  it('deletes a key, for L2 and for the L1 of another process', async () => {
    await withTwoCaches(async (caches, namespace) => {
      const key = 'tenant:42/segment:entries/page=1';
      speak(namespace, { key });
      await expectGone(caches, [key]);
    });
  });

  it('keeps a load that began before from being stored after', async () => {
    await withTwoCaches(async ([, plain], namespace) => {
      let land = (): void => undefined;
      const loading = plain.getOrSet(
        'slow',
        () => new Promise<string>((resolve) => (land = () => resolve('old'))),
        { tags: ['t'] },
      );
      await until(() => plain.stats().cache_productions > 0);
      speak(namespace, { scope: '', group: ['t', 't'] });
      land();
      expect(await loading).toBe('old');
      await plain.drain();
      expect(await plain.getOrSet('slow', () => 'new', { tags: ['t'] })).toBe('new');
    });
  });
});

const entry = CacheKey.builder().tenant(42).segment('entries').param('page', 1).build();
const TEXTS = ['segment:k', entry.toString()];
let namespaces = 0;

/** One with L1 and one without, both warm. */
async function withTwoCaches(
  task: (caches: readonly [CacheService, CacheService], namespace: string) => Promise<void>,
): Promise<void> {
  const namespace = `contract-${String(++namespaces)}`;
  const open = (l1: boolean): CacheService =>
    createCache({ backend: new RedisBackend({ url: redis.url }), namespace, l1 });
  const caches = [open(true), open(false)] as const;
  try {
    for (const cache of caches) {
      await until(async () => {
        await cache.getOrSet('probe', () => 1);
        return cache.stats().cache_hits > 0;
      });
      for (let i = 0; i < 2; i++) {
        await cache.getOrSet('k', () => 'k', { tags: [TAG] });
        await cache.getOrSet(entry, () => 'entry', { tags: [TAG] });
        await cache.drain();
      }
    }
    await until(async () => {
      await caches[0].get(entry);
      await caches[0].get('k');
      return caches[0].stats().cache_l1_hits > 2;
    }, 'a hit in L1');
    await task(caches, namespace);
  } finally {
    await Promise.all(caches.map((cache) => cache.close()));
  }
}

async function expectGone(caches: readonly CacheService[], gone: readonly string[]): Promise<void> {
  expect(TEXTS).toHaveLength(2);
  const expected = [
    gone.includes('k') ? undefined : 'k',
    gone.includes(entry.toString()) ? undefined : 'entry',
  ];
  for (const cache of caches) {
    // L2 at once; L1 when the notice has crossed.
    let found: unknown[] = [];
    const isDone = async () =>
      isDeepStrictEqual((found = [await cache.get('k'), await cache.get(entry)]), expected);
    await until(isDone, 'what is gone to be gone, and the rest to be there').catch(() => undefined);
    expect(found).toEqual(expected);
  }
}

class Secret implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined> }>();
    if (headers['x-secret'] !== 'yes') throw new ForbiddenException();
    return true;
  }
}

describe.each(PLATFORMS)('the HTTP endpoint for invalidations on %s', (platform) => {
  it('is not made without a guard, nor without a path', () => {
    expect(() => CacheInvalidationController.forRoot({ path: 'x', guard: [] })).toThrow(
      /guard must be a guard class .* anyone who reaches the endpoint can empty the cache/,
    );
    expect(() => CacheInvalidationController.forRoot({ path: 'x' } as never)).toThrow(
      /guard must be/,
    );
    expect(() =>
      CacheInvalidationController.forRoot({ path: 'x', guard: Secret, cache: '' }),
    ).toThrow('cache must be a string of 1 to 100 characters; got ""');
    expect(() => CacheInvalidationController.forRoot({ path: '', guard: Secret })).toThrow(
      /path must be a path such as 'internal\/cache'; got ""/,
    );
  });

  it('invalidates what the body names, and refuses strangers and bodies that say nothing', async () => {
    @Module({
      imports: [CacheModule.forRoot(), CacheModule.forRoot({ name: 'reports' })],
      controllers: [
        CacheInvalidationController.forRoot({ path: 'internal/cache', guard: Secret }),
        CacheInvalidationController.forRoot({
          path: 'internal/reports',
          guard: new Secret(),
          cache: 'reports',
        }),
      ],
    })
    class AppModule {}
    const app = await NestFactory.create(
      AppModule,
      adapterFor(platform),
      Object.assign(Object.create(null) as NestApplicationOptions, { logger: false }),
    );
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const post = async (
      body: unknown,
      path = 'cache',
      secret = 'yes',
    ): Promise<[number, unknown]> => {
      const headers = { 'content-type': 'application/json', 'x-secret': secret };
      const response = await fetch(`http://127.0.0.1:${String(port)}/internal/${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return [response.status, await response.json()];
    };
    const cache = app.get(CacheService);
    const warm = async (): Promise<void> => {
      await cache.set(entry, 'entry', { tags: ['t'] });
      await cache.set('k', 'k', { tags: ['t'] });
    };
    try {
      await warm();
      expect((await post({ tags: ['t'] }, 'cache', 'no'))[0]).toBe(403);
      for (const body of [
        {},
        [],
        null,
        { tag: ['t'] },
        { tags: 't' },
        { keys: [7] },
        { keys: [{ id: 1 }] },
        { keys: [{}] },
        { tags: ['t'], mode: 'x' },
        { tenant: {} },
      ]) {
        const [status, answer] = await post(body);
        expect([status, (answer as { message?: unknown }).message], JSON.stringify(body)).toEqual([
          400,
          expect.any(String),
        ]);
      }
      const [refused, many] = await post({
        tags: Array.from({ length: 65 }, (_, i) => `t${String(i)}`),
      });
      expect([refused, many]).toEqual([
        400,
        expect.objectContaining({
          message: expect.stringContaining('at most 64 tags; got 65') as string,
        }),
      ]);
      expect(await post({ tags: ['t'] }, 'reports')).toEqual([200, { durable: true }]);
      expect([await cache.get(entry), await cache.get('k')]).toEqual(['entry', 'k']);

      expect(
        await post({ keys: ['k', { tenant: 42, segment: 'entries', params: { page: 1 } }] }),
      ).toEqual([200, { durable: true }]);
      expect([await cache.get(entry), await cache.get('k')]).toEqual([undefined, undefined]);
      await warm();
      await post({ tenant: 42, tags: ['t'] });
      expect([await cache.get(entry), await cache.get('k')]).toEqual([undefined, 'k']);
    } finally {
      await app.close();
    }
  });
});
