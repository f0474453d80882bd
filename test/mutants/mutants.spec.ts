import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyPatch, syntaxErrors } from './apply.mjs';
import { mutants } from './mutants.mjs';

const root = join(import.meta.dirname, '..', '..');

describe('the mutants', () => {
  it('name functions and scripts that exist, and give them bodies that can be parsed', () => {
    for (const { name, patches } of mutants) {
      for (const patch of patches) {
        const source = readFileSync(join(root, patch.file), 'utf8');
        const mutated = applyPatch(source, patch);
        expect(mutated, name).not.toBe(source);
        expect(syntaxErrors(patch.file, mutated), name).toEqual([]);
      }
    }
  });

  it('have names of their own', () => {
    const names = mutants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
