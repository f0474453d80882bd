import { CacheConfigError } from '../../ports/errors.js';
import type {
  EventClass,
  InvalidateRequest,
  InvalidationRule,
  Invalidates,
} from '../options/types.js';

/**
 * Maps a domain event to invalidations: `createCache({ invalidations: [on(EntryPosted, (event) =>
 * ({ tags: [...] }))] })`.
 * @throws CacheConfigError (`CACHE_CONFIG`) when the first is no class or the second no function
 */
export function on<E extends object>(
  event: EventClass<E>,
  invalidates: Invalidates<E>,
): InvalidationRule {
  if (typeof event !== 'function' || typeof (event.prototype as unknown) !== 'object') {
    throw new CacheConfigError(
      'on(Event, (event) => request): the first must be the class of the event; ' +
        `got ${typeof event}.`,
    );
  }
  if (typeof invalidates !== 'function') {
    throw new CacheConfigError(
      `on(${event.name}, ...): the second must be a function that returns what to invalidate; ` +
        `got ${typeof invalidates}.`,
    );
  }
  return Object.freeze({ event, invalidates: invalidates });
}

/** The rules of one cache. */
export class InvalidationRules {
  readonly #rules: InvalidationRule[] = [];

  add(...rules: readonly InvalidationRule[]): void {
    this.#rules.push(...rules);
  }

  /** @throws what a function of the user throws */
  requestsOf(event: object): readonly InvalidateRequest[] {
    const requests: InvalidateRequest[] = [];
    for (const rule of this.#rules) {
      if (!(event instanceof rule.event)) continue;
      const given = (
        rule.invalidates as (
          event: object,
        ) => InvalidateRequest | readonly InvalidateRequest[] | undefined
      )(event);
      if (given !== undefined) requests.push(...(isList(given) ? given : [given]));
    }
    return requests;
  }
}

function isList(
  given: InvalidateRequest | readonly InvalidateRequest[],
): given is readonly InvalidateRequest[] {
  return Array.isArray(given);
}
