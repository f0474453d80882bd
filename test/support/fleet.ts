import type { CacheOptions } from '../../lib/core/options/types.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { HeldSteps } from './held-steps.js';
import { beforeClosing } from './nothing-left.js';
import { SimulatedLink } from './simulated-backend.js';
import { SimulatedServer } from './simulated-server.js';
import { wiredCache } from './wired-cache.js';

/** Processes at one server, whose steps a test may hold. */
export function fleet(size: number, l1 = false, options: CacheOptions = {}) {
  const clock = new FakeClock();
  const server = new SimulatedServer(clock);
  const steps = new HeldSteps();
  beforeClosing(() => {
    steps.releaseAll();
  });
  const processes = Array.from({ length: size }, (_, i) => {
    const link = new SimulatedLink(server, `p${String(i)}`, steps.step, () => 'answered', false);
    return {
      link,
      ...wiredCache({
        clock,
        holder: `p${String(i)}`,
        store: link,
        l1,
        options: { jitter: 0, ttl: 1_000, ...options },
      }),
    };
  });
  const [first, second, third] = processes;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('a fleet has at least three processes');
  return { clock, server, steps, first, second, third };
}

export function memory(options: CacheOptions = {}) {
  const clock = new FakeClock();
  return {
    clock,
    ...wiredCache({ clock, holder: 'm', options: { jitter: 0, ttl: 1_000, ...options } }),
  };
}

export function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((ok, no) => {
    resolve = ok;
    reject = no;
  });
  return { promise, resolve, reject };
}
