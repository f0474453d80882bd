// Applies each mutant to a copy of the library and runs the schedules and the model against it: every one must be caught, the original must pass.
//   node test/mutants/run.mjs [part of a name]      MUTANT_RUNS=1000 schedules each
import { stripVTControlCharacters } from 'node:util';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const wanted = process.argv[2] ?? '';
const runs = process.env.MUTANT_RUNS ?? '1000';
const SEED = process.env.RACE_SEED ?? '20260101';
const SPECS = [
  'test/races/schedules.spec.ts',
  'test/races/regressions.spec.ts',
  'test/races/loading.spec.ts',
  'test/model/model.spec.ts',
];

function copy() {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  for (const part of [
    'lib',
    'test/support',
    'test/races',
    'test/model',
    'package.json',
    'tsconfig.json',
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}

/** Rejects when the text is not there exactly once: the mutant has then to be written anew. */
function change(folder, { file, find, replace }) {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
  writeFileSync(path, parts.join(replace));
}

function run(folder) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const env = { ...process.env, RACE_RUNS: runs, RACE_SEED: SEED };
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        vitest,
        'run',
        '--root',
        folder,
        '--bail',
        '1',
        '--pool',
        'threads',
        '--reporter',
        'verbose',
        '--testTimeout',
        '120000',
        ...SPECS,
      ],
      {
        cwd: folder,
        env,
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    const limit = setTimeout(() => child.kill('SIGKILL'), 300_000);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? 1, output });
    });
  });
}

async function attempt(mutant) {
  const folder = copy();
  const began = Date.now();
  try {
    for (const patch of [mutant, ...(mutant.also ?? [])])
      if (patch.file !== undefined) change(folder, patch);
    const { code, output } = await run(folder);
    const ran = /Tests\s/.test(output);
    const failed = /(?:FAIL|×)\s+(.*)/.exec(stripVTControlCharacters(output))?.[1] ?? '';
    const tries = /failed after (\d+) tests?/.exec(output)?.[1];
    return {
      code: ran ? code : NaN,
      by: failed.split(' > ').slice(-1)[0],
      tries,
      seconds: (Date.now() - began) / 1000,
      output,
    };
  } catch (error) {
    return { code: NaN, by: String(error), seconds: 0, output: '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const chosen = [{ name: 'the original', original: true }, ...mutants].filter(({ name }) =>
  name.includes(wanted),
);
const results = [];
const queue = [...chosen];
async function work() {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const result = await attempt(mutant);
    const good = mutant.original ? result.code === 0 : result.code > 0;
    results.push({ name: mutant.name, good });
    const word = mutant.original
      ? good
        ? 'passes'
        : 'FAILS'
      : good
        ? 'caught'
        : Number.isNaN(result.code)
          ? 'DID NOT RUN'
          : 'SURVIVES';
    const where =
      mutant.original && good
        ? ''
        : `${result.by}${result.tries === undefined ? '' : `, run ${result.tries}`}`;
    console.log(
      `${word.padEnd(12)} ${result.seconds.toFixed(1).padStart(5)} s  ${mutant.name}${where === '' ? '' : `  [${where}]`}`,
    );
    if ((!good && process.env.MUTANT_OUTPUT !== undefined) || process.env.MUTANT_OUTPUT === 'all')
      console.log(result.output);
  }
}
await Promise.all([work(), work()]);

const bad = results.filter(({ good }) => !good);
console.log(
  `\n${results.length} runs of ${runs} schedules, ${bad.length === 0 ? 'every mutant caught' : `${bad.length} not as they should be`}`,
);
process.exitCode = bad.length === 0 ? 0 : 1;
