// npm run tour [-- --processes N]: compiles what has changed and walks through what the cache does,
// then exits.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';

try {
  const folder = await build();
  const { tour } = await import(pathToFileURL(path.join(folder, 'tour', 'tour.js')).href);
  await tour(process.argv.slice(2));
} catch (error) {
  console.error(`\nThe tour cannot go on: ${error.message}`);
  const { cause } = error;
  if (cause !== undefined) console.error(`The reason: ${cause.message || cause.code}`);
  process.exitCode = 1;
}
