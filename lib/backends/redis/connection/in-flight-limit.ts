import type { BackendError } from '../../../ports/errors.js';
import type { Command } from './command.js';
import { startDeadline } from './deadline.js';
import { asError, notConnected, replyCode, toBackendError, tooLate } from './errors.js';
import { LoopLag } from './event-loop-lag.js';
import { Lines, type Waiting } from './fair-queue.js';
import type { Wire } from './client-adapter.js';

/*
 * How much may be under way to one node. The work of a command, here and there, grows with its arguments, so they are what is counted: there is
 * room for about 100 scripts that name one key, or for 15 reads of 128 names. So the last of what is under way is answered long before its
 * deadline, however much a bulk call asks at once, and a missed deadline tells of the server and not of our own queue.
 */
const ROOM = 2_048;
const COST_OF_ANY = 8;
/** A node that answers, but this slowly, is of no use: so many deadlines for what is under way, and for each room that waits. */
const PATIENCE = 10;

/** Given each failed command; `silent`: the node has answered nothing in time for as long as a command may take. */
export type Failed = (
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

class Item implements Waiting {
  readonly name: string;
  readonly cost: number;
  waiting = false;
  /** Nobody waits for the answer any more. */
  late = false;
  /** Monotonic: when nobody wants the answer any more. */
  until = Infinity;
  cancel: () => void = () => undefined;

  constructor(
    readonly command: Command,
    readonly resolve: (reply: unknown) => void,
    readonly reject: (error: BackendError) => void,
  ) {
    this.name = command.name ?? String(command.args[0]);
    this.cost = COST_OF_ANY + command.args.length;
  }
}

/**
 * The commands to one node, of which only so many are under way at a time. Invariants:
 * - every command settles: in time, or when the node has been silent for as long as a command may take;
 * - a command with a deadline of its own (`timeoutMs`) never takes longer, waiting for its turn included;
 * - one without goes on as long as the node gets on with what stands before it;
 * - what waits for its turn fails at once when the node is given up.
 */
export class Window {
  #underWay = 0;
  /** Cost of what waits. */
  #waiting = 0;
  /** Cost of all that was answered. */
  #done = 0;
  #timer: (() => void) | undefined;
  /** The last answer that came in time: one that did not is no sign of life that anybody can use. */
  #heard: Moment = { at: -Infinity, lag: 0 };
  readonly #lines = new Lines<Item>();
  readonly #lag = new LoopLag(() => this.#underWay > 0);

  constructor(
    private readonly wire: Wire,
    /** How long the answer to a command may take, in ms. */
    private readonly timeoutMs: number,
    private readonly failed: Failed,
  ) {}

  /** @throws BackendError within the deadline */
  run(command: Command): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const item = new Item(command, resolve, reject);
      if (this.#waiting === 0 && (this.#underWay === 0 || this.#underWay + item.cost <= ROOM))
        this.#write(item);
      else this.#wait(item);
    });
  }

  /** Monotonic: when the node last answered in time. */
  get heardAt(): number {
    return this.#heard.at;
  }

  /** Whatever waits fails. */
  refuse(why: string): void {
    this.#timer?.();
    this.#timer = undefined;
    for (const item of this.#lines.clear()) {
      this.#leaveLine(item);
      item.reject(notConnected(item.name, why));
    }
  }

  #wait(item: Item): void {
    item.waiting = true;
    this.#waiting += item.cost;
    this.#lines.add(item);
    this.#watchLines();
    const { timeoutMs: ms } = item.command;
    if (ms === undefined) return;
    item.until = performance.now() + ms;
    item.cancel = startDeadline(ms, () => {
      this.#leaveLine(item);
      item.reject(tooLate(item.name, ms, false));
    });
  }

  #leaveLine(item: Item): void {
    item.cancel();
    item.waiting = false;
    this.#waiting -= item.cost;
  }

  /** Ends the waiting of those who have no deadline of their own when the node gets on too slowly. */
  #watchLines(): void {
    if (this.#timer !== undefined) return;
    const before = this.#done;
    const ms = PATIENCE * this.timeoutMs;
    this.#timer = startDeadline(ms, () => {
      this.#timer = undefined;
      if (this.#done - before >= ROOM) {
        if (this.#waiting > 0) this.#watchLines();
        return;
      }
      for (const item of this.#lines.clear()) {
        if (item.until !== Infinity) this.#lines.add(item);
        else {
          this.#leaveLine(item);
          item.reject(tooLate(item.name, ms, false));
        }
      }
    });
  }

  #next(): void {
    while (this.#waiting > 0) {
      const item = this.#lines.take(this.#underWay === 0 ? Infinity : ROOM - this.#underWay);
      if (item === undefined) return;
      this.#leaveLine(item);
      this.#write(item);
    }
  }

  #write(item: Item): void {
    const { command, name, cost } = item;
    const now = performance.now();
    if (item.until === Infinity)
      item.until = now + (command.timeoutMs ?? PATIENCE * this.timeoutMs);
    item.until += command.holdMs ?? 0;
    this.#underWay += cost;
    this.#lag.start(now);
    this.#watch(item, { at: now, lag: this.#lag.total(now) });
    this.#send(command).then(
      (reply) => {
        this.#answered(item, true);
        item.resolve(reply);
      },
      (thrown: unknown) => {
        const code = replyCode(asError(thrown));
        this.#answered(item, code !== undefined);
        const error = toBackendError(thrown, name, command.write === true);
        item.reject(error);
        this.failed(command, error, code, false);
      },
    );
  }

  async #send({ key, args, last, reply = 'text', write }: Command): Promise<unknown> {
    return this.wire.send(
      key,
      last === undefined ? args : [...args, last()],
      reply,
      write !== true,
    );
  }

  #answered(item: Item, byNode: boolean): void {
    item.cancel();
    this.#underWay -= item.cost;
    this.#done += item.cost;
    if (byNode && !item.late) {
      const at = performance.now();
      this.#heard = { at, lag: this.#lag.total(at) };
    }
    if (this.#waiting > 0) this.#next();
  }

  /** While other answers come in time, the node is slow and not gone: then only the time that the caller has is a limit. */
  #watch(item: Item, sent: Moment): void {
    const { command, name } = item;
    const longest = this.timeoutMs + (command.holdMs ?? 0);
    const arm = (ms: number): void => {
      item.cancel = startDeadline(ms, () => {
        const now = performance.now();
        const since = this.#heard.at > sent.at ? this.#heard : sent;
        const silence = now - since.at - (this.#lag.total(now) - since.lag);
        const left = Math.min(longest - silence, item.until - now);
        if (left > 1) {
          arm(left);
          return;
        }
        item.late = true;
        const late = tooLate(name, now - sent.at, command.write === true);
        item.reject(late);
        this.failed(command, late, undefined, silence >= longest - this.timeoutMs * 0.1);
      });
    };
    arm(Math.min(longest, item.until - sent.at));
  }
}
