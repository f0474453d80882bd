// node test/bench/run.mjs races [--only=bentocache,cachified] [--no-write]
// node test/bench/run.mjs bench [--only=near-hit,tags] [--no-write]
import { prepare } from './lib/prepare.mjs';

const [what, ...flags] = process.argv.slice(2);
const only = flags
  .find((flag) => flag.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const write = !flags.includes('--no-write') && only === undefined;
const programs = { races: './races/main.mjs', bench: './suites/main.mjs' };

if (!(what in programs)) {
  console.error(`Say what to run: ${Object.keys(programs).join(' or ')}.`);
  process.exit(1);
}
prepare();
const { main } = await import(programs[what]);
await main({ only, write });
process.exit(0);
