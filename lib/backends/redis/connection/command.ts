import type { Argument, ReplyKind } from './client-adapter.js';

export interface Command {
  /** Decides the node. */
  readonly key: string;
  readonly args: Argument[];
  /** For messages. Default: the first argument. */
  readonly name?: string;
  readonly reply?: ReplyKind;
  /** May change something, so that without an answer the outcome is unknown. */
  readonly write?: boolean;
  /** A last argument that depends on when the command is written, which may be later than it is asked for. */
  readonly last?: () => string;
  /** How long the caller waits, in ms, for the command's turn and its answer. Default: as long as all that stands before it may take. */
  readonly timeoutMs?: number;
  /** How long the server itself may hold the answer back (a blocking read). */
  readonly holdMs?: number;
}

export interface ConnectionTimes {
  /** How long the answer to a command that was written may take. */
  readonly commandTimeout: number;
  readonly connectTimeout: number;
  /** For reads that the server holds back: a heartbeat would have to wait behind them, and they are one themselves. */
  readonly blocking?: boolean;
}
