import { fork } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { root } from './pages.js';

/** @returns for each module, by name, what went wrong in it; undefined when it succeeded */
export async function runSnippets(
  folder: string,
  names: readonly string[],
  redisUrl: string,
): Promise<ReadonlyMap<string, string | undefined>> {
  const results = new Map<string, string | undefined>();
  const files = names.map((name) => join(folder, `${name}.js`));
  const child = fork(join(root, 'test', 'docs', 'snippet-process.mjs'), [redisUrl, ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: ['--enable-source-maps'],
  });
  let printed = '';
  child.stdout?.on('data', (text: Buffer) => (printed += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (printed += text.toString()));
  child.on('message', ({ file, problem }: { file: string; problem?: string }) => {
    results.set(
      basename(file, '.js'),
      problem === undefined ? undefined : `${problem}\n${printed}`,
    );
    printed = '';
  });
  await once(child, 'close');
  for (const name of names)
    if (!results.has(name))
      results.set(name, `The module ended the process, or was not reached.\n${printed}`);
  return results;
}
