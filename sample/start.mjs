// npm start: compiles what has changed and runs the ledger until Ctrl-C.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';

try {
  const folder = await build();
  await import(pathToFileURL(path.join(folder, 'main.js')).href);
} catch (error) {
  console.error(`\nThe ledger could not start: ${error.message}`);
  const { cause } = error;
  if (cause !== undefined) console.error(`The reason: ${cause.message || cause.code}`);
  process.exit(1);
}
