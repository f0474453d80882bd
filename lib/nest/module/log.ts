import { Injectable, Logger } from '@nestjs/common';
import type { CacheService } from '../../core/cache.js';
import type { CacheEvent } from '../../core/observe/events.js';
import { messageOf } from '../method/method-context.js';

const MIN_INTERVAL_MS = 60_000;

/**
 * Logs what an operator should know about; each kind at most once a minute. Keys are redacted,
 * values never appear.
 */
@Injectable()
export class CacheLog {
  readonly #logger = new Logger('CacheModule');

  listen(cache: CacheService): void {
    const last = new Map<string, number>();
    cache.events.onProblem((event) => {
      const line = lineOf(event);
      if (line === undefined) return;
      const kind =
        event.type === 'backend_problem' ? `${event.type} ${event.operation}` : event.type;
      const now = cache.clock.now();
      if (now - (last.get(kind) ?? -Infinity) < MIN_INTERVAL_MS && event.type !== 'backend_state')
        return;
      last.set(kind, now);
      const text = `Cache '${cache.name}': ${line}`;
      if (event.type === 'backend_state' && event.state === 'up') this.#logger.log(text);
      else this.#logger.warn(text);
    });
  }
}

function lineOf(event: CacheEvent): string | undefined {
  switch (event.type) {
    case 'backend_state':
      return event.state === 'up'
        ? 'the backend is there.'
        : 'the backend is away; calls go on without it.';
    case 'backend_problem':
      return `the backend could not do its part (${event.operation}): ${messageOf(event.error)}`;
    case 'corrupt':
      return (
        `what is stored for ${event.key} is not readable; it counts as a miss: ` +
        messageOf(event.error)
      );
    case 'unstorable':
      return (
        `the value of ${event.key} is returned but cannot be stored: ` + messageOf(event.error)
      );
    case 'write_failed':
      return `${event.key} could not be stored: ${messageOf(event.error)}`;
    case 'refresh_failed':
      return (
        `refreshing ${event.key} in the background failed; the stale value stays in use: ` +
        messageOf(event.error)
      );
    case 'callback_failed':
      return (
        `the callback ${event.callback} failed for ${event.key}; the value is not stored: ` +
        messageOf(event.error)
      );
    case 'journal_replayed':
      return `${String(event.count)} invalidations that waited for the backend are delivered.`;
    case 'journal_overflowed':
      return (
        'too many invalidations wait for the backend; the whole namespace will be invalidated ' +
        'instead.'
      );
    default:
      return undefined;
  }
}
