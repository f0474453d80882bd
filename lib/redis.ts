export { RedisBackend, type RedisBackendStatus } from './backends/redis/redis-backend.js';
export type { RedisBackendOptions, RedisSentinelChoice } from './backends/redis/options.js';
export type {
  GivenClient,
  RedisClientLike,
  RedisClusterLike,
  RedisSentinelLike,
} from './backends/redis/connection/client-adapter.js';
