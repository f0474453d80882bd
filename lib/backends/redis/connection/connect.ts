import { createClient, createCluster, type RedisClientOptions } from 'redis';
import type { RedisBackendOptions, RedisSentinelChoice } from '../options.js';
import {
  type GivenClient,
  isCluster,
  isSentinel,
  type RedisClientLike,
  type RedisClusterLike,
  type Wire,
  wireOf,
} from './client-adapter.js';

/** Makes wires that are not connected yet. */
export interface Dial {
  /** Known before there is any wire. */
  readonly kind: Wire['kind'];
  /** A new wire for every call when `owned`, else always the same. */
  open(): Promise<Wire>;
  /** Wires are ours: replaced when they seem stuck, destroyed at the end. */
  readonly owned: boolean;
  /** For a link of its own that may block on reads of `key`. Always owned. */
  beside(key: string): Dial;
}

/** The way to the Redis that the options name. */
export function dialOf(options: RedisBackendOptions): Dial {
  if (options.client !== undefined) return given(options.client);
  if (options.cluster !== undefined) {
    const { cluster } = options;
    return ownedCluster(() =>
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
  if (options.sentinel !== undefined) return viaSentinel(options.sentinel, base);
  return owned(() => Promise.resolve(createClient(plain(base))));
}

/** Without reconnecting and queueing of its own: both are done by `Connection`. */
function plain(options: RedisClientOptions): RedisClientOptions {
  return {
    ...options,
    disableOfflineQueue: true,
    socket: { ...options.socket, reconnectStrategy: false },
  };
}

/** A node of a cluster that has sent nothing for this long, although it is pinged twice as often, is reconnected. */
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
/** Replicas are not read; and one that is connected already is not told of when it takes the place of its master. */
const CLUSTER_DEFAULTS = {
  topologyRefreshOnReconnectionAttemptStrategy: 500,
  useReplicas: false,
} as const;

function owned(make: () => Promise<RedisClientLike>): Dial {
  const dial: Dial = {
    kind: 'single',
    owned: true,
    open: async () => quiet(wireOf(await make())),
    beside: () => dial,
  };
  return dial;
}

function ownedCluster(make: () => RedisClusterLike): Dial {
  let current: RedisClusterLike | undefined;
  return {
    kind: 'cluster',
    owned: true,
    open: () => Promise.resolve(quiet(wireOf((current = make())))),
    beside: (key) => owned(() => besideCluster(current, key)),
  };
}

function given(client: GivenClient): Dial {
  // the listener keeps a broken connection from ending the process; it stays as long as the client, which is not ours to judge
  const wire = wireOf(client);
  let listener: (error: Error) => void = () => undefined;
  let nodeListener: () => void = () => undefined;
  wire.onError((error) => {
    listener(error);
  });
  wire.onNode(() => {
    nodeListener();
  });
  const shared: Wire = {
    ...wire,
    get ready() {
      return client.isReady;
    },
    get open() {
      return client.isOpen;
    },
    onError: (next) => {
      listener = next;
    },
    onNode: (next) => {
      nodeListener = next;
    },
    destroy: () => {
      listener = () => undefined;
      nodeListener = () => undefined;
    },
  };
  return {
    kind: wire.kind,
    owned: false,
    open: () => Promise.resolve(shared),
    beside: (key) => owned(() => besideGiven(client, key)),
  };
}

async function besideGiven(client: GivenClient, key: string): Promise<RedisClientLike> {
  if (isCluster(client)) return besideCluster(client, key);
  if (isSentinel(client)) return client.duplicate() as RedisClientLike;
  return twin(client);
}

async function besideCluster(
  cluster: RedisClusterLike | undefined,
  key: string,
): Promise<RedisClientLike> {
  if (cluster?.isReady !== true) throw new Error('the cluster is not connected yet.');
  return twin((await cluster.getNodeClientForKey(key)) as RedisClientLike);
}

function twin(client: RedisClientLike): RedisClientLike {
  return client.duplicate({
    disableOfflineQueue: true,
    pingInterval: 0,
    socket: { ...client.options?.socket, socketTimeout: 0, reconnectStrategy: false },
  });
}

function viaSentinel(choice: RedisSentinelChoice, base: RedisClientOptions): Dial {
  return owned(async () => {
    const { host, port } = await currentMaster(choice);
    return createClient(plain({ ...base, socket: { ...base.socket, host, port } }));
  });
}

/** Asks the sentinels in turn where the master is (Redis Sentinel client guidelines). */
async function currentMaster(choice: RedisSentinelChoice): Promise<{ host: string; port: number }> {
  let problem = new Error('no sentinel answered.');
  for (const { host, port } of choice.nodes) {
    const socket = { ...choice.options?.socket, host, port, connectTimeout: 500 } as NonNullable<
      RedisClientOptions['socket']
    >;
    const sentinel = createClient(plain({ ...choice.options, socket }));
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
function quiet(wire: Wire): Wire {
  wire.onError(() => undefined);
  return wire;
}
