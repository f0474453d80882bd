import type { BackendError } from '../../../ports/errors.js';
import { EventLoopLag, startDeadline } from './deadline.js';
import { asError, unavailableError, replyCode, toBackendError, timeoutError } from './errors.js';
import { FairQueue, type Queued } from './fair-queue.js';
import type { Command, RedisClient, ReplyHandler } from './client-adapter.js';

/*
 * How much may be in flight to one node. The work of a command, for us and for the server, grows
 * with its arguments, so they are counted: there is room for about 100 scripts of one key, or for
 * 15 reads of 128 names. So the last command in flight is answered long before its deadline,
 * however large a bulk call is, and a missed deadline says something about the server and not about
 * our own queue.
 */
const MAX_COST = 2_048;
const BASE_COST = 8;
/** A node that needs this many deadlines for `MAX_COST` of commands is too slow to be of use. */
const DEADLINE_FACTOR = 10;

/** @param silent the node has answered nothing in time for as long as a command may take */
export type CommandFailed = (
  command: Command,
  error: BackendError,
  code: string | undefined,
  silent: boolean,
) => void;

interface Moment {
  /** Monotonic. */
  readonly at: number;
  readonly lag: number;
}

class QueuedCommand implements Queued {
  readonly name: string;
  readonly cost: number;
  waiting = false;
  /** It was rejected before its reply came. */
  late = false;
  /** Monotonic: when it is rejected at the latest. */
  until = Infinity;
  cancel: () => void = () => undefined;

  constructor(
    readonly command: Command,
    readonly handler: ReplyHandler,
  ) {
    this.name = command.name ?? String(command.args[0]);
    this.cost = BASE_COST + command.args.length;
  }
}

/**
 * The commands to one node, of which only `MAX_COST` are in flight at a time. Invariants:
 * - every command settles: in time, or when the node has been silent for as long as a command may
 *   take;
 * - a command with a deadline of its own (`timeoutMs`) never takes longer, including its time in
 *   the queue;
 * - one without waits as long as the node makes progress with the commands before it;
 * - queued commands are rejected at once when the node is given up.
 */
export class InFlightLimit {
  #inFlightCost = 0;
  /** Cost of all that is queued. */
  #queuedCost = 0;
  /** Cost of all that was answered. */
  #answeredCost = 0;
  #timer: (() => void) | undefined;
  /** The last reply that came in time; a late one is of no use to any caller. */
  #lastReply: Moment = { at: -Infinity, lag: 0 };
  readonly #queue = new FairQueue<QueuedCommand>();
  readonly #lag = new EventLoopLag(() => this.#inFlightCost > 0);

  constructor(
    private readonly client: RedisClient,
    /** How long the reply to a command may take, in ms. */
    private readonly timeoutMs: number,
    private readonly failed: CommandFailed,
  ) {}

  /** Rejects with a BackendError, within the deadline. */
  send(command: Command, handler: ReplyHandler): void {
    const item = new QueuedCommand(command, handler);
    if (
      this.#queuedCost === 0 &&
      (this.#inFlightCost === 0 || this.#inFlightCost + item.cost <= MAX_COST)
    )
      this.#write(item);
    else this.#enqueue(item);
  }

  /** Monotonic: when the node last answered in time. */
  get lastReplyAt(): number {
    return this.#lastReply.at;
  }

  /** Rejects all that is queued. */
  rejectAll(why: string): void {
    this.#timer?.();
    this.#timer = undefined;
    for (const item of this.#queue.clear()) {
      this.#dequeue(item);
      item.handler.reject(unavailableError(item.name, why));
    }
  }

  #enqueue(item: QueuedCommand): void {
    item.waiting = true;
    this.#queuedCost += item.cost;
    this.#queue.add(item);
    this.#watchQueue();
    const { timeoutMs: ms } = item.command;
    if (ms === undefined) return;
    item.until = performance.now() + ms;
    item.cancel = startDeadline(ms, () => {
      this.#dequeue(item);
      item.handler.reject(timeoutError(item.name, ms, false));
    });
  }

  #dequeue(item: QueuedCommand): void {
    item.cancel();
    item.waiting = false;
    this.#queuedCost -= item.cost;
  }

  /** Rejects queued commands without a deadline of their own when the node is too slow. */
  #watchQueue(): void {
    if (this.#timer !== undefined) return;
    const before = this.#answeredCost;
    const ms = DEADLINE_FACTOR * this.timeoutMs;
    this.#timer = startDeadline(ms, () => {
      this.#timer = undefined;
      if (this.#answeredCost - before >= MAX_COST) {
        if (this.#queuedCost > 0) this.#watchQueue();
        return;
      }
      for (const item of this.#queue.clear()) {
        if (item.until !== Infinity) this.#queue.add(item);
        else {
          this.#dequeue(item);
          item.handler.reject(timeoutError(item.name, ms, false));
        }
      }
    });
  }

  #next(): void {
    while (this.#queuedCost > 0) {
      const item = this.#queue.next(
        this.#inFlightCost === 0 ? Infinity : MAX_COST - this.#inFlightCost,
      );
      if (item === undefined) return;
      this.#dequeue(item);
      this.#write(item);
    }
  }

  #write(item: QueuedCommand): void {
    const { command, name, cost } = item;
    const now = performance.now();
    if (item.until === Infinity)
      item.until = now + (command.timeoutMs ?? DEADLINE_FACTOR * this.timeoutMs);
    item.until += command.holdMs ?? 0;
    this.#inFlightCost += cost;
    this.#lag.start(now);
    this.#watchReply(item, { at: now, lag: this.#lag.total(now) });
    this.#reply(command).then(
      (reply) => {
        this.#onReply(item, true);
        item.handler.resolve(reply);
      },
      (thrown: unknown) => {
        const code = replyCode(asError(thrown));
        this.#onReply(item, code !== undefined);
        const error = toBackendError(thrown, name, command.write === true);
        item.handler.reject(error);
        this.failed(command, error, code, false);
      },
    );
  }

  /** A client that throws answers with a rejection, without one more promise for each command. */
  #reply({ key, args, last, reply = 'text', write }: Command): Promise<unknown> {
    try {
      const all = last === undefined ? args : [...args, last()];
      return this.client.send(key, all, reply, write !== true);
    } catch (thrown) {
      return Promise.reject(asError(thrown));
    }
  }

  #onReply(item: QueuedCommand, byNode: boolean): void {
    item.cancel();
    this.#inFlightCost -= item.cost;
    this.#answeredCost += item.cost;
    if (byNode && !item.late) {
      const at = performance.now();
      this.#lastReply = { at, lag: this.#lag.total(at) };
    }
    if (this.#queuedCost > 0) this.#next();
  }

  /**
   * While other replies come in time, the node is alive: then only the caller's own deadline
   * counts.
   */
  #watchReply(item: QueuedCommand, sent: Moment): void {
    const { command, name } = item;
    const longest = this.timeoutMs + (command.holdMs ?? 0);
    const arm = (ms: number): void => {
      item.cancel = startDeadline(ms, () => {
        const now = performance.now();
        const since = this.#lastReply.at > sent.at ? this.#lastReply : sent;
        const silence = now - since.at - (this.#lag.total(now) - since.lag);
        const left = Math.min(longest - silence, item.until - now);
        if (left > 1) {
          arm(left);
          return;
        }
        item.late = true;
        const late = timeoutError(name, now - sent.at, command.write === true);
        item.handler.reject(late);
        this.failed(command, late, undefined, silence >= longest - this.timeoutMs * 0.1);
      });
    };
    arm(Math.min(longest, item.until - sent.at));
  }
}
