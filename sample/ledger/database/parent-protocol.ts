import type { Statement } from './database.js';

/** `DATABASE_URL` of a ledger that uses the database of the process which started it. */
export const PARENT_URL = 'parent:';

/**
 * From the ledger to its parent, over the channel of `fork` with `serialization: 'advanced'`, which
 * keeps bigint and Date.
 */
export interface Question {
  readonly question: number;
  readonly statement: Statement;
}

/** The reply: rows, or the error of the database. */
export interface Answer {
  readonly answer: number;
  readonly rows?: readonly unknown[];
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

export function isQuestion(message: unknown): message is Question {
  return typeof message === 'object' && message !== null && 'question' in message;
}

export function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'answer' in message;
}
