import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyPatch, syntaxErrors } from './apply.mjs';
import { mutants, SPECS } from './mutants.mjs';

const root = join(import.meta.dirname, '..', '..');

describe('the mutants', () => {
  it('name functions and scripts that exist, and give them bodies that can be loaded', () => {
    for (const { name, patches } of mutants) {
      for (const patch of patches) {
        const source = readFileSync(join(root, patch.file), 'utf8');
        const mutated = applyPatch(source, patch);
        expect(mutated, name).not.toBe(source);
        expect(syntaxErrors(patch.file, mutated), name).toEqual([]);
      }
    }
  });

  it('name specs that exist', () => {
    const specs = [...SPECS, ...mutants.flatMap(({ specs = [] }) => specs)];
    expect(specs.filter((spec) => !existsSync(join(root, spec)))).toEqual([]);
  });

  it('have names of their own', () => {
    const names = mutants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
