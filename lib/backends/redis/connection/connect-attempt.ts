import { withDeadline } from './deadline.js';
import type { ConnectionSource } from './connect.js';
import { asError, replyCode } from './errors.js';
import { askDirectly, type MasterCheck } from './master-check.js';
import type { RedisClient } from './client-adapter.js';

export type TimeListener = (serverMs: number, roundTripMs: number) => void;

/** One attempt to get a link that works. */
export class ConnectAttempt {
  #opened: RedisClient | undefined;
  #abandoned = false;
  #lastError: Error | undefined;

  constructor(
    private readonly dial: ConnectionSource,
    private readonly deadlineMs: number,
    private readonly timeListeners: ReadonlySet<TimeListener>,
    private readonly role: MasterCheck,
  ) {}

  /** A link over which the server has answered; rejects when there is none by the deadline, and leaves nothing open then. */
  async connect(
    onError: (wire: RedisClient, error: Error) => void,
    onNode: (wire: RedisClient) => void,
  ): Promise<RedisClient> {
    try {
      return await withDeadline(this.#open(onError, onNode), this.deadlineMs, () => {
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
    onError: (wire: RedisClient, error: Error) => void,
    onNode: (wire: RedisClient) => void,
  ): Promise<RedisClient> {
    const wire = await this.dial.open();
    if (this.#abandoned) throw new Error('the attempt was given up.');
    this.#opened = wire;
    wire.onError((error) => {
      this.#lastError = error;
      onError(wire, error);
    });
    wire.onNodeReady(() => {
      onNode(wire);
    });
    if (!wire.open) await wire.connect();
    if (!wire.ready) throw new Error('the client is not connected yet.');
    // unlike TIME, PING is refused while the server loads its data or runs a long script
    const ping = wire.send('', ['PING'], 'text', true).catch(unlessForbidden);
    const role = wire.kind === 'single' ? this.role.check(askDirectly(wire)) : undefined;
    await Promise.all([ping, readServerTime(wire, this.timeListeners), role]);
    return wire;
  }
}

/** Asks for the server's clock and tells the listeners. The nodes of a cluster have a clock each: none is told. */
export async function readServerTime(
  wire: RedisClient,
  listeners: ReadonlySet<TimeListener>,
): Promise<void> {
  const sentAt = performance.now();
  const reply: unknown = await wire.send('', ['TIME'], 'text', true).catch(unlessForbidden);
  if (wire.kind !== 'single' || !Array.isArray(reply)) return;
  const server = Math.floor(Number(reply[0]) * 1_000 + Number(reply[1]) / 1_000);
  for (const listener of listeners) listener(server, performance.now() - sentAt);
}

/** A user who may not ask is connected all the same. */
function unlessForbidden(thrown: unknown): undefined {
  if (replyCode(asError(thrown)) !== 'NOPERM') throw thrown;
}
