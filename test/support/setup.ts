/**
 * Loaded before every spec file. Vitest itself fails a run on an unhandled rejection or an uncaught
 * exception; a leak of listeners is only a warning to Node, so it is made one of them here.
 */
const INSTALLED = Symbol.for('nest-query-cache.test-setup');
const worker = globalThis as typeof globalThis & { [INSTALLED]?: true };

// Spec files share a worker (isolate: false): one listener for all of them.
if (worker[INSTALLED] === undefined) {
  worker[INSTALLED] = true;
  process.on('warning', (warning) => {
    if (warning.name === 'MaxListenersExceededWarning') void Promise.reject(warning);
  });
}
