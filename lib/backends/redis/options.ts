import type { RedisClientOptions, RedisClusterOptions } from 'redis';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import { checkIsOptions, checkSources, passwordOf } from './validate-connection.js';
import type { GivenClient } from './connection/client-adapter.js';

export interface RedisSentinelChoice {
  /** The name of the monitored master. */
  readonly name: string;
  /** At least one sentinel; three are usual. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** How to connect to the sentinels themselves (credentials, TLS). */
  readonly options?: RedisClientOptions;
}

/** Exactly one of `url`, `client`, `cluster` and `sentinel`; none of them means `redis://localhost:6379`, or what `options` says. */
export interface RedisBackendOptions {
  /** `redis[s]://[[user][:password]@]host[:port][/database]`. */
  readonly url?: string;
  /** A client, cluster or sentinel of the `redis` package that is yours: used as it is, connected when it is not, never closed. */
  readonly client?: GivenClient;
  /** Further client options (TLS, credentials, database). With `sentinel`: for the master. */
  readonly options?: RedisClientOptions;
  readonly cluster?: RedisClusterOptions;
  readonly sentinel?: RedisSentinelChoice;
  /** How long Redis may take to answer a command, from when it is sent, 10 ms to 1 min. Default '250ms'. */
  readonly commandTimeout?: Duration;
  /** Bound of one attempt to connect, 10 ms to 1 min. Default '1s'. */
  readonly connectTimeout?: Duration;
  /** How many notices are kept for caches that lost the connection for a while, 100 to 10,000,000. Default 10,000. */
  readonly noticesKept?: number;
}

export interface Resolved {
  readonly commandTimeout: number;
  readonly connectTimeout: number;
  readonly noticesKept: number;
  /** Never to be shown. */
  readonly secrets: readonly string[];
}

const KNOWN = new Set([
  'url',
  'client',
  'options',
  'cluster',
  'sentinel',
  'commandTimeout',
  'connectTimeout',
  'noticesKept',
]);
const SOURCES = ['url', 'client', 'cluster', 'sentinel'] as const;

/** @throws CacheConfigError for options that cannot work; never shows the URL, which may hold a password */
export function resolveOptions(options: RedisBackendOptions): Resolved {
  checkIsOptions(options);
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) {
    throw new CacheConfigError(
      `RedisBackend has no option ${JSON.stringify(unknown)}; it has ${[...KNOWN].join(', ')}.`,
    );
  }
  const given = SOURCES.filter((source) => options[source] !== undefined);
  if (given.length > 1) {
    throw new CacheConfigError(
      `RedisBackend takes one of url, client, cluster and sentinel; got ${given.join(' and ')}. Keep the one that is meant.`,
    );
  }
  checkSources(options);
  return {
    commandTimeout: timeout(options.commandTimeout ?? '250ms', 'commandTimeout'),
    connectTimeout: timeout(options.connectTimeout ?? '1s', 'connectTimeout'),
    noticesKept: count(options.noticesKept ?? 10_000),
    secrets: secretsOf(options),
  };
}

function timeout(given: Duration, name: string): number {
  const ms = toMilliseconds(given, `RedisBackend option ${name}`);
  if (ms < 10 || ms > 60_000)
    throw new CacheConfigError(
      `RedisBackend option ${name} must be from 10 ms to 1 min; got ${String(ms)} ms.`,
    );
  return ms;
}

function count(given: number): number {
  if (!Number.isInteger(given) || given < 100 || given > 10_000_000) {
    throw new CacheConfigError(
      `RedisBackend option noticesKept must be a whole number from 100 to 10,000,000; got ${String(given)}.`,
    );
  }
  return given;
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
