import { RedisBackend } from '../../lib/backends/redis/redis-backend.js';
import { createCache } from '../../lib/create-cache.js';

/*
 * Uses a cache, waits for a word on its input, invalidates, closes the cache and ends by itself,
 * without `process.exit`: what is left running would keep it alive. Prints what happened.
 */
const [url = '', l1 = ''] = process.argv.slice(2);
const cache = createCache({
  backend: new RedisBackend({ url }),
  ...(l1 === 'l1' ? { l1: true } : {}),
});
await cache.getOrSet('a', () => 1);
const pending = cache
  .getOrSet('slow', () => new Promise<number>(() => undefined))
  .catch((error: unknown) => String(error));
process.stdout.write('ready\n');
await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()));
const { durable } = await cache.delete('a');
const start = performance.now();
await cache.close();
const closeMs = performance.now() - start;
const slow = await pending;
process.stdout.write(
  `${JSON.stringify({ durable, closeMs, slow, after: await cache.getOrSet('b', () => 'bypass') })}\n`,
);
process.stdin.destroy();
