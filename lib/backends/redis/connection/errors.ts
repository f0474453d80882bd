import { ErrorReply } from 'redis';
import { BackendError } from '../../../ports/errors.js';

/** Errors of the client for commands that it never sent. */
const NOT_SENT = new Set(['ClientOfflineError', 'ClientClosedError', 'RootNodesUnavailableError']);

/** A reply of the server begins with a code in capitals: `READONLY You can't write...`. */
const REPLY_CODE = /^-?([A-Z][A-Z_]{2,})\b/;

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * The code of an error reply of the server, such as `NOSCRIPT`; undefined when the error is none.
 */
export function replyCode(error: Error): string | undefined {
  const code = REPLY_CODE.exec(error.message)?.[1];
  return code !== undefined || error instanceof ErrorReply ? (code ?? 'ERR') : undefined;
}

/** @param write the command may have taken effect although no reply came */
export function toBackendError(thrown: unknown, command: string, write: boolean): BackendError {
  const error = asError(thrown);
  if (error instanceof BackendError) return error;
  if (replyCode(error) !== undefined) {
    return new BackendError('FAILED', `Redis refused ${command}: ${error.message}`, {
      cause: error,
    });
  }
  if (NOT_SENT.has(error.constructor.name)) {
    return new BackendError(
      'UNAVAILABLE',
      `Redis is not connected, ${command} was not sent. It is being reconnected in the background.`,
      {
        cause: error,
      },
    );
  }
  return new BackendError(
    'UNAVAILABLE',
    `The connection to Redis was lost during ${command}: ${error.message}`,
    {
      cause: error,
      unknownOutcome: write,
    },
  );
}

export function unavailableError(command: string, why: string): BackendError {
  return new BackendError('UNAVAILABLE', `Redis is not connected, ${command} was not sent: ${why}`);
}

export function timeoutError(command: string, ms: number, write: boolean): BackendError {
  return new BackendError(
    'TIMEOUT',
    `Redis did not answer ${command} within ${String(Math.round(ms))} ms.`,
    { unknownOutcome: write },
  );
}

/** The text without any of the secrets, as they are and as a URL would write them. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    for (const form of new Set([secret, encodeURIComponent(secret)]))
      clean = clean.split(form).join('***');
  }
  return clean;
}
