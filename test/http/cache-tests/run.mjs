// Runs the client of http-cache-tests against a base URL and prints its results as JSON. A process
// of its own: the client keeps its state in its modules and can run once.
import { createRequire } from 'node:module';
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs';
import suites from 'http-cache-tests/tests/index.mjs';
import { correct } from './corrections.mjs';

const [base, ids, published] = process.argv.slice(2);
const wanted = new Set(JSON.parse(ids));
const fetch = createRequire(import.meta.resolve('http-cache-tests/client/runner.mjs'))(
  'node-fetch',
);
const chosen = suites.map((suite) => ({
  ...suite,
  tests: suite.tests
    .filter(({ id }) => wanted.has(id))
    .map((test) => (published === 'published' ? test : correct(test))),
}));
// All at once: nearly all of a test's time is waiting for responses to become stale.
await runTests(chosen, fetch, false, base, 500);
const depends = Object.fromEntries(
  suites.flatMap(({ id: group, tests }) =>
    tests.map((test) => [test.id, { group, needs: test.depends_on ?? [] }]),
  ),
);
process.stdout.write(JSON.stringify({ results: getResults(), depends }));
