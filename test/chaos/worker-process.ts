import { setTimeout as sleep } from 'node:timers/promises';
import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import type { CacheService } from '../../lib/core/cache.js';
import { createCache } from '../../lib/create-cache.js';
import { Actor } from './actor.js';
import { Database } from './database.js';
import { History, monotonic } from './history.js';
import type { Answers, Command, OpenOptions, Production } from './worker-messages.js';
import { isOf, World } from './world.js';

/** One process of the fleet: it holds a cache and does what it is told over IPC. */
class Worker {
  readonly history = new History();
  readonly productions: Production[] = [];
  events: Record<string, number> = {};
  #heapAtStart = 0;
  #cache: CacheService | undefined;
  #actor: Actor | undefined;
  #database: Database | undefined;

  get cache(): CacheService {
    if (this.#cache === undefined) throw new Error('No cache is open.');
    return this.#cache;
  }
  get actor(): Actor {
    if (this.#actor === undefined) throw new Error('No cache is open.');
    return this.#actor;
  }

  async open(options: OpenOptions): Promise<Answers['open']> {
    const { url, rows, processes, index, databasePort, cache } = options;
    this.#heapAtStart = usedHeap();
    this.history.clear();
    this.productions.length = 0;
    const events: Record<string, number> = (this.events = {});
    this.#database = new Database(databasePort);
    const opened = createCache({
      ...cache,
      ...(url === undefined
        ? {}
        : { backend: new RedisBackend({ url, commandTimeout: options.commandTimeout ?? 250 }) }),
    });
    opened.events.on((event) => {
      const name = event.type;
      events[name] = (events[name] ?? 0) + 1;
    });
    this.#cache = opened;
    this.#actor = new Actor(
      index,
      opened,
      new World(rows, processes),
      this.#database,
      this.history,
    );
    await opened.get('warm');
    return {};
  }

  /**
   * Many callers of rows at one moment. Tells the parent when every production of this process is
   * under way.
   */
  async burst(command: Extract<Command, { do: 'burst' }>): Promise<Answers['burst']> {
    const { rows, callers, producerMs, at, lagMs = 0, hold = false } = command;
    while (monotonic() < at) await new Promise((resolve) => setImmediate(resolve));
    let started = 0;
    const began = monotonic();
    const results = await Promise.allSettled(
      rows.flatMap((id) =>
        Array.from({ length: callers }, () => {
          const row = this.actor.world.row(id);
          return this.cache.getOrSet(
            row.key,
            async () => {
              const start = monotonic();
              const version = (await this.#database?.read(id, lagMs)) ?? 0;
              if (hold && ++started === rows.length) process.send?.({ event: 'holding' });
              await sleep(producerMs);
              this.productions.push({ row: id, version, start, end: monotonic() });
              return { tenant: row.tenant ?? null, id, version };
            },
            { ttl: '60s', tags: row.tags },
          );
        }),
      ),
    );
    const versions = results.map((result) =>
      result.status === 'fulfilled' && typeof result.value.version === 'number'
        ? result.value.version
        : -1,
    );
    return {
      began,
      versions,
      failed: results.filter((result) => result.status === 'rejected').length,
    };
  }

  async look(rows: readonly number[]): Promise<Answers['look']> {
    return Promise.all(
      rows.map(async (id) => {
        const row = this.actor.world.row(id);
        const value = await this.cache.get(row.key);
        if (value === undefined) return undefined;
        return isOf(row, value) ? value.version : -1;
      }),
    );
  }

  async close(): Promise<Answers['close']> {
    await this.cache.drain();
    const { flights, journal, background } = this.cache.stats();
    const start = performance.now();
    await this.cache.close();
    const closeMs = performance.now() - start;
    this.#database?.close();
    this.#cache = undefined;
    this.#actor = undefined;
    this.#database = undefined;
    this.history.clear();
    this.productions.length = 0;
    for (let i = 0; i < 20; i++) await sleep(5);
    const heapGrowthMb = (usedHeap() - this.#heapAtStart) / 1_048_576;
    const timers = process
      .getActiveResourcesInfo()
      .filter((name) => name === 'Timeout' || name === 'Immediate').length;
    return { flights, journal, background, closeMs, heapGrowthMb, timers };
  }

  async obey(command: Command): Promise<unknown> {
    switch (command.do) {
      case 'open':
        return this.open(command.options);
      case 'run':
        return this.actor.run(command.work);
      case 'history':
        return this.history.cells();
      case 'burst':
        return this.burst(command);
      case 'look':
        return this.look(command.rows);
      case 'delete':
        return this.cache.delete(this.actor.world.row(command.row).key);
      case 'invalidate':
        return this.cache.invalidate(command.request);
      case 'state':
        return { stats: this.cache.stats(), productions: this.productions, events: this.events };
      case 'close':
        return this.close();
    }
  }
}

function usedHeap(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const worker = new Worker();
for (const what of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(what, (error: unknown) =>
    process.send?.({
      event: 'unhandled',
      error: error instanceof Error ? String(error.stack) : String(error),
    }),
  );
}
process.on('warning', (warning) =>
  process.send?.({ event: 'warning', error: String(warning.stack) }),
);
process.on('message', ({ id, command }: { id: number; command: Command }) => {
  worker.obey(command).then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) =>
      process.send?.({ id, error: error instanceof Error ? String(error.stack) : String(error) }),
  );
});
// Ends with its parent.
process.on('disconnect', () => process.exit(0));
process.send?.({ event: 'ready' });
