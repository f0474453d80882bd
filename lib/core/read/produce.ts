import type { AsyncContext } from '../../ports/context.js';
import type { Clock } from '../../ports/clock.js';
import { toMilliseconds } from '../../ports/duration.js';
import { ProducerTimeoutError } from '../../ports/errors.js';
import * as is from '../../ports/option-checks.js';
import { type Checks, parseOptions } from '../../ports/validate.js';
import type { Call } from '../options/call.js';
import { Flight } from './flight.js';
import type { ProducerContext } from '../options/types.js';

/** What a producer gave, and what it said about it. */
export interface Production {
  readonly value: unknown;
  readonly ttl: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
  readonly tags: readonly string[];
  readonly skip: boolean;
  /** How long it took, in milliseconds. */
  readonly cost: number;
}

const WINDOWS_CHECKS = {
  staleWhileRevalidate: is.duration(),
  staleIfError: is.duration(),
} satisfies Checks<Parameters<ProducerContext['setWindows']>[0]>;
const SET_WINDOWS = {
  what: 'setWindows: the windows',
  owner: 'setWindows',
  example: "{ staleWhileRevalidate: '5m' }",
  prefix: 'setWindows: ',
};

/**
 * What a producer is given. Its methods do not need their object, so that a producer can take them apart; each is made when it is asked for,
 * because most producers ask for none.
 */
class Said implements ProducerContext {
  ttl: number | undefined;
  staleWhileRevalidate: number | undefined;
  staleIfError: number | undefined;
  skipped = false;
  readonly tags: string[] = [];
  readonly #call: Call;
  readonly #flight: Flight;

  constructor(
    call: Call,
    flight: Flight,
    readonly stale: { readonly value: unknown } | undefined,
  ) {
    this.#call = call;
    this.#flight = flight;
  }

  get signal(): AbortSignal {
    return this.#flight.signal;
  }

  get background(): boolean {
    return this.#flight.background;
  }

  get tenant(): string | undefined {
    return this.#call.key.tenantName;
  }

  get setTtl(): ProducerContext['setTtl'] {
    return (ttl) => {
      this.ttl = toMilliseconds(ttl, 'setTtl(ttl)');
    };
  }

  get setWindows(): ProducerContext['setWindows'] {
    return (windows) => {
      Object.assign(this, parseOptions(windows, WINDOWS_CHECKS, SET_WINDOWS));
    };
  }

  get addTags(): ProducerContext['addTags'] {
    return (...tags) => {
      this.tags.push(...tags);
    };
  }

  get skip(): ProducerContext['skip'] {
    return () => {
      this.skipped = true;
    };
  }
}

/**
 * Runs the producer of a call for a flight, in the context of the caller who started it; a background refresh runs outside of any caller's.
 * @throws whatever the producer throws, unchanged; ProducerTimeoutError after `producerTimeout.hard`
 */
export async function produce(
  call: Call,
  flight: Flight,
  stale: { readonly value: unknown } | undefined,
  clock: Clock,
  context: AsyncContext,
): Promise<Production> {
  const said = new Said(call, flight, stale);
  const began = clock.now();
  const run = (): Promise<unknown> => context.run(flight, async () => call.producer(said));
  const value = await withHardTimeout(
    flight.background ? context.runOutside(run) : run(),
    call,
    flight,
    clock,
  );
  const { ttl, staleWhileRevalidate, staleIfError, tags, skipped } = said;
  return {
    value,
    ttl,
    staleWhileRevalidate,
    staleIfError,
    tags,
    skip: skipped,
    cost: Math.max(0, clock.now() - began),
  };
}

/**
 * Runs the producer of a call for that call only, with the same limits: nobody joins, and nothing is stored.
 * @throws as `produce` does, and the reason of the call's own signal
 */
export function produceAlone(call: Call, clock: Clock, context: AsyncContext): Promise<unknown> {
  const { signal } = call;
  const flight = new Flight(call.storageKey, call.groups, false, undefined);
  const running = produce(call, flight, undefined, clock, context).then(({ value }) => value);
  if (signal === undefined) return running;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      const reason: unknown = signal.reason;
      flight.abort(reason);
      reject(reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    void running.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

function withHardTimeout(
  running: Promise<unknown>,
  call: Call,
  flight: Flight,
  clock: Clock,
): Promise<unknown> {
  const { hardTimeout } = call.policy;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(hardTimeout, () => {
      const error = new ProducerTimeoutError(
        `The producer of segment ${JSON.stringify(call.key.segment ?? '')} did not settle within ${String(hardTimeout)} ms (producerTimeout.hard). ` +
          'Pass its signal on to what it waits for, or raise the timeout.',
      );
      flight.abort(error);
      reject(error);
    });
    running.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        // The producer's own error, whatever it is: a NotFoundException must stay a 404.
        reject(error);
      },
    );
  });
}
