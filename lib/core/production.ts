import type { AsyncContext } from '../ports/context.js';
import type { Clock } from '../ports/clock.js';
import { toMilliseconds } from '../ports/duration.js';
import { ProducerTimeoutError } from '../ports/errors.js';
import type { Call } from './call.js';
import type { Flight } from './flight.js';
import type { ProducerContext } from './types.js';

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
  const said = {
    ttl: undefined as number | undefined,
    staleWhileRevalidate: undefined as number | undefined,
    staleIfError: undefined as number | undefined,
    tags: [] as string[],
    skip: false,
  };
  const producerContext: ProducerContext = {
    signal: flight.signal,
    background: flight.background,
    tenant: call.key.tenantName,
    stale,
    setTtl: (ttl) => {
      said.ttl = toMilliseconds(ttl, 'setTtl(ttl)');
    },
    setWindows: ({ staleWhileRevalidate, staleIfError }) => {
      if (staleWhileRevalidate !== undefined)
        said.staleWhileRevalidate = toMilliseconds(staleWhileRevalidate, 'setWindows(staleWhileRevalidate)');
      if (staleIfError !== undefined) said.staleIfError = toMilliseconds(staleIfError, 'setWindows(staleIfError)');
    },
    addTags: (...tags) => {
      said.tags.push(...tags);
    },
    skip: () => {
      said.skip = true;
    },
  };
  const began = clock.now();
  const run = (): Promise<unknown> => context.run(flight, async () => call.producer(producerContext));
  const value = await withHardTimeout(flight.background ? context.detached(run) : run(), call, flight, clock);
  return { value, ...said, cost: Math.max(0, clock.now() - began) };
}

function withHardTimeout(running: Promise<unknown>, call: Call, flight: Flight, clock: Clock): Promise<unknown> {
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
