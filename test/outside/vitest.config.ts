import { defineConfig } from 'vitest/config';

// Apart from the other specs: the suites are big, and not part of the repository.
export default defineConfig({ test: { include: ['test/outside/**/*.outside.ts'] } });
