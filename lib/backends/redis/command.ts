import type { Argument, ReplyKind } from './wire.js';

export interface Command {
  /** Decides the node. */
  readonly key: string;
  readonly args: Argument[];
  /** For messages. Default: the first argument. */
  readonly name?: string;
  readonly reply?: ReplyKind;
  /** May change something, so that without an answer the outcome is unknown. */
  readonly write?: boolean;
  /** Caps the deadline. Only a command that was given all of it can bring the link down. */
  readonly timeoutMs?: number;
  /** How long the server itself may hold the answer back (a blocking read). */
  readonly holdMs?: number;
}

export interface ConnectionTimes {
  readonly commandTimeout: number;
  readonly connectTimeout: number;
  /** For reads that the server holds back: a heartbeat would have to wait behind them, and they are one themselves. */
  readonly blocking?: boolean;
}
