import { BackendError } from '../../../ports/errors.js';
import { withDeadline } from './deadline.js';
import type { ConnectionSource } from './connect.js';
import { asError, replyCode } from './errors.js';
import type { RedisClient } from './client-adapter.js';

export type TimeListener = (serverMs: number, roundTripMs: number) => void;

/** One attempt to open a connection that works. */
export class ConnectAttempt {
  #opened: RedisClient | undefined;
  #abandoned = false;
  #lastError: Error | undefined;

  constructor(
    private readonly source: ConnectionSource,
    private readonly deadlineMs: number,
    private readonly timeListeners: ReadonlySet<TimeListener>,
    private readonly masterCheck: MasterCheck,
  ) {}

  /**
   * @returns a client over which the server has answered
   * @throws when there is none by the deadline; then nothing is left open
   */
  async connect(
    onError: (client: RedisClient, error: Error) => void,
    onNodeReady: (client: RedisClient) => void,
  ): Promise<RedisClient> {
    try {
      return await withDeadline(this.#open(onError, onNodeReady), this.deadlineMs, () => {
        const cause = this.#lastError === undefined ? '' : ` (${this.#lastError.message})`;
        return new Error(`no connection within ${String(this.deadlineMs)} ms${cause}`);
      });
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  abandon(): void {
    this.#abandoned = true;
    this.#opened?.destroy();
  }

  async #open(
    onError: (client: RedisClient, error: Error) => void,
    onNodeReady: (client: RedisClient) => void,
  ): Promise<RedisClient> {
    const client = await this.source.open();
    if (this.#abandoned) throw new Error('the attempt was abandoned.');
    this.#opened = client;
    client.onError((error) => {
      this.#lastError = error;
      onError(client, error);
    });
    client.onNodeReady(() => {
      onNodeReady(client);
    });
    if (!client.open) await client.connect();
    if (!client.ready) throw new Error('the client is not connected yet.');
    // unlike TIME, PING is refused while the server loads its data or runs a long script
    const ping = client.send('', ['PING'], 'text', true).catch(unlessForbidden);
    const isMaster =
      client.kind === 'single' ? this.masterCheck.check(askDirectly(client)) : undefined;
    await Promise.all([ping, readServerTime(client, this.timeListeners), isMaster]);
    return client;
  }
}

/** Passes the server's clock to the listeners; not of a cluster, whose nodes have a clock each. */
export async function readServerTime(
  client: RedisClient,
  listeners: ReadonlySet<TimeListener>,
): Promise<void> {
  const sentAt = performance.now();
  const reply: unknown = await client.send('', ['TIME'], 'text', true).catch(unlessForbidden);
  if (client.kind !== 'single' || !Array.isArray(reply)) return;
  const server = Math.floor(Number(reply[0]) * 1_000 + Number(reply[1]) / 1_000);
  for (const listener of listeners) listener(server, performance.now() - sentAt);
}

/** A user without the permission for a command is connected all the same. */
function unlessForbidden(thrown: unknown): undefined {
  if (replyCode(asError(thrown)) !== 'NOPERM') throw thrown;
}

type Ask = (args: string[]) => Promise<unknown>;

/** Error codes of servers, and of users, that do not answer ROLE. */
const ROLE_REFUSALS = new Set(['NOPERM', 'ERR']);

/**
 * A replica is never used: it may lag behind an invalidation or, cut off from its master, never
 * receive it. An address may lead to one from one moment to the next, so the role is checked with
 * every connection and every heartbeat. A server that does not tell its role counts as a master.
 */
export class MasterCheck {
  #answersRole = true;

  /** Rejects when the node is a replica. */
  async check(ask: Ask): Promise<void> {
    const reply: unknown = await ask(['ROLE']).catch((thrown: unknown) => {
      const error = asError(thrown);
      if (
        !ROLE_REFUSALS.has(
          replyCode(error instanceof BackendError ? asError(error.cause) : error) ?? '',
        )
      )
        throw error;
    });
    this.#answersRole = reply !== undefined;
    assertMaster(reply);
  }

  /** As `check`, unless the server refuses the command: each refusal is an entry in its log. */
  async recheck(ask: Ask): Promise<void> {
    if (this.#answersRole) await this.check(ask);
  }
}

/** Past all that waits for its turn on the connection. */
export function askDirectly(client: RedisClient): Ask {
  return (args) => client.send('', args, 'text', true);
}

function assertMaster(role: unknown): void {
  if (Array.isArray(role) && role[0] === 'slave')
    throw new Error('READONLY the server is a replica, which may be behind its master.');
}
