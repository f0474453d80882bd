import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBackend } from '../../lib/backends/memory/memory-backend.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import type { CacheService } from '../../lib/core/cache.js';
import type { CacheEvent } from '../../lib/core/observe/events.js';
import { on } from '../../lib/core/invalidate/rules.js';
import { CacheKey } from '../../lib/core/key/key.js';
import type { ProducerContext } from '../../lib/core/options/types.js';
import { createCache } from '../../lib/create-cache.js';
import { CacheInvalidated } from '../../lib/nest/events/cache-invalidated.js';

/** As JavaScript would call it: without the types, which refuse most of this already. */
type Loose = { readonly [Name in keyof CacheService]: (...args: unknown[]) => unknown };

const opened: CacheService[] = [];
afterEach(() => Promise.all(opened.splice(0).map((cache) => cache.close())));

function open(): { cache: CacheService; loose: Loose } {
  const cache = createCache();
  opened.push(cache);
  return { cache, loose: cache as unknown as Loose };
}

const produce = (): number => 1;

describe('a wrong call', () => {
  it.each<[string, (loose: Loose) => unknown, string, string]>([
    [
      'set(key, value, ttl) of other caches',
      (c) => c.set('k', 1, 5000),
      'CACHE_CONFIG',
      'options must be an object such as { ttl: 5000 }; got 5000.',
    ],
    [
      'getOrSet with a ttl',
      (c) => c.getOrSet('k', produce, 5),
      'CACHE_CONFIG',
      'options must be an object such as { ttl: 5 }; got 5.',
    ],
    [
      'getOrSet with a text',
      (c) => c.getOrSet('k', produce, '5s'),
      'CACHE_CONFIG',
      'options must be an object such as { ttl: "5s" }; got "5s".',
    ],
    ['getOrSet with null', (c) => c.getOrSet('k', produce, null), 'CACHE_CONFIG', 'got null.'],
    ['getOrSet with a list', (c) => c.getOrSet('k', produce, []), 'CACHE_CONFIG', 'got an array.'],
    [
      'getOrSetJson with a ttl',
      (c) => c.getOrSetJson('k', produce, 5),
      'CACHE_CONFIG',
      '{ ttl: 5 }',
    ],
    [
      'getOrSetDetailed with a ttl',
      (c) => c.getOrSetDetailed('k', produce, 5),
      'CACHE_CONFIG',
      '{ ttl: 5 }',
    ],
    [
      'getOrSetMany with a ttl',
      (c) => c.getOrSetMany(['k'], () => [1], 5),
      'CACHE_CONFIG',
      '{ ttl: 5 }',
    ],
    ['setMany with a ttl', (c) => c.setMany([['k', 1]], 5), 'CACHE_CONFIG', '{ ttl: 5 }'],
    [
      'getOrSet without a producer',
      (c) => c.getOrSet('k'),
      'CACHE_CONFIG',
      'the producer must be a function, as in getOrSet(key, () => value, options); got undefined.',
    ],
    ['getOrSet without a key', (c) => c.getOrSet(undefined, produce), 'CACHE_KEY', 'got undefined'],
    [
      'a signal',
      (c) => c.getOrSet('k', produce, { signal: 5 }),
      'CACHE_CONFIG',
      'signal must be an AbortSignal; got 5.',
    ],
    [
      'unless',
      (c) => c.getOrSet('k', produce, { unless: 5 }),
      'CACHE_CONFIG',
      'unless must be a function; got 5.',
    ],
    [
      'resultTags',
      (c) => c.getOrSet('k', produce, { resultTags: ['a'] }),
      'CACHE_CONFIG',
      'resultTags must be a function; got an array.',
    ],
    [
      'a producer timeout',
      (c) => c.getOrSet('k', produce, { producerTimeout: 5 }),
      'CACHE_CONFIG',
      "producerTimeout must be an object such as { soft: '200ms', hard: '5s' }; got 5.",
    ],
    [
      'a slip in it',
      (c) => c.getOrSet('k', produce, { producerTimeout: { hrad: 1 } }),
      'CACHE_CONFIG',
      'Unknown option of producerTimeout "hrad". Options are: hard, soft.',
    ],
    [
      'a slip',
      (c) => c.getOrSet('k', produce, { tll: 5 }),
      'CACHE_CONFIG',
      'Unknown option of a call "tll". Options are: codec, jitter,',
    ],
    [
      'a slip in the tags',
      (c) => c.set('k', 1, { tag: ['x'] }),
      'CACHE_CONFIG',
      'Unknown option of set "tag". Options are: codec,',
    ],
    [
      'an option of getOrSet',
      (c) => c.set('k', 1, { unless: () => true }),
      'CACHE_CONFIG',
      'Unknown option of set "unless".',
    ],
    [
      'a slip in get',
      (c) => c.get('k', { kodec: 'cbor' }),
      'CACHE_CONFIG',
      'Unknown option of a call "kodec".',
    ],
    [
      'tags of getOrSet',
      (c) => c.getOrSet('k', produce, { tags: 'account' }),
      'CACHE_CONFIG',
      "tags must be an array of strings, such as ['account:7']; got a string.",
    ],
    [
      'tags of set',
      (c) => c.set('k', 1, { tags: 'account' }),
      'CACHE_CONFIG',
      'tags must be an array of strings',
    ],
    [
      'tags of set, made from the value',
      (c) => c.set('k', 1, { tags: () => 'account' }),
      'CACHE_CONFIG',
      'tags must be an array of strings',
    ],
    ['no tags', (c) => c.set('k', 1, { tags: null }), 'CACHE_CONFIG', 'got null.'],
    [
      'getMany of a text',
      (c) => c.getMany('ab'),
      'CACHE_CONFIG',
      'getMany: keys must be an array; got a string.',
    ],
    [
      'deleteMany of a text',
      (c) => c.deleteMany('ab'),
      'CACHE_CONFIG',
      'deleteMany: keys must be an array; got a string.',
    ],
    [
      'deleteMany of nothing',
      (c) => c.deleteMany(''),
      'CACHE_CONFIG',
      'deleteMany: keys must be an array; got an empty string.',
    ],
    [
      'setMany of an object',
      (c) => c.setMany({ a: 1 }),
      'CACHE_CONFIG',
      'setMany: entries must be a Map, or an array of pairs [key, value]; got an instance of Object.',
    ],
    [
      'setMany of keys',
      (c) => c.setMany(['ab']),
      'CACHE_CONFIG',
      'setMany: entries must be a Map, or an array of pairs',
    ],
    [
      'getOrSetMany of nothing',
      (c) => c.getOrSetMany(undefined, () => []),
      'CACHE_CONFIG',
      'getOrSetMany: keys must be an array; got undefined.',
    ],
    [
      'getOrSetMany without production',
      (c) => c.getOrSetMany(['k']),
      'CACHE_CONFIG',
      'getOrSetMany: produceMissing must be a function that returns the values of the keys it is given; got undefined.',
    ],
    [
      'warmUp with a slip',
      (c) => c.warmUp(['k'], () => [1], { batchsize: 5 }),
      'CACHE_CONFIG',
      'Unknown option of warmUp "batchsize". Options are: batchSize,',
    ],
    [
      'warmUp once',
      (c) => c.warmUp(['k'], () => [1], { once: 'rates' }),
      'CACHE_CONFIG',
      "warmUp: once must be an object such as { name: 'rates', every: '1h' }; got \"rates\".",
    ],
    [
      'warmUp once with a slip',
      (c) => c.warmUp(['k'], () => [1], { once: { name: 'a', evry: 1 } }),
      'CACHE_CONFIG',
      'Unknown option of once "evry".',
    ],
    [
      'warmUp without production',
      (c) => c.warmUp(['k'], undefined),
      'CACHE_CONFIG',
      'produceMissing must be a function',
    ],
    [
      'invalidate without anything',
      (c) => c.invalidate(),
      'CACHE_CONFIG',
      "invalidate: give an object such as { tags: ['account:7'] } or { keys: [key] }; got undefined.",
    ],
    [
      'invalidate of a tag',
      (c) => c.invalidate({ tags: 'account:1' }),
      'CACHE_CONFIG',
      "tags must be an array of strings, such as ['account:7']; got a string.",
    ],
    [
      'invalidate of a key as it is, which would be all of its segment',
      (c) => c.invalidate(CacheKey.builder().tenant(7).segment('entries').param('page', 1).build()),
      'CACHE_CONFIG',
      'invalidate: got a key. Give { keys: [key] }, or call delete(key).',
    ],
    [
      'invalidate of a key',
      (c) => c.invalidate({ keys: 'x' }),
      'CACHE_CONFIG',
      'invalidate: keys must be an array; got a string.',
    ],
    [
      'invalidate of no tenant',
      (c) => c.invalidate({ tenant: null }),
      'CACHE_CONFIG',
      'tenant must be a text, a number or a bigint; got null.',
    ],
    [
      'clear of a tenant',
      (c) => c.clear('acme'),
      'CACHE_CONFIG',
      "clear: got a string; expected { tenant: '...' }, or nothing at all",
    ],
    [
      'clear with a slip',
      (c) => c.clear({ tennant: 'acme' }),
      'CACHE_CONFIG',
      'clear: unknown field "tennant"; expected { tenant',
    ],
    [
      'setMany with a ttl for each',
      (c) => c.setMany([['k', 1, 5000]]),
      'CACHE_CONFIG',
      'setMany: entries must be a Map, or an array of pairs [key, value]; got an instance of Array.',
    ],
    [
      'setMany of objects',
      (c) => c.setMany([{ key: 'k', value: 1 }]),
      'CACHE_CONFIG',
      'setMany: entries must be a Map, or an array of pairs [key, value]',
    ],
    [
      'warmUp without keys',
      (c) => c.warmUp(),
      'CACHE_CONFIG',
      'warmUp: keys must be an array, or something else to iterate over; got undefined.',
    ],
    [
      'warmUp of a text',
      (c) => c.warmUp('abc', () => []),
      'CACHE_CONFIG',
      'warmUp: keys must be an array, or something else to iterate over',
    ],
    [
      'warmUp of no keys, without production',
      (c) => c.warmUp([]),
      'CACHE_CONFIG',
      'warmUp: produceMissing must be a function',
    ],
    [
      'the signal of warmUp',
      (c) => c.warmUp(['k'], () => [1], { signal: 5 }),
      'CACHE_CONFIG',
      'signal must be an AbortSignal; got 5.',
    ],
    [
      'the batch size of warmUp',
      (c) => c.warmUp(['k'], () => [1], { batchSize: '5' }),
      'CACHE_CONFIG',
      'warmUp: batchSize must be a positive whole number; got "5".',
    ],
    [
      'warmUp once, without saying how often',
      (c) => c.warmUp(['k'], () => [1], { once: { name: 'a' } }),
      'CACHE_CONFIG',
      'warmUp: once.every must be a duration',
    ],
    [
      'warmUp once, within',
      (c) => c.warmUp(['k'], () => [1], { once: { name: 'a', every: '1h', within: '5 minutes' } }),
      'CACHE_CONFIG',
      'warmUp: once.within must be a duration',
    ],
    [
      'unitOfWork without a task',
      (c) => c.unitOfWork(),
      'CACHE_CONFIG',
      'unitOfWork: give the task as a function, unitOfWork(async () => { ... }); got undefined.',
    ],
    [
      'unitOfWork with a promise',
      (c) => c.unitOfWork(Promise.resolve()),
      'CACHE_CONFIG',
      'unitOfWork: give the task as a function, unitOfWork(async () => { ... }); got an object.',
    ],
    [
      'unitOfWork with a slip',
      (c) => c.unitOfWork(produce, { indoubt: () => true }),
      'CACHE_CONFIG',
      'Unknown option of unitOfWork "indoubt". Options are: inDoubt.',
    ],
    [
      'unitOfWork in doubt',
      (c) => c.unitOfWork(produce, { inDoubt: true }),
      'CACHE_CONFIG',
      'unitOfWork: inDoubt must be a function; got true.',
    ],
    [
      'unitOfWork with null',
      (c) => c.unitOfWork(produce, null),
      'CACHE_CONFIG',
      'unitOfWork: the options must be an object such as',
    ],
    [
      'awaitInvalidations without a task',
      (c) => c.awaitInvalidations(),
      'CACHE_CONFIG',
      'awaitInvalidations: give the task as a function, awaitInvalidations(async () => { ... }); got undefined.',
    ],
    [
      'apply of nothing',
      (c) => c.apply(),
      'CACHE_CONFIG',
      'apply: give the event, an instance of its class; got undefined.',
    ],
    [
      'apply of a name',
      (c) => c.apply('posted'),
      'CACHE_CONFIG',
      'apply: give the event, an instance of its class; got a string.',
    ],
    [
      'a slip in setWindows',
      (c) => c.getOrSet('k', (context: ProducerContext) => context.setWindows({ swr: 5 } as never)),
      'CACHE_CONFIG',
      'Unknown option of setWindows "swr". Options are: staleIfError, staleWhileRevalidate.',
    ],
    [
      'setWindows without windows',
      (c) => c.getOrSet('k', (context: ProducerContext) => context.setWindows(undefined as never)),
      'CACHE_CONFIG',
      "setWindows takes an object such as { staleWhileRevalidate: '5m' }; got undefined.",
    ],
    [
      'inspect of no key',
      (c) => c.inspect(5),
      'CACHE_KEY',
      'a key must be a CacheKey or a non-empty string; got a number.',
    ],
  ])('rejects and says what to do instead: %s', async (_, call, code, message) => {
    const { loose } = open();
    // Not thrown: as every other failure of these methods it is a rejection.
    const made = call(loose);
    expect(made).toBeInstanceOf(Promise);
    await expect(made).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it('of set is refused each time, and the old value goes', async () => {
    const { cache, loose } = open();
    for (let i = 0; i < 2; i++) {
      await cache.set('k', 'old');
      await expect(loose.set('k', 'new', { tag: ['account:1'] })).rejects.toMatchObject({
        code: 'CACHE_CONFIG',
      });
      expect(await cache.get('k')).toBeUndefined();
    }
  });

  it('of others leaves what is stored alone', async () => {
    const { cache, loose } = open();
    await cache.set('k', 'old', { tags: ['account:1'] });
    await expect(loose.getOrSet('k', produce, 5)).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
    await expect(loose.invalidate({ tags: 'account:1' })).rejects.toMatchObject({
      code: 'CACHE_CONFIG',
    });
    expect(await cache.get('k')).toBe('old');
    expect(await cache.invalidate({ tags: ['account:1'] })).toEqual({ durable: true });
    expect(await cache.get('k')).toBeUndefined();
  });

  it('of a listener names the one form there is', () => {
    const { cache } = open();
    const listen = cache.events.on.bind(cache.events) as (...args: unknown[]) => unknown;
    expect(() => listen('outcome', () => undefined)).toThrow(
      'events.on takes one function, called for events of every type: events.on((event) => { ... }); got "outcome".',
    );
  });

  it('of a key builder is a key error', () => {
    expect(() => CacheKey.builder().params(null as never)).toThrow(
      'params must be an object such as { page: 1 }; got null.',
    );
  });
});

describe('tags that a callback makes', () => {
  it.each<[string, unknown]>([
    ['a text', 'account'],
    ['a number', 5],
    ['a promise', Promise.resolve(['account'])],
  ])(
    'and that are %s fail nothing: the value is returned, an event tells, nothing is stored',
    async (_, tags) => {
      const { cache } = open();
      const told: CacheEvent[] = [];
      cache.events.on((event) => told.push(event));
      expect(await cache.getOrSet('k', () => 'v', { tags: () => tags as never })).toBe('v');
      expect(await cache.getOrSet('k', () => 'v', { resultTags: () => tags as never })).toBe('v');
      await cache.drain();
      expect(told.filter((event) => event.type === 'callback_failed')).toMatchObject([
        { callback: 'tags', error: { code: 'CACHE_CONFIG' } },
        { callback: 'tags', error: { code: 'CACHE_CONFIG' } },
      ]);
      expect(await cache.get('k')).toBeUndefined();
    },
  );

  it('may be none', async () => {
    const { cache } = open();
    await cache.getOrSet('k', () => 'v', { resultTags: () => undefined as never });
    await cache.drain();
    expect(await cache.get('k')).toBe('v');
  });
});

describe('an event that names nothing', () => {
  class Posted {}
  it.each([undefined, null, 'account:1', {}, { tags: 'account:1' }])(
    'is an error and not a success: %j',
    async (request) => {
      const cache = createCache({
        invalidations: [
          on(CacheInvalidated, (event) => event.request),
          on(Posted, () => request as never),
        ],
      });
      opened.push(cache);
      if (request !== undefined)
        await expect(cache.apply(new Posted())).rejects.toMatchObject({ code: 'CACHE_CONFIG' });
      else expect(await cache.apply(new Posted())).toEqual({ durable: true, requests: 0 });
    },
  );
});

describe('wrong options of a cache', () => {
  it.each<[object, string]>([
    [{ lease: 5 }, "lease must be an object such as { ttl: '3s', wait: '10s' }; got 5."],
    [{ lease: { tll: 5 } }, 'Unknown option of lease "tll". Options are: ttl, wait.'],
    [
      { clock: {} },
      'clock must be an object with the methods now() and after(ms, task); got an object.',
    ],
    [
      { clock: null },
      'clock must be an object with the methods now() and after(ms, task); got null.',
    ],
    [
      { invalidations: 5 },
      'invalidations must be an array of on(Event, (event) => request); got 5.',
    ],
    [
      { invalidations: [5] },
      'invalidations must be an array of on(Event, (event) => request); got an array with something else in it.',
    ],
    [{ l1: 5 }, "l1 must be true, false or an object such as { maxBytes: '64mb' }; got 5."],
    [{ producerTimeout: 5 }, 'producerTimeout must be an object'],
    [{ jitter: '0.1' }, 'jitter must be a number from 0 to 1; got "0.1".'],
    [
      { refreshAhead: '0.5' },
      'refreshAhead must be \'xfetch\', false, or a share of the ttl between 0 and 1; got "0.5".',
    ],
    [{ backend: 'redis://:canary@localhost' }, 'or new RedisBackend(...); got a text.'],
    [{ backend: MemoryBackend }, 'or new RedisBackend(...); got a function.'],
    [{ producerTimeout: { hrad: 5 } }, 'Unknown option of producerTimeout "hrad".'],
  ])('are refused: %j', (options, message) => {
    expect(() => createCache(options)).toThrow(message);
  });

  it.each([
    ...[
      'backend',
      'name',
      'namespace',
      'tenancy',
      'tenant',
      'replicaLag',
      'strict',
      'backendTimeout',
      'maxValueBytes',
      'exposeKeys',
    ],
    ...[
      'ttl',
      'nullTtl',
      'staleWhileRevalidate',
      'staleIfError',
      'staleIfErrorWhen',
      'jitter',
      'refreshAhead',
      'producerTimeout',
      'codec',
    ],
  ])('are refused when %s is null: that is not left out', (name) => {
    expect(() => createCache({ [name]: null })).toThrow(
      new RegExp(`^${name} must be .*; got null\\.$`),
    );
  });

  it('are refused when they are a backend', () => {
    expect(() => createCache(new MemoryBackend() as never)).toThrow(
      'Cache options must be an object such as { backend }; got a backend itself. Give it as an option: { backend }.',
    );
  });

  it.each<[unknown, string]>([
    [[], 'got an array.'],
    [5n, 'got 5n.'],
    [{}, 'got an object.'],
    [new Date(), 'got an object.'],
    ['x'.repeat(1000), `got "${'x'.repeat(60)}...".`],
  ])('show what was given in short: %s', (ttl, message) => {
    expect(() => createCache({ ttl: ttl as never })).toThrow(message);
  });

  it.each<[unknown, string]>([
    [
      null,
      "The options of MemoryBackend must be an object such as { maxBytes: '64mb' }; got null.",
    ],
    [5, "The options of MemoryBackend must be an object such as { maxBytes: '64mb' }; got 5."],
    [
      { foo: 1 },
      'Unknown option of MemoryBackend "foo". Options are: clock, isolation, maxBytes, maxEntries.',
    ],
    [{ clock: {} }, 'clock must be an object with the method now(); got an object.'],
    [{ maxBytes: null }, 'got null.'],
  ])('of a memory backend are refused: %j', (options, message) => {
    expect(() => new MemoryBackend(options as never)).toThrow(message);
  });
});

describe('a codec', () => {
  const own = (id: string) => ({ id, encode: jsonCodec.encode, decode: jsonCodec.decode });

  it('of the library is chosen by name, but for the one that keeps responses', async () => {
    const { loose } = open();
    await expect(loose.getOrSet('k', produce, { codec: 'http' })).rejects.toThrow(
      /^codec must be one of 'json', 'cbor', or an object.*got "http"\.$/,
    );
    expect(() => createCache({ codec: 'http' as never })).toThrow(
      "codec must be one of 'json', 'cbor', or an object",
    );
  });

  it.each(['json', 'cbor', 'http'])('of a user cannot take the id %s', async (id) => {
    const { cache } = open();
    const message = `The codec id '${id}' belongs to this library`;
    expect(() => createCache({ codec: own(id) })).toThrow(message);
    await expect(cache.getOrSet('k', produce, { codec: own(id) })).rejects.toThrow(message);
  });

  it('of the library may be given as the object it is', async () => {
    const cache = createCache({ codec: jsonCodec });
    opened.push(cache);
    expect(await cache.getOrSet('k', produce, { codec: jsonCodec })).toBe(1);
  });
});
