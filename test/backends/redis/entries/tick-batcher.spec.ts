import { describe, expect, it } from 'vitest';
import type { NamespaceParts } from '../../../../lib/backends/redis/entries/batch.js';
import { RedisKeys } from '../../../../lib/backends/redis/entries/redis-keys.js';
import { ScriptRunner } from '../../../../lib/backends/redis/entries/script-runner.js';
import { FILL, FILL_AND_ENSURE } from '../../../../lib/backends/redis/entries/scripts.js';
import { OversizedValues } from '../../../../lib/backends/redis/entries/oversized.js';
import { TickBatcher } from '../../../../lib/backends/redis/entries/tick-batcher.js';
import type {
  Command,
  ReplyHandler,
} from '../../../../lib/backends/redis/connection/client-adapter.js';
import type { Connection } from '../../../../lib/backends/redis/connection/connection.js';
import { NoticePublisher } from '../../../../lib/backends/redis/notices/publisher.js';
import type { ReadRequest } from '../../../../lib/ports/shared-backend.js';

/** A batcher over a connection whose replies a test decides. */
function batcherOver(
  reply: (command: Command, name: string) => unknown,
  kind: 'single' | 'cluster' = 'single',
) {
  const sent: string[] = [];
  const commands: Command[] = [];
  const send = async (command: Command): Promise<unknown> => {
    const name = `${String(command.args[0])} ${command.name ?? ''}`.trim();
    sent.push(name);
    commands.push(command);
    await Promise.resolve();
    return reply(command, name);
  };
  const connection = {
    kind,
    commandTimeout: 250,
    send,
    sendTo: ({ resolve, reject }: ReplyHandler, command: Command) => {
      send(command).then(resolve, reject);
    },
  } as unknown as Connection;
  const names = new RedisKeys('ns');
  const scripts = new ScriptRunner(connection);
  const publisher = new NoticePublisher(connection, scripts, names.stream, 'me', 1_000);
  const parts: NamespaceParts = {
    connection,
    names,
    scripts,
    publisher,
    learnTime: () => undefined,
  };
  return {
    batcher: new TickBatcher(parts, new OversizedValues(parts, Infinity, () => undefined)),
    sent,
    commands,
  };
}

const keysOf = ({ args }: Command): number => Number(args[2]);
/** Replies as a server without any value or lease. */
function emptyServer(command: Command, name: string): unknown {
  switch (name) {
    case 'MGET read':
      return command.args.slice(1).map(() => null);
    case 'EVALSHA lease':
      return [1_000, ...new Array<number>(keysOf(command) / 3).fill(0)];
    case 'EVALSHA fill':
      return new Array<number>(Number(command.args[3 + keysOf(command) + 3])).fill(1);
    case 'EVALSHA release':
      return new Array<number>(Math.floor(keysOf(command) / 2)).fill(0);
    default:
      return ['1000', '5', ...new Array<string>(keysOf(command)).fill('5')];
  }
}
const scopes = [{ scope: '', groups: ['*', 't:a'] }];
const readOf = (key: string, more: Partial<ReadRequest> = {}): ReadRequest => ({
  key,
  scopes,
  withLease: false,
  text: true,
  ...more,
});
const keys = Array.from({ length: 64 }, (_, i) => `k${String(i)}`);

describe('TickBatcher', () => {
  it('sends the requests of a tick in one round trip, reads last', async () => {
    const { batcher, sent } = batcherOver(emptyServer);
    await Promise.all([
      batcher.read(readOf('a')),
      batcher.ensure({ scopes, keepMs: 1_000 }),
      batcher.lease({ key: 'a', token: 'A', leaseMs: 1_000 }),
      batcher.fill({ key: 'b', token: 'B', payload: 'v', ttlMs: 1_000 }),
      batcher.release('c', 'C'),
    ]);
    expect(sent).toEqual([
      'EVALSHA release',
      'EVALSHA fill',
      'EVALSHA lease',
      'EVALSHA ensure',
      'MGET read',
    ]);
  });

  it('sends one command of each kind for 64 loads, also when they come from microtasks', async () => {
    const { batcher, sent } = batcherOver(emptyServer);
    const depth = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await Promise.resolve();
    };
    await Promise.all(
      keys.map(async (key, i) => {
        await depth(i % 7);
        const lease = batcher.lease({ key, token: key, leaseMs: 1_000 });
        await Promise.all([lease, batcher.read(readOf(key, { scopes: [] }))]);
        await depth(i % 5);
        await batcher.fill({ key, token: key, payload: 'v', ttlMs: 1_000 });
        await batcher.release(key, key);
      }),
    );
    expect(sent).toEqual(['EVALSHA lease', 'MGET read', 'EVALSHA fill', 'EVALSHA release']);
  });

  it('sends leases before a batch of reads that is full before the tick ends', async () => {
    const { batcher, sent } = batcherOver(emptyServer);
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => String(i)).flatMap((key) => [
        batcher.lease({ key, token: key, leaseMs: 1_000 }),
        batcher.read(readOf(key)),
      ]),
    );
    expect(sent.length).toBe(6);
    expect(sent.map((name) => name.slice(-5))).toEqual([
      ...['lease', ' read', 'lease', ' read', 'lease', ' read'],
    ]);
  });

  it('shares one position and one promise among equal reads of a tick', async () => {
    const { batcher, commands } = batcherOver(emptyServer);
    const first = batcher.read(readOf('a'));
    const reads = Array.from({ length: 10_000 }, () => batcher.read(readOf('a')));
    expect(new Set([first, ...reads]).size).toBe(1);
    const others = [
      batcher.read(readOf('a', { withLease: true })),
      batcher.read(readOf('a', { scopes: [...scopes] })),
      batcher.read(readOf('b')),
    ];
    expect(new Set([first, ...others]).size).toBe(4);
    await Promise.all([first, ...others]);
    expect(commands.map(({ args }) => args)).toEqual([
      [
        ...['MGET', 'ns:{a}', 'ns:{~}:c', 'ns:{~}:m:*', 'ns:{~}:m:t:a'],
        ...['ns:{a}', 'ns:{a}:l', 'ns:{a}', 'ns:{b}'],
      ],
    ]);
    expect(batcher.read(readOf('a'))).not.toBe(first);
  });

  it('reads a key once more when its lease was requested again after the read', async () => {
    let values = ['before'];
    const { batcher, sent } = batcherOver((command, name) => {
      if (name === 'EVALSHA lease') throw new Error('NOSCRIPT No matching script.');
      if (name === 'EVAL lease') {
        values = ['after'];
        return [1_000, 0];
      }
      return command.args.slice(1).map(() => values[0]);
    });
    const [, leased, other] = await Promise.all([
      batcher.lease({ key: 'a', token: 'A', leaseMs: 1_000 }),
      batcher.read(readOf('a', { scopes: [] })),
      batcher.read(readOf('b', { scopes: [] })),
    ]);
    expect([leased.stored, other.stored]).toEqual(['after', 'before']);
    expect(sent).toEqual(['EVALSHA lease', 'MGET read', 'EVAL lease', 'MGET read']);
  });

  it('names each clock and marker once in the fills of a tick', async () => {
    const { batcher, commands } = batcherOver(emptyServer);
    await Promise.all(
      ['a', 'b'].map((key) =>
        batcher.fill({
          ...{ key, token: key, payload: 'v', ttlMs: 1_000 },
          ensure: { scopes: [{ scope: '', groups: ['*', `t:${key}`] }], keepMs: 1_000 },
          refuseIfSettlingAfter: 77.5,
        }),
      ),
    );
    const [command] = commands;
    expect(command?.args.slice(3, 14)).toEqual([
      ...['ns:{~}:c', 'ns:{~}:m:*', 'ns:{~}:m:t:a', 'ns:{~}:m:t:b'],
      ...['ns:{a}', 'ns:{a}:l', 'ns:{a}:w', 'ns:{b}', 'ns:{b}:l', 'ns:{b}:w', 'ns:{~}:n'],
    ]);
    expect(command?.args.slice(17, 23)).toEqual([
      ...['2', '1', '4', '86400000', '172800000'],
      '0 1000 1000',
    ]);
    expect([command?.args[27], command?.args[32]]).toEqual(['77 2 3', '77 2 4']);
    expect(FILL_AND_ENSURE.source).toContain(FILL.source.slice(-200));
  });

  it('sends large values of a tick alone', async () => {
    const { batcher, commands } = batcherOver(emptyServer);
    const sizes = [100, 20_000, 100, 50_000, 100];
    await Promise.all(
      sizes.map((size, i) =>
        batcher.fill({ key: String(i), token: 't', payload: 'x'.repeat(size), ttlMs: 1_000 }),
      ),
    );
    expect(commands.map(keysOf)).toEqual([4, 4, 10]);
  });

  it('sends each lease and fill of a cluster alone, after the markers it needs', async () => {
    const { batcher, sent } = batcherOver(emptyServer, 'cluster');
    await Promise.all(
      ['a', 'b'].map((key) =>
        batcher.fill({
          ...{ key, token: key, payload: 'v', ttlMs: 1_000 },
          ensure: { scopes, keepMs: 1_000 },
        }),
      ),
    );
    await Promise.all(['a', 'b'].map((key) => batcher.lease({ key, token: key, leaseMs: 1_000 })));
    expect(sent).toEqual([
      'EVALSHA ensure',
      'EVALSHA fill',
      'EVALSHA fill',
      'EVALSHA lease',
      'EVALSHA lease',
    ]);
  });

  it('rejects requests at deadlines that are shorter than that of a command', async () => {
    const { batcher } = batcherOver(() => new Promise(() => undefined));
    const ended = await Promise.allSettled([
      batcher.read(readOf('a'), 5),
      batcher.lease({ key: 'a', token: 'A', leaseMs: 1_000 }, 20),
      batcher.ensure({ scopes, keepMs: 1_000 }, 30),
    ]);
    expect(
      ended.map((one) => one.status === 'rejected' && (one.reason as { code: unknown }).code),
    ).toEqual(new Array(3).fill('CACHE_BACKEND_TIMEOUT'));
  });
});
