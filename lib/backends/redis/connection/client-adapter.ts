import { RESP_TYPES } from 'redis';
import { slotOf } from '../entries/redis-keys.js';

export type Argument = string | Buffer;
/** How values are returned: as text (UTF-8), or as the bytes they are. */
export type ReplyKind = 'text' | 'bytes';

interface SendOptions {
  readonly timeout: number;
  readonly typeMapping: Record<number, unknown>;
}

export interface Command {
  /** Decides the node. */
  readonly key: string;
  readonly args: Argument[];
  /** For messages. Default: the first argument. */
  readonly name?: string;
  readonly reply?: ReplyKind | undefined;
  /** May change something, so that without a reply the outcome is unknown. */
  readonly write?: boolean;
  /** A last argument that depends on when the command is written, which may be later. */
  readonly last?: (() => string) | undefined;
  /**
   * How long the caller waits, in ms, for the command's turn and its reply. Default: as long as all
   * that was sent before may take.
   */
  readonly timeoutMs?: number | undefined;
  /** How long the server itself may hold the reply back (a blocking read). */
  readonly holdMs?: number;
}

/** What becomes of the reply; exactly one of them is called, once. */
export interface ReplyHandler {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface ConnectionTimes {
  /** How long the reply to a command that was written may take. */
  readonly commandTimeout: number;
  readonly connectTimeout: number;
  /**
   * For blocking reads: a heartbeat would have to wait behind them, and they are one themselves.
   */
  readonly blocking?: boolean;
}

/** What is used of a `redis` client; a client of createClient() has it. */
export interface RedisClientLike {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  sendCommand(args: readonly Argument[], options?: SendOptions): Promise<unknown>;
  duplicate(overrides?: Record<string, unknown>): RedisClientLike;
  destroy(): void;
  readonly options?: { readonly socket?: object } | undefined;
}

/** What is used of a `redis` cluster; a client of createCluster() has it. */
export interface RedisClusterLike {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly masters: readonly object[];
  readonly slots: readonly ({ readonly master?: { readonly address: string } } | undefined)[];
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'node-ready', listener: () => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: Argument[],
    options?: SendOptions,
  ): Promise<unknown>;
  nodeClient(node: never): Promise<unknown>;
  getNodeClientForKey(key: string): Promise<unknown>;
  destroy(): void;
}

/** What is used of a `redis` sentinel client; a client of createSentinel() has it. */
export interface RedisSentinelLike {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'ready', listener: () => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  sendCommand(
    isReadonly: boolean | undefined,
    args: Argument[],
    options?: SendOptions,
  ): Promise<unknown>;
  duplicate(overrides?: Record<string, unknown>): unknown;
  destroy(): unknown;
  getMasterNode(): unknown;
}

export type GivenClient = RedisClientLike | RedisClusterLike | RedisSentinelLike;

/**
 * One interface for clients of a single server, a cluster and sentinels. It has no deadlines of its
 * own; `Connection` adds them.
 */
export interface RedisClient {
  readonly kind: 'single' | 'cluster';
  readonly ready: boolean;
  readonly open: boolean;
  connect(): Promise<unknown>;
  /** `key` decides the node. */
  send(key: string, args: Argument[], reply: ReplyKind, readonly: boolean): Promise<unknown>;
  /** The address of the node that serves the key; '' for a single server. */
  node(key: string): string;
  /** One for each node that holds keys; they share these connections and are never destroyed. */
  nodes(): Promise<readonly RedisClient[]>;
  onError(listener: (error: Error) => void): void;
  /**
   * Called when a node of a cluster, or a master behind sentinels, is ready that came back or
   * replaced another one, while the client as a whole stayed ready.
   */
  onNodeReady(listener: () => void): void;
  destroy(): void;
}

// timeout 0: the client's default of 5 s makes an AbortSignal for each command, which costs four
// times the command. The mapping is always given, so that one that the user set on a client of his
// own does not change our replies.
const OPTIONS: Readonly<Record<ReplyKind, SendOptions>> = {
  text: { timeout: 0, typeMapping: {} },
  bytes: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
};

export function isCluster(client: GivenClient): client is RedisClusterLike {
  return 'getNodeClientForKey' in client;
}
export function isSentinel(client: GivenClient): client is RedisSentinelLike {
  return 'getMasterNode' in client;
}

export function adaptClient(client: GivenClient): RedisClient {
  if (isCluster(client)) return adaptCluster(client);
  return adaptSingle(client, isSentinel(client) ? sentinelSend(client) : clientSend(client));
}

type Send = (args: Argument[], options: SendOptions, readonly: boolean) => Promise<unknown>;
const clientSend =
  (client: RedisClientLike): Send =>
  (args, options) =>
    client.sendCommand(args, options);
// never from a replica: it may lag behind an invalidation
const sentinelSend =
  (client: RedisSentinelLike): Send =>
  (args, options) =>
    client.sendCommand(false, args, options);

function adaptSingle(client: RedisClientLike | RedisSentinelLike, send: Send): RedisClient {
  const adapter: RedisClient = {
    kind: 'single',
    get ready() {
      return client.isReady;
    },
    get open() {
      return client.isOpen;
    },
    connect: () => client.connect(),
    send: (_key, args, reply, readonly) => send(args, OPTIONS[reply], readonly),
    node: () => '',
    nodes: () => Promise.resolve([adapter]),
    onError: (listener) => void client.on('error', listener),
    onNodeReady: (listener) => {
      // a single server is another only after a reconnection
      if (isSentinel(client)) client.on('ready', listener);
    },
    destroy: () => {
      destroy(client);
    },
  };
  return adapter;
}

function adaptCluster(cluster: RedisClusterLike): RedisClient {
  return {
    kind: 'cluster',
    get ready() {
      return cluster.isReady;
    },
    get open() {
      return cluster.isOpen;
    },
    connect: () => cluster.connect(),
    send: (key, args, reply) => cluster.sendCommand(key, false, args, OPTIONS[reply]),
    node: (key) => cluster.slots[slotOf(key)]?.master?.address ?? '',
    nodes: () =>
      Promise.all(
        cluster.masters.map(async (node) =>
          adaptClient((await cluster.nodeClient(node as never)) as RedisClientLike),
        ),
      ),
    onError: (listener) => void cluster.on('error', listener),
    onNodeReady: (listener) => void cluster.on('node-ready', listener),
    destroy: () => {
      destroy(cluster);
    },
  };
}

/** Ends a client that may be in any state; errors about that state are of no use. */
function destroy(client: { destroy(): unknown }): void {
  try {
    Promise.resolve(client.destroy()).catch(() => undefined);
  } catch {
    // never opened, or closed already
  }
}
