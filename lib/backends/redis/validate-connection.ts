import { CacheConfigError } from '../../ports/errors.js';
import { isObject, formatValue } from '../../ports/validate.js';

/**
 * A client or cluster in the place of the options has members of the same names, and would lead to another Redis than the one that is meant.
 * @throws CacheConfigError; never shows what was given, which may be a URL with a password
 */
export function checkIsOptions(given: unknown): void {
  if (isObject(given) && isPlain(given)) return;
  const connected = isObject(given) && 'sendCommand' in given;
  throw new CacheConfigError(
    connected
      ? 'RedisBackend got a client where its options belong. Give it as an option: new RedisBackend({ client }).'
      : `RedisBackend takes a plain object of options, such as { url: 'redis://localhost:6379' } or { client }; got ${kindOf(given)}.`,
  );
}

interface Sources {
  readonly client?: unknown;
  readonly options?: unknown;
  readonly cluster?: unknown;
  readonly sentinel?: unknown;
}

/** @throws CacheConfigError for a way to Redis that cannot be gone; never shows a URL */
export function checkSources({ client, options, cluster, sentinel }: Sources): void {
  if (client !== undefined) checkClient(client);
  checkObject(
    options,
    'options',
    "{ socket: { tls: true } }, of the redis package's createClient()",
  );
  if (cluster !== undefined) {
    checkObject(
      cluster,
      'cluster',
      "{ rootNodes: [{ url: 'redis://localhost:6379' }] }, of the redis package's createCluster()",
    );
    const { defaults, rootNodes } = cluster as {
      readonly defaults?: unknown;
      readonly rootNodes?: unknown;
    };
    checkObject(
      defaults,
      'cluster.defaults',
      "{ password }, of the redis package's createClient()",
    );
    if (!Array.isArray(rootNodes) || rootNodes.length === 0 || !rootNodes.every(isObject)) {
      throw new CacheConfigError(
        "RedisBackend option cluster needs rootNodes, at least one: [{ url: 'redis://localhost:6379' }].",
      );
    }
  }
  if (sentinel !== undefined) checkSentinel(sentinel);
}

/**
 * The password of a URL, so that it can be kept out of messages.
 * @throws CacheConfigError for a URL that the client could not use
 */
export function passwordOf(text: string): string {
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
    `RedisBackend option url must look like redis://localhost:6379/0, or rediss:// for TLS; got ${got}. (The value is not shown, it may hold a password.)`,
  );
}

const USED = ['connect', 'on', 'sendCommand', 'destroy'] as const;

function checkClient(given: unknown): void {
  const client = given as Readonly<Record<string, unknown>>;
  if (
    isObject(given) &&
    'isOpen' in given &&
    USED.every((method) => typeof client[method] === 'function')
  )
    return;
  throw new CacheConfigError(
    `RedisBackend option client must be a client of the redis package: what createClient(), createCluster() or createSentinel() gives; got ${kindOf(given)}.`,
  );
}

function checkSentinel(given: unknown): void {
  checkObject(
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
      'RedisBackend option sentinel needs the name of the master and at least one node { host, port }.',
    );
  checkObject(options, 'sentinel.options', "{ password }, of the redis package's createClient()");
}

function isNode(given: unknown): boolean {
  if (!isObject(given)) return false;
  const { host, port } = given as Readonly<Record<string, unknown>>;
  return typeof host === 'string' && host !== '' && Number.isInteger(port);
}

function checkObject(given: unknown, option: string, example: string): void {
  if (given !== undefined && !isObject(given)) {
    throw new CacheConfigError(
      `RedisBackend option ${option} must be an object such as ${example}; got ${kindOf(given)}.`,
    );
  }
}

/** Also of another realm (`node:vm`, test runners). */
function isPlain(given: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(given: unknown): string {
  if (typeof given === 'string') return 'a text';
  const name = isObject(given) && !isPlain(given) ? given.constructor.name : '';
  return name === '' ? formatValue(given) : `an instance of ${name}`;
}
