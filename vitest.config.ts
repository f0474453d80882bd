import { defineConfig } from 'vitest/config';

// Specs that start processes, install packages or measure time want the machine for themselves: they run after the others.
const alone = ['test/chaos/**/*.spec.ts', 'test/package/**/*.spec.ts', 'test/sample/**/*.spec.ts'];
// On Node 20 each AsyncLocalStorage in use makes every promise slower, so the schedules do not share a worker with specs of applications.
const races = ['test/races/**/*.spec.ts', 'test/model/**/*.spec.ts'];

export default defineConfig({
  test: {
    reporters: ['default', './test/totals-reporter.mjs'],
    pool: 'threads',
    isolate: false,
    // Both cores of a small machine: by default one is left idle.
    maxWorkers: 2,
    setupFiles: ['./test/support/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['lib/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      {
        extends: true,
        test: { name: 'races', include: races, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'specs',
          include: ['test/**/*.spec.ts'],
          exclude: [...alone, ...races],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
