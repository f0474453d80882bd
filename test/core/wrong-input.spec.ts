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
const warmUp = (options: unknown) => (c: Loose) => c.warmUp(['k'], () => [1], options);
const setWindows = (windows: unknown) => (c: Loose) =>
  c.getOrSet('k', (context: ProducerContext) => context.setWindows(windows as never));

async function expectRejection(
  call: (loose: Loose) => unknown,
  code: string,
  message: string,
): Promise<void> {
  const made = call(open().loose);
  // Not thrown: these methods reject, as for every other failure.
  expect(made).toBeInstanceOf(Promise);
  await expect(made).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message) as string,
  });
}

describe('a wrong call', () => {
  it.each<[(c: Loose) => unknown, string]>([
    [(c) => c.set('k', 1, 5000), 'options must be an object such as { ttl: 5000 }; got 5000.'],
    [(c) => c.set('k', 1, { tag: ['x'] }), 'Unknown option of set "tag". Options are: codec,'],
    [(c) => c.set('k', 1, { unless: () => true }), 'Unknown option of set "unless".'],
    [(c) => c.set('k', 1, { signal: 5 }), 'Unknown option of set "signal".'],
    [(c) => c.set('k', 1, { tags: 'account' }), 'tags must be an array of strings'],
    [(c) => c.set('k', 1, { tags: () => 'account' }), 'tags must be an array of strings'],
    [(c) => c.set('k', 1, { tags: null }), 'got null.'],
    [(c) => c.set('k', 1, { resultTags: 5 }), 'resultTags must be a function; got 5.'],
    [(c) => c.getOrSet('k', produce, 5), 'options must be an object such as { ttl: 5 }; got 5.'],
    [(c) => c.getOrSet('k', produce, '5s'), 'an object such as { ttl: "5s" }; got "5s".'],
    [(c) => c.getOrSet('k', produce, null), 'got null.'],
    [(c) => c.getOrSet('k', produce, []), 'got an array.'],
    [(c) => c.getOrSetJson('k', produce, 5), '{ ttl: 5 }'],
    [(c) => c.getOrSetDetailed('k', produce, 5), '{ ttl: 5 }'],
    [(c) => c.getOrSetMany(['k'], () => [1], 5), '{ ttl: 5 }'],
    [(c) => c.setMany([['k', 1]], 5), '{ ttl: 5 }'],
    [
      (c) => c.getOrSet('k'),
      'the producer must be a function, as in getOrSet(key, () => value, options); got undefined.',
    ],
    [(c) => c.getOrSet('k', produce, { signal: 5 }), 'signal must be an AbortSignal; got 5.'],
    [(c) => c.getOrSet('k', produce, { unless: 5 }), 'unless must be a function; got 5.'],
    [(c) => c.getOrSet('k', produce, { resultTags: [] }), 'resultTags must be a function; got an'],
    [(c) => c.getOrSet('k', produce, { tll: 5 }), 'Unknown option of a call "tll". Options are:'],
    [
      (c) => c.getOrSet('k', produce, { tags: 'account' }),
      "tags must be an array of strings, such as ['account:7']; got a string.",
    ],
    [(c) => c.get('k', { kodec: 'cbor' }), 'Unknown option of a call "kodec".'],
    [(c) => c.getMany('ab'), 'getMany: keys must be an array; got a string.'],
    [(c) => c.deleteMany('ab'), 'deleteMany: keys must be an array; got a string.'],
    [(c) => c.deleteMany(''), 'deleteMany: keys must be an array; got an empty string.'],
    [
      (c) => c.setMany({ a: 1 }),
      'entries must be a Map, or an array of pairs [key, value]; got an instance of Object.',
    ],
    [(c) => c.setMany(['ab']), 'setMany: entries must be a Map, or an array of pairs'],
    [(c) => c.setMany([['k', 1, 5000]]), 'pairs [key, value]; got an instance of Array.'],
    [(c) => c.setMany([{ key: 'k', value: 1 }]), 'entries must be a Map, or an array of pairs'],
    [
      (c) => c.getOrSetMany(undefined, () => []),
      'getOrSetMany: keys must be an array; got undefined.',
    ],
    [
      (c) => c.getOrSetMany(['k']),
      'getOrSetMany: produceMissing must be a function that returns the values of the keys',
    ],
    [(c) => c.warmUp(), 'keys must be an array, or something else to iterate over; got undefined.'],
    [(c) => c.warmUp('abc', () => []), 'warmUp: keys must be an array, or something else'],
    [(c) => c.warmUp([]), 'warmUp: produceMissing must be a function'],
    [(c) => c.warmUp(['k'], undefined), 'produceMissing must be a function'],
    [warmUp(5), '{ ttl: 5 }'],
    [warmUp({ batchsize: 5 }), 'Unknown option of warmUp "batchsize". Options are: batchSize,'],
    [warmUp({ signal: 5 }), 'signal must be an AbortSignal; got 5.'],
    [warmUp({ ttl: -1 }), 'ttl must be a duration'],
    [warmUp({ batchSize: '5' }), 'warmUp: batchSize must be a positive whole number; got "5".'],
    [warmUp({ concurrency: 0 }), 'warmUp: concurrency must be a positive whole number; got 0.'],
    [warmUp({ onProgress: 5 }), 'warmUp: onProgress must be a function; got 5.'],
    [
      warmUp({ once: 'rates' }),
      "warmUp: once must be an object such as { name: 'rates', every: '1h' }; got \"rates\".",
    ],
    [warmUp({ once: { name: 'a', evry: 1 } }), 'Unknown option of once "evry".'],
    [warmUp({ once: { every: 1 } }), 'warmUp: once.name must be a string that is not empty'],
    [warmUp({ once: { name: 'a' } }), 'warmUp: once.every must be a duration'],
    [
      warmUp({ once: { name: 'a', every: '1h', within: '5 minutes' } }),
      'warmUp: once.within must be a duration',
    ],
    [
      (c) => c.invalidate(),
      "an object such as { tags: ['account:7'] } or { keys: [key] }; got undefined.",
    ],
    [
      (c) => c.invalidate({ tags: 'account:1' }),
      "tags must be an array of strings, such as ['account:7']; got a string.",
    ],
    [
      (c) => c.invalidate(CacheKey.builder().tenant(7).segment('a').param('page', 1).build()),
      'invalidate: got a key. Give { keys: [key] }, or call delete(key).',
    ],
    [(c) => c.invalidate({ keys: 'x' }), 'invalidate: keys must be an array; got a string.'],
    [(c) => c.invalidate({ tenant: null }), 'tenant must be a string that is not empty, a number'],
    [(c) => c.clear('acme'), 'or nothing at all to clear everything; got a string.'],
    [
      (c) => c.clear({ tennant: 'acme' }),
      'Unknown option of clear "tennant". Options are: tenant.',
    ],
    [
      (c) => c.unitOfWork(),
      'give the task as a function, unitOfWork(async () => { ... }); got undefined.',
    ],
    [(c) => c.unitOfWork(Promise.resolve()), 'unitOfWork: give the task as a function'],
    [
      (c) => c.unitOfWork(produce, { indoubt: () => true }),
      'Unknown option of unitOfWork "indoubt". Options are: inDoubt.',
    ],
    [
      (c) => c.unitOfWork(produce, { inDoubt: true }),
      'unitOfWork: inDoubt must be a function; got true.',
    ],
    [(c) => c.unitOfWork(produce, null), 'unitOfWork: the options must be an object such as'],
    [
      (c) => c.awaitInvalidations(),
      'give the task as a function, awaitInvalidations(async () => { ... }); got undefined.',
    ],
    [(c) => c.apply(), 'apply: give the event, an instance of its class; got undefined.'],
    [(c) => c.apply('posted'), 'apply: give the event, an instance of its class; got a string.'],
    [
      setWindows({ swr: 5 }),
      'Unknown option of setWindows "swr". Options are: staleIfError, staleWhileRevalidate.',
    ],
    [setWindows({ staleIfError: 'x' }), 'setWindows: staleIfError must be a duration'],
    [setWindows({ staleWhileRevalidate: 'x' }), 'staleWhileRevalidate must be a duration'],
    [setWindows(undefined), "an object such as { staleWhileRevalidate: '5m' }; got undefined."],
  ])('%s rejects: %s', (call, message) => expectRejection(call, 'CACHE_CONFIG', message));

  it.each<[(c: Loose) => unknown, string]>([
    [(c) => c.getOrSet(undefined, produce), 'got undefined'],
    [(c) => c.inspect(5), 'a key must be a CacheKey or a non-empty string; got a number.'],
    [(c) => c.invalidate({ segment: '' }), 'invalidate: segment must be a non-empty string'],
  ])('%s rejects: %s', (call, message) => expectRejection(call, 'CACHE_KEY', message));

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

describe('wrong options of a memory backend', () => {
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
  ])('are refused: %j', (options, message) => {
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
