import type { RedisClientOptions, RedisClusterOptions } from 'redis';
import { type Duration, toMilliseconds } from '../../ports/duration.js';
import { CacheConfigError } from '../../ports/errors.js';
import { formatValue, isObject } from '../../ports/validate.js';
import type { GivenClient } from './connection/client-adapter.js';

export interface RedisSentinelChoice {
  /** The name of the monitored master. */
  readonly name: string;
  /** At least one sentinel; three are usual. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** How to connect to the sentinels themselves (credentials, TLS). */
  readonly options?: RedisClientOptions;
}

/**
 * At most one of `url`, `client`, `cluster` and `sentinel`. Without one: `redis://localhost:6379`,
 * or what `options` says.
 */
export interface RedisBackendOptions {
  /** `redis[s]://[[user][:password]@]host[:port][/database]`. */
  readonly url?: string;
  /**
   * A client, cluster or sentinel client of the `redis` package that is yours: connected if it is
   * not, never closed.
   */
  readonly client?: GivenClient;
  /** Further client options (TLS, credentials, database). With `sentinel`: for the master. */
  readonly options?: RedisClientOptions;
  readonly cluster?: RedisClusterOptions;
  readonly sentinel?: RedisSentinelChoice;
  /**
   * How long Redis may take to answer a command, from when it is sent, 10 ms to 1 min. Default
   * '250ms'.
   */
  readonly commandTimeout?: Duration;
  /** Bound of one attempt to connect, 10 ms to 1 min. Default '1s'. */
  readonly connectTimeout?: Duration;
  /**
   * How many notices are kept for caches that lost the connection for a while, 100 to 10,000,000.
   * Default 10,000.
   */
  readonly noticesKept?: number;
}

export interface ResolvedOptions {
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

/**
 * @throws CacheConfigError for options that cannot work; without the URL, it may hold a password
 */
export function resolveOptions(options: RedisBackendOptions): ResolvedOptions {
  assertIsOptions(options);
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) {
    throw new CacheConfigError(
      `RedisBackend has no option ${JSON.stringify(unknown)}; it has ${[...KNOWN].join(', ')}.`,
    );
  }
  const given = SOURCES.filter((source) => options[source] !== undefined);
  if (given.length > 1) {
    throw new CacheConfigError(
      'RedisBackend takes one of url, client, cluster and sentinel; ' +
        `got ${given.join(' and ')}. Keep the one that is meant.`,
    );
  }
  assertSources(options);
  return {
    commandTimeout: timeout(options.commandTimeout ?? '250ms', 'commandTimeout'),
    connectTimeout: timeout(options.connectTimeout ?? '1s', 'connectTimeout'),
    noticesKept: noticeCount(options.noticesKept ?? 10_000),
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

function noticeCount(given: number): number {
  if (!Number.isInteger(given) || given < 100 || given > 10_000_000) {
    throw new CacheConfigError(
      'RedisBackend option noticesKept must be a whole number from 100 to 10,000,000; ' +
        `got ${String(given)}.`,
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

/**
 * A client or cluster that is passed instead of the options has members of the same names, and
 * would lead to another Redis than the one that is meant.
 * @throws CacheConfigError without the value, which may be a URL with a password
 */
function assertIsOptions(given: unknown): void {
  if (isObject(given) && isPlain(given)) return;
  const connected = isObject(given) && 'sendCommand' in given;
  throw new CacheConfigError(
    connected
      ? 'RedisBackend got a client where its options belong. ' +
          'Give it as an option: new RedisBackend({ client }).'
      : 'RedisBackend takes a plain object of options, such as ' +
          `{ url: 'redis://localhost:6379' } or { client }; got ${kindOf(given)}.`,
  );
}

interface Sources {
  readonly client?: unknown;
  readonly options?: unknown;
  readonly cluster?: unknown;
  readonly sentinel?: unknown;
}

/** @throws CacheConfigError for connections that cannot work; without any URL */
function assertSources({ client, options, cluster, sentinel }: Sources): void {
  if (client !== undefined) assertClient(client);
  assertObjectOption(
    options,
    'options',
    "{ socket: { tls: true } }, of the redis package's createClient()",
  );
  if (cluster !== undefined) {
    assertObjectOption(
      cluster,
      'cluster',
      "{ rootNodes: [{ url: 'redis://localhost:6379' }] }, of the redis package's createCluster()",
    );
    const { defaults, rootNodes } = cluster as {
      readonly defaults?: unknown;
      readonly rootNodes?: unknown;
    };
    assertObjectOption(
      defaults,
      'cluster.defaults',
      "{ password }, of the redis package's createClient()",
    );
    if (!Array.isArray(rootNodes) || rootNodes.length === 0 || !rootNodes.every(isObject)) {
      throw new CacheConfigError(
        'RedisBackend option cluster needs rootNodes, at least one: ' +
          "[{ url: 'redis://localhost:6379' }].",
      );
    }
  }
  if (sentinel !== undefined) assertSentinel(sentinel);
}

/**
 * The password of a URL, so that it can be kept out of messages.
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

const REQUIRED_METHODS = ['connect', 'on', 'sendCommand', 'destroy'] as const;

function assertClient(given: unknown): void {
  const client = given as Readonly<Record<string, unknown>>;
  if (
    isObject(given) &&
    'isOpen' in given &&
    REQUIRED_METHODS.every((method) => typeof client[method] === 'function')
  )
    return;
  throw new CacheConfigError(
    'RedisBackend option client must be a client of the redis package: what createClient(), ' +
      `createCluster() or createSentinel() gives; got ${kindOf(given)}.`,
  );
}

function assertSentinel(given: unknown): void {
  assertObjectOption(
    given,
    'sentinel',
    "{ name: 'mymaster', nodes: [{ host: 'localhost', port: 26379 }] }",
  );
  const { name, nodes, options } = given as Readonly<Record<string, unknown>>;
  const complete =
    typeof name === 'string' &&
    name !== '' &&
    Array.isArray(nodes) &&
    nodes.length > 0 &&
    nodes.every(isNode);
  if (!complete)
    throw new CacheConfigError(
      'RedisBackend option sentinel needs the name of the master ' +
        'and at least one node { host, port }.',
    );
  assertObjectOption(
    options,
    'sentinel.options',
    "{ password }, of the redis package's createClient()",
  );
}

function isNode(given: unknown): boolean {
  if (!isObject(given)) return false;
  const { host, port } = given as Readonly<Record<string, unknown>>;
  return typeof host === 'string' && host !== '' && Number.isInteger(port);
}

function assertObjectOption(given: unknown, option: string, example: string): void {
  if (given !== undefined && !isObject(given)) {
    throw new CacheConfigError(
      `RedisBackend option ${option} must be an object such as ${example}; got ${kindOf(given)}.`,
    );
  }
}

/** Also an object of another realm (`node:vm`, test runners). */
function isPlain(given: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(given: unknown): string {
  if (typeof given === 'string') return 'a string';
  const name = isObject(given) && !isPlain(given) ? given.constructor.name : '';
  return name === '' ? formatValue(given) : `an instance of ${name}`;
}
