// npm run sample -- NAME: compiles what has changed and runs that sample. Without a name it lists
// them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';

const here = import.meta.dirname;
const names = readdirSync(here).filter((name) => existsSync(path.join(here, name, 'main.ts')));
const [name] = process.argv.slice(2);

if (names.includes(name)) {
  const folder = await build(name);
  await import(pathToFileURL(path.join(folder, 'main.js')).href);
} else {
  if (name !== undefined) console.error(`There is no sample '${name}'.\n`);
  const width = Math.max(...names.map(({ length }) => length));
  console.log('npm run sample -- NAME, where NAME is one of\n');
  for (const each of names) console.log(`  ${each.padEnd(width)}  ${titleOf(each)}`);
  process.exitCode = name === undefined ? 0 : 1;
}

function titleOf(sample) {
  return /^# (.*)$/m.exec(readFileSync(path.join(here, sample, 'README.md'), 'utf8'))?.[1];
}
