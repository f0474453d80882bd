import { createClient, createCluster, type RedisClientOptions } from 'redis';
import type { RedisBackendOptions, RedisSentinelChoice } from '../options.js';
import {
  type GivenClient,
  isCluster,
  isSentinel,
  type RedisClientLike,
  type RedisClusterLike,
  type RedisClient,
  adaptClient,
} from './client-adapter.js';

/** Makes clients that are not connected yet. */
export interface ConnectionSource {
  /** Known before there is any client. */
  readonly kind: RedisClient['kind'];
  /** A new client for every call when `owned`, else always the same. */
  open(): Promise<RedisClient>;
  /** Clients are ours: replaced when they seem stuck, destroyed at the end. */
  readonly owned: boolean;
  /** For a connection of its own that may block on reads of `key`. Always owned. */
  dedicated(key: string): ConnectionSource;
}

/** The source of clients for the Redis that the options name. */
export function sourceFor(options: RedisBackendOptions): ConnectionSource {
  if (options.client !== undefined) return givenSource(options.client);
  if (options.cluster !== undefined) {
    const { cluster } = options;
    return clusterSource(() =>
      createCluster({
        ...cluster,
        ...CLUSTER_DEFAULTS,
        defaults: nodeOptions(cluster.defaults ?? {}),
      }),
    );
  }
  const base: RedisClientOptions = {
    ...options.options,
    ...(options.url === undefined ? {} : { url: options.url }),
  };
  if (options.sentinel !== undefined) return sentinelSource(options.sentinel, base);
  return ownedSource(() => Promise.resolve(createClient(withoutReconnecting(base))));
}

/** Without reconnecting and queueing of its own: both are done by `Connection`. */
function withoutReconnecting(options: RedisClientOptions): RedisClientOptions {
  return {
    ...options,
    disableOfflineQueue: true,
    socket: { ...options.socket, reconnectStrategy: false },
  };
}

/**
 * A cluster node that sends nothing for this long, although it is pinged twice as often, is
 * reconnected.
 */
export const NODE_SILENCE_MS = 2_000;

/** The cluster client looks after its nodes. */
function nodeOptions(options: RedisClientOptions): RedisClientOptions {
  const retry = (retries: number): number => 200 + Math.random() * Math.min(500, 50 * 2 ** retries);
  const socket = {
    connectTimeout: 1_000,
    socketTimeout: NODE_SILENCE_MS,
    reconnectStrategy: retry,
    ...options.socket,
  };
  return {
    pingInterval: NODE_SILENCE_MS / 2,
    ...options,
    disableOfflineQueue: true,
    socket: socket,
  };
}
/** Replicas are not read; and the client does not report the promotion of one that is connected. */
const CLUSTER_DEFAULTS = {
  topologyRefreshOnReconnectionAttemptStrategy: 500,
  useReplicas: false,
} as const;

function ownedSource(make: () => Promise<RedisClientLike>): ConnectionSource {
  const source: ConnectionSource = {
    kind: 'single',
    owned: true,
    open: async () => withErrorListener(adaptClient(await make())),
    dedicated: () => source,
  };
  return source;
}

function clusterSource(make: () => RedisClusterLike): ConnectionSource {
  let current: RedisClusterLike | undefined;
  return {
    kind: 'cluster',
    owned: true,
    open: () => Promise.resolve(withErrorListener(adaptClient((current = make())))),
    dedicated: (key) => ownedSource(() => dedicatedToCluster(current, key)),
  };
}

function givenSource(client: GivenClient): ConnectionSource {
  // the listener keeps a broken connection from ending the process; it stays as long as the client
  const adapter = adaptClient(client);
  let listener: (error: Error) => void = () => undefined;
  let nodeListener: () => void = () => undefined;
  adapter.onError((error) => {
    listener(error);
  });
  adapter.onNodeReady(() => {
    nodeListener();
  });
  const shared: RedisClient = {
    ...adapter,
    get ready() {
      return client.isReady;
    },
    get open() {
      return client.isOpen;
    },
    onError: (next) => {
      listener = next;
    },
    onNodeReady: (next) => {
      nodeListener = next;
    },
    destroy: () => {
      listener = () => undefined;
      nodeListener = () => undefined;
    },
  };
  return {
    kind: adapter.kind,
    owned: false,
    open: () => Promise.resolve(shared),
    dedicated: (key) => ownedSource(() => dedicatedToGiven(client, key)),
  };
}

async function dedicatedToGiven(client: GivenClient, key: string): Promise<RedisClientLike> {
  if (isCluster(client)) return dedicatedToCluster(client, key);
  if (isSentinel(client)) return client.duplicate() as RedisClientLike;
  return duplicateOf(client);
}

async function dedicatedToCluster(
  cluster: RedisClusterLike | undefined,
  key: string,
): Promise<RedisClientLike> {
  if (cluster?.isReady !== true) throw new Error('the cluster is not connected yet.');
  return duplicateOf((await cluster.getNodeClientForKey(key)) as RedisClientLike);
}

function duplicateOf(client: RedisClientLike): RedisClientLike {
  return client.duplicate({
    disableOfflineQueue: true,
    pingInterval: 0,
    socket: { ...client.options?.socket, socketTimeout: 0, reconnectStrategy: false },
  });
}

function sentinelSource(choice: RedisSentinelChoice, base: RedisClientOptions): ConnectionSource {
  return ownedSource(async () => {
    const { host, port } = await currentMaster(choice);
    return createClient(withoutReconnecting({ ...base, socket: { ...base.socket, host, port } }));
  });
}

/** Asks the sentinels in turn where the master is (Redis Sentinel client guidelines). */
async function currentMaster(choice: RedisSentinelChoice): Promise<{ host: string; port: number }> {
  let problem = new Error('no sentinel answered.');
  for (const { host, port } of choice.nodes) {
    const socket = { ...choice.options?.socket, host, port, connectTimeout: 500 } as NonNullable<
      RedisClientOptions['socket']
    >;
    const sentinel = createClient(withoutReconnecting({ ...choice.options, socket }));
    sentinel.on('error', () => undefined);
    try {
      await sentinel.connect();
      const reply: unknown = await sentinel.sendCommand([
        'SENTINEL',
        'get-master-addr-by-name',
        choice.name,
      ]);
      if (Array.isArray(reply)) return { host: String(reply[0]), port: Number(reply[1]) };
      problem = new Error(
        `the sentinel ${host}:${String(port)} knows no master called ${choice.name}.`,
      );
    } catch (error) {
      problem = error instanceof Error ? error : problem;
    } finally {
      if (sentinel.isOpen) sentinel.destroy();
    }
  }
  throw problem;
}

/** An error listener from the first moment: without one, a lost connection ends the process. */
function withErrorListener(adapter: RedisClient): RedisClient {
  adapter.onError(() => undefined);
  return adapter;
}
