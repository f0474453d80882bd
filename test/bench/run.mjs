// node test/bench/run.mjs bench [ROW...] [--no-write]     rows by name or by what they begin with
// node test/bench/run.mjs growth [PLOT...]                the plots in docs/bench
// node test/bench/run.mjs races [--only=bentocache,cachified] [--no-write]
import { prepare } from './lib/prepare.mjs';

const [what, ...rest] = process.argv.slice(2);
const only = rest
  .find((flag) => flag.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const wanted = rest.filter((word) => !word.startsWith('--'));
const write = !rest.includes('--no-write') && only === undefined;
const programs = {
  races: './races/main.mjs',
  bench: './suites/main.mjs',
  growth: './growth/main.mjs',
};

if (!(what in programs)) {
  console.error(`Say what to run: ${Object.keys(programs).join(', ')}.`);
  process.exit(1);
}
prepare();
const { main } = await import(programs[what]);
try {
  await main({ only, wanted, write });
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
