import type { RedisClientOptions, RedisClusterOptions } from 'redis';
import type { Duration } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import {
  type Check,
  type Checks,
  formatValue,
  isObject,
  parseOptions,
} from '../../ports/validate.js';
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

const urlCheck: Check<string> = (given) => {
  passwordOf(given as string);
  return given as string;
};

const clientCheck = is.that(
  'a client of the redis package: what createClient(), createCluster() or createSentinel() returns',
  (given) =>
    isObject(given) &&
    'isOpen' in given &&
    is.hasMethods(given, 'connect', 'on', 'sendCommand', 'destroy'),
  kindOf,
);

function optionsOf(example: string, call: string): Check<object> {
  return is.that(
    `an object such as { ${example} }, of the redis package's ${call}`,
    isObject,
    kindOf,
  );
}

/** Checks some members; the others are the redis package's own. */
function objectWith(
  of: Check<object>,
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>>,
): Check<object> {
  return (given, name) => {
    const object = of(given, name) as Readonly<Record<string, unknown>>;
    for (const [member, check] of Object.entries({ ...required, ...optional }))
      if (object[member] !== undefined || member in required)
        check(object[member], `${name}.${member}`);
    return object;
  };
}

const password = optionsOf('password', 'createClient()');

const clusterCheck = objectWith(
  optionsOf("rootNodes: [{ url: 'redis://localhost:6379' }]", 'createCluster()'),
  { rootNodes: filledArray("object such as { url: 'redis://localhost:6379' }", isObject) },
  { defaults: password },
);

const sentinelCheck = objectWith(
  is.that(
    "an object such as { name: 'mymaster', nodes: [{ host: 'localhost', port: 26379 }] }",
    isObject,
    kindOf,
  ),
  {
    name: is.that('the name of the master', is.isFilled, kindOf),
    nodes: filledArray('node { host, port }', isNode),
  },
  { options: password },
);

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
      'RedisBackend takes one of url, client, cluster and sentinel; ' +
        `got ${sources.join(' and ')}. Keep the one that is meant.`,
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

/**
 * A client or cluster given directly has members named like options, and would lead to another
 * Redis than the one that is meant.
 * @throws CacheConfigError (`CACHE_CONFIG`); never shows a string: it may hold a password
 */
function assertPlainOptions(given: unknown): void {
  if (isObject(given) && isPlain(given)) return;
  const connected = isObject(given) && 'sendCommand' in given;
  throw new CacheConfigError(
    connected
      ? 'RedisBackend got a client where its options belong. ' +
          'Give it as an option: new RedisBackend({ client }).'
      : 'RedisBackend takes a plain object of options, ' +
          `such as { url: 'redis://localhost:6379' } or { client }; got ${kindOf(given)}.`,
  );
}

/**
 * The password of a URL, to be kept out of messages.
 * @throws CacheConfigError for a URL that the client could not use
 */
function passwordOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw wrongUrl('something that is no URL');
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw wrongUrl(`the protocol ${url.protocol}//`);
  if (!/^(?:\/\d*)?$/.test(url.pathname))
    throw wrongUrl('a path that is not the number of a database');
  try {
    decodeURIComponent(url.username);
    return decodeURIComponent(url.password);
  } catch {
    throw wrongUrl('a user or password with a % that begins no escape: write it as %25');
  }
}

function wrongUrl(got: string): CacheConfigError {
  return new CacheConfigError(
    'RedisBackend option url must look like redis://localhost:6379/0, or rediss:// for TLS; ' +
      `got ${got}. (The value is not shown, it may hold a password.)`,
  );
}

function filledArray(items: string, accepts: (item: unknown) => boolean): Check {
  return is.that(
    `an array of at least one ${items}`,
    (given) => Array.isArray(given) && given.length > 0 && given.every(accepts),
    kindOf,
  );
}

function isNode(given: unknown): boolean {
  if (!isObject(given)) return false;
  const { host, port } = given as Readonly<Record<string, unknown>>;
  return is.isFilled(host) && Number.isInteger(port);
}

/** Also of another realm (`node:vm`, test runners). */
function isPlain(given: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(given: unknown): string {
  if (typeof given === 'string') return 'a string';
  const name = isObject(given) && !isPlain(given) ? given.constructor.name : '';
  return name === '' ? formatValue(given) : `an instance of ${name}`;
}
