import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { OversizedValues } from '../../../../lib/backends/redis/entries/oversized.js';
import { RedisKeys } from '../../../../lib/backends/redis/entries/redis-keys.js';
import type { ScriptRunner } from '../../../../lib/backends/redis/entries/script-runner.js';
import type { CacheService } from '../../../../lib/core/cache.js';
import type { CacheEvent } from '../../../../lib/core/observe/events.js';
import { createCache } from '../../../../lib/create-cache.js';
import type { BackendProblem } from '../../../../lib/ports/backend.js';
import { RedisBackend } from '../../../../lib/redis.js';
import { type RedisServer, startRedis } from '../../../support/redis.js';
import { freshNamespace } from '../open.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

interface Opened {
  readonly cache: CacheService;
  readonly namespace: string;
  readonly events: CacheEvent[];
}

async function open(): Promise<Opened> {
  const namespace = freshNamespace();
  const backend = new RedisBackend({ url: redis.url, commandTimeout: '2s' });
  const cache = createCache({ backend, namespace, maxValueBytes: 1_000, backendTimeout: '2s' });
  onTestFinished(() => cache.close());
  const events: CacheEvent[] = [];
  await cache.set('ready', 1);
  cache.events.onProblem((event) => {
    if (event.type === 'corrupt' || event.type === 'backend_problem') events.push(event);
  });
  return { cache, namespace, events };
}

describe('a value that is larger than any entry', () => {
  it('is removed before it is read once more, and reported', async () => {
    const { cache, namespace, events } = await open();
    await redis.command('SET', `${namespace}:{segment:big}`, 'x'.repeat(200_000));
    expect(await cache.get('big')).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(['corrupt']);
    expect(await redis.command('EXISTS', `${namespace}:{segment:big}`)).toBe(1);
    expect(await cache.get('big')).toBeUndefined();
    const [, removed] = events;
    expect(removed).toMatchObject({ type: 'backend_problem', operation: 'read' });
    expect(String((removed as { error?: unknown } | undefined)?.error)).toMatch(
      /200000 bytes was removed: maxValueBytes \(1000\)/,
    );
    expect(await redis.command('EXISTS', `${namespace}:{segment:big}`)).toBe(0);
    await cache.getOrSet('big', async () => 'new');
    await cache.drain();
    expect(await cache.get('big')).toBe('new');
    expect(events.length).toBe(2);
  });

  it('is looked for once under each key whose read has failed, by one script', async () => {
    const problems: BackendProblem[] = [];
    const asked: (readonly string[])[] = [];
    const scripts = {
      run: (_script: unknown, keys: readonly string[]) => {
        asked.push(keys);
        return Promise.resolve(0);
      },
    } as unknown as ScriptRunner;
    const parts = { names: new RedisKeys('ns'), scripts };
    const oversized = new OversizedValues(parts, 1_000, (problem) => problems.push(problem));
    expect(oversized.checkFirst('a')).toBeUndefined();
    oversized.suspect(['a', 'b']);
    expect(oversized.checkFirst('c')).toBeUndefined();
    const [one, other] = [oversized.checkFirst('a'), oversized.checkFirst('a')];
    expect(one).toBe(other);
    await one;
    expect(oversized.checkFirst('a')).toBeUndefined();
    expect([asked, problems]).toEqual([[['ns:{a}']], []]);
    oversized.suspect(Array.from({ length: 1_000 }, (_, i) => `k${String(i)}`));
    expect(oversized.checkFirst('b')).toBeUndefined();
  });
});

describe('names that hold another type than the cache writes', () => {
  it.each([
    ['value', '{segment:key}'],
    ['lease', '{segment:key}:l'],
    ['sign of waiting processes', '{segment:key}:w'],
    ['settle window', '{segment:key}:s'],
    ['clock', '{~}:c'],
    ['marker of everything', '{~}:m:*'],
    ['marker of a tag', '{~}:m:t:tag'],
  ])('are written anew: the %s', async (_what, name) => {
    const { cache, namespace } = await open();
    await redis.command('DEL', `${namespace}:${name}`);
    await redis.command('HSET', `${namespace}:${name}`, 'a', 'b');
    const options = { tags: ['tag'] };
    let runs = 0;
    const ask = async (): Promise<number> => {
      const value = await cache.getOrSet('key', async () => ++runs, options);
      await cache.drain();
      return value;
    };
    expect([await ask(), await ask(), await ask()]).toEqual([1, 1, 1]);
  });
});
