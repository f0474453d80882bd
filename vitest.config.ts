import { defineConfig } from 'vitest/config';

// On Node 20 each AsyncLocalStorage in use makes every promise slower, so the schedules do not share
// a worker with specs of applications.
const races = ['test/races/**/*.spec.ts', 'test/model/**/*.spec.ts'];
// Specs of one real Redis, which they start themselves.
const redis = [
  'test/backends/redis/**/*.spec.ts',
  'test/conformance/**/*.spec.ts',
  'test/core/read/costs.spec.ts',
  'test/docs/snippets.spec.ts',
  'test/nest/redis.spec.ts',
  'test/nest/microservices.spec.ts',
  'test/nest/http/store-response.spec.ts',
];
// Specs that start many processes and specs that install packages or run the samples: one file at
// a time, and `npm test` runs the two beside each other.
const chaos = ['test/chaos/**/*.spec.ts'];
const packages = ['test/package/**/*.spec.ts', 'test/sample/**/*.spec.ts'];

/** Real processes are waited for as long as a busy machine may need. */
const patient = { fileParallelism: false, testTimeout: 600_000, hookTimeout: 600_000 };

export default defineConfig({
  test: {
    reporters: ['default', './test/totals-reporter.mjs'],
    pool: 'threads',
    isolate: false,
    // Both cores of a small machine: by default one is left idle.
    maxWorkers: 2,
    setupFiles: ['./test/support/setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: { provider: 'v8', include: ['lib/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      { extends: true, test: { name: 'races', include: races, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.spec.ts'],
          exclude: [...races, ...redis, ...chaos, ...packages],
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'redis', include: redis, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: { name: 'chaos', include: chaos, ...patient, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'package', include: packages, ...patient, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
