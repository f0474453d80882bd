import { BackendError } from '../../../ports/errors.js';
import { asError, replyCode } from './errors.js';
import type { RedisClient } from './client-adapter.js';

type Ask = (args: string[]) => Promise<unknown>;

/** Codes of servers and users that do not answer the question. */
const UNANSWERED = new Set(['NOPERM', 'ERR']);

/**
 * Nothing is believed of a replica: it may lag behind an invalidation, or, cut off from its master, never hear of it. An address may lead to one
 * from one moment to the next, so this is asked at every connection and every heartbeat. A server that does not say counts as a master.
 */
export class MasterCheck {
  #answersRole = true;

  /** Rejects when the node is a replica. */
  async check(ask: Ask): Promise<void> {
    const reply: unknown = await ask(['ROLE']).catch((thrown: unknown) => {
      const error = asError(thrown);
      if (
        !UNANSWERED.has(
          replyCode(error instanceof BackendError ? asError(error.cause) : error) ?? '',
        )
      )
        throw error;
    });
    this.#answersRole = reply !== undefined;
    assertMaster(reply);
  }

  /** As `check`, unless it is known that there is no answer: each refusal is an entry in the server's log. */
  async recheck(ask: Ask): Promise<void> {
    if (this.#answersRole) await this.check(ask);
  }
}

/** Asks over the link itself, past all that stands in line. */
export function askDirectly(wire: RedisClient): Ask {
  return (args) => wire.send('', args, 'text', true);
}

function assertMaster(role: unknown): void {
  if (Array.isArray(role) && role[0] === 'slave')
    throw new Error('READONLY the server is a replica, which may be behind its master.');
}
