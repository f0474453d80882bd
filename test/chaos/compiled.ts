import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OUT = path.join(ROOT, '.cache', 'chaos');

/**
 * The compiled form of a TypeScript file of this folder, for child processes: compiled where a
 * source is newer than what is there.
 */
export function compiled(file: string): string {
  for (const folder of ['lib', 'test/chaos']) compileFolder(folder);
  return path.join(OUT, 'test/chaos', file.replace(/\.ts$/, '.js'));
}

function compileFolder(folder: string): void {
  for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) compileFolder(name);
    else if (name.endsWith('.ts') && !name.endsWith('.spec.ts')) compileFile(name);
  }
}

function compileFile(name: string): void {
  const source = path.join(ROOT, name);
  const target = path.join(OUT, name.replace(/\.ts$/, '.js'));
  const made = statSync(target, { throwIfNoEntry: false });
  if (made !== undefined && made.mtimeMs >= statSync(source).mtimeMs) return;
  const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
    fileName: source,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  mkdirSync(path.dirname(target), { recursive: true });
  // whole at once: another run may be reading it
  const draft = `${target}.${String(process.pid)}`;
  writeFileSync(draft, outputText);
  renameSync(draft, target);
}
