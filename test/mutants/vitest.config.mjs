// The specs that have to catch the mutant named by MUTANT, with its patches applied on the way in.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { applyPatch } from './apply.mjs';
import { mutants, SPECS } from './mutants.mjs';

const root = join(import.meta.dirname, '..', '..');
const mutant = mutants.find(({ name }) => name === process.env.MUTANT);
const patches = mutant?.patches ?? [];
const all = [...new Set([...SPECS, ...mutants.flatMap(({ specs = [] }) => specs)])];
// The original has to pass whatever catches a mutant.
const include = mutant === undefined ? all : (mutant.specs ?? SPECS);

/** The order in which they are listed: the schedules first. */
class Listed {
  shard(files) {
    return Promise.resolve(files);
  }

  sort(files) {
    const place = ({ moduleId }) => include.findIndex((spec) => moduleId.endsWith(spec));
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b)));
  }
}

function mutate() {
  return {
    name: 'mutant',
    enforce: 'pre',
    load(id) {
      const file = relative(root, id.split('?')[0]).replaceAll('\\', '/');
      const own = patches.filter((patch) => patch.file === file);
      if (own.length === 0) return undefined;
      return own.reduce(applyPatch, readFileSync(join(root, file), 'utf8'));
    },
  };
}

export default defineConfig({
  root,
  plugins: [mutate()],
  test: {
    pool: 'threads',
    isolate: false,
    maxWorkers: 1,
    setupFiles: ['./test/support/setup.ts'],
    include,
    sequence: { sequencer: Listed },
    testTimeout: 120_000,
  },
});
