// npm run tour: compiles what has changed and walks through what the cache does, then exits.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';

const folder = await build();
await import(pathToFileURL(path.join(folder, 'tour', 'tour.js')).href);
