import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../support/fault-proxy.js';
import type { RedisServer } from '../support/redis.js';
import { between, pick, type Random } from './random.js';

/** Something that goes wrong, and is put right again before it settles. */
export interface Fault {
  readonly name: string;
  run(random: Random): Promise<void>;
}

/** All that may happen to Redis and to the way there. `longest` in ms: of a freeze or an outage. */
export function faultsOf(redis: RedisServer, proxy: FaultProxy, longest: number): readonly Fault[] {
  const held = (name: string, on: () => void, off: () => void): Fault => ({
    name,
    async run(random) {
      on();
      await sleep(between(random, 300, longest));
      off();
    },
  });
  const asked = (name: string, ...command: string[]): Fault => ({
    name,
    async run() {
      await redis.command(...command).catch(() => undefined);
    },
  });
  return [
    {
      name: 'kill and restart',
      async run(random) {
        await redis.kill();
        await sleep(between(random, 0, longest / 2));
        await redis.restart();
      },
    },
    held(
      'freeze',
      () => redis.freeze(),
      () => redis.thaw(),
    ),
    held(
      'black hole',
      () => proxy.swallow('both'),
      () => proxy.pass(),
    ),
    held(
      'black hole towards the client',
      () => proxy.swallow('to client'),
      () => proxy.pass(),
    ),
    held(
      'delay of 150 ms',
      () => proxy.delay(150),
      () => proxy.pass(),
    ),
    held(
      'delay of 600 ms',
      () => proxy.delay(600),
      () => proxy.pass(),
    ),
    held(
      'refused connections',
      () => proxy.refuse(),
      () => proxy.pass(),
    ),
    { name: 'reset', run: async () => proxy.reset() },
    { name: 'half close', run: async () => proxy.halfClose() },
    { name: 'garbage', run: async () => proxy.garbage() },
    { name: 'truncated answer', run: async () => proxy.truncate(3) },
    asked('CLIENT KILL', 'CLIENT', 'KILL', 'TYPE', 'normal'),
    asked('CLIENT PAUSE', 'CLIENT', 'PAUSE', '400', 'ALL'),
    asked('FLUSHALL', 'FLUSHALL'),
    asked('SCRIPT FLUSH', 'SCRIPT', 'FLUSH'),
    {
      name: 'eviction',
      async run(random) {
        // everything is a candidate: values, markers, clocks, leases, the stream
        await redis
          .command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
          .catch(() => undefined);
        await redis.command('CONFIG', 'SET', 'maxmemory', '1200kb').catch(() => undefined);
        await sleep(between(random, 300, longest));
        await redis.command('CONFIG', 'SET', 'maxmemory', '0').catch(() => undefined);
      },
    },
    {
      name: 'out of memory without eviction',
      async run(random) {
        await redis
          .command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
          .catch(() => undefined);
        await redis.command('CONFIG', 'SET', 'maxmemory', '600kb').catch(() => undefined);
        await sleep(between(random, 300, longest));
        await redis.command('CONFIG', 'SET', 'maxmemory', '0').catch(() => undefined);
      },
    },
  ];
}

/**
 * One fault after the other, with a rest in between, until the time has passed. Returns how often
 * each came.
 */
export async function trouble(
  faults: readonly Fault[],
  random: Random,
  ms: number,
  rest: { readonly least: number; readonly most: number },
): Promise<Record<string, number>> {
  const until = performance.now() + ms;
  const counts: Record<string, number> = {};
  // each once before any comes again, when there is time for it
  let waiting: Fault[] = [];
  while (performance.now() < until) {
    await sleep(between(random, rest.least, rest.most));
    if (waiting.length === 0) waiting = [...faults];
    const fault = pick(random, waiting);
    waiting = waiting.filter((other) => other !== fault);
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    if (process.env.CHAOS_TRACE !== undefined) process.stdout.write(`  fault: ${fault.name}\n`);
    await fault.run(random);
  }
  return counts;
}
