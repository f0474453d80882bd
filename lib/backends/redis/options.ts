import type { RedisClientOptions, RedisClusterOptions } from 'redis';
import type { Duration } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, parseOptions } from '../../ports/validate.js';
import {
  assertPlainOptions,
  clientCheck,
  clusterCheck,
  optionsOf,
  passwordOf,
  sentinelCheck,
  urlCheck,
} from './validate-connection.js';
import type { GivenClient } from './connection/client-adapter.js';

export interface RedisSentinelChoice {
  /** The name of the monitored master. */
  readonly name: string;
  /** At least one sentinel; three are usual. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** How to connect to the sentinels themselves (credentials, TLS). */
  readonly options?: RedisClientOptions;
}

/** At most one of `url`, `client`, `cluster` and `sentinel`. Default: `redis://localhost:6379`. */
export interface RedisBackendOptions {
  /** `redis[s]://[[user][:password]@]host[:port][/database]`. */
  readonly url?: string;
  /**
   * Your own client, cluster or sentinel of the `redis` package: used as it is, connected if it is
   * not yet, never closed.
   */
  readonly client?: GivenClient;
  /** Further client options (TLS, credentials, database). With `sentinel`: of the master. */
  readonly options?: RedisClientOptions;
  readonly cluster?: RedisClusterOptions;
  readonly sentinel?: RedisSentinelChoice;
  /** How long Redis may take to answer a sent command. 10 ms to 1 min. Default '250ms'. */
  readonly commandTimeout?: Duration;
  /** How long one attempt to connect may take. 10 ms to 1 min. Default '1s'. */
  readonly connectTimeout?: Duration;
  /**
   * How many invalidation notices are stored for caches that lose the connection for a while.
   * 100 to 10,000,000. Default 10,000.
   */
  readonly noticesKept?: number;
}

export interface ResolvedOptions {
  readonly commandTimeout: number;
  readonly connectTimeout: number;
  readonly noticesKept: number;
  /** Kept out of messages. */
  readonly secrets: readonly string[];
}

const CHECKS = {
  url: urlCheck,
  client: clientCheck,
  options: optionsOf('socket: { tls: true }', 'createClient()'),
  cluster: clusterCheck,
  sentinel: sentinelCheck,
  commandTimeout: is.duration(10, 60_000),
  connectTimeout: is.duration(10, 60_000),
  noticesKept: is.wholeNumber(100, 10_000_000),
} satisfies Checks<RedisBackendOptions>;
const SOURCES = ['url', 'client', 'cluster', 'sentinel'] as const;

/** @throws CacheConfigError (`CACHE_CONFIG`); never shows a URL, which may hold a password */
export function resolveOptions(options: RedisBackendOptions): ResolvedOptions {
  assertPlainOptions(options);
  const sources = SOURCES.filter((source) => options[source] !== undefined);
  if (sources.length > 1) {
    throw new CacheConfigError(
      `RedisBackend takes one of url, client, cluster and sentinel; got ${sources.join(' and ')}. ` +
        'Keep the one that is meant.',
    );
  }
  const given = parseOptions(options, CHECKS, {
    what: 'RedisBackend',
    example: '{ url }',
    prefix: 'RedisBackend option ',
  });
  return {
    commandTimeout: given.commandTimeout ?? 250,
    connectTimeout: given.connectTimeout ?? 1_000,
    noticesKept: given.noticesKept ?? 10_000,
    secrets: secretsOf(options),
  };
}

function secretsOf(options: RedisBackendOptions): readonly string[] {
  const secrets = [
    options.options?.password,
    options.sentinel?.options?.password,
    options.cluster?.defaults?.password,
  ];
  const urls = [
    options.url,
    options.options?.url,
    ...(options.cluster?.rootNodes.map((node) => node.url) ?? []),
  ];
  for (const url of urls) if (url !== undefined) secrets.push(passwordOf(url));
  return secrets.filter((secret): secret is string => secret !== undefined && secret !== '');
}
