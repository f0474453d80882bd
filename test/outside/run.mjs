// Runs test suites of others against this library: npm run test:outside -- FOLDER
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2];
if (folder === undefined || !existsSync(folder)) {
  console.error(
    'Give the folder with the suites: npm run test:outside -- FOLDER\n' +
      'Known files: cbor-appendix-a.json (github.com/cbor/test-vectors), json-test-suite.json (github.com/nst/JSONTestSuite).',
  );
  process.exit(2);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const run = spawnSync(
  process.execPath,
  [
    resolve(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    'test/outside/vitest.config.ts',
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, OUTSIDE_FOLDER: resolve(folder) } },
);
process.exit(run.status ?? 1);
