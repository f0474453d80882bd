import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type RedisServer, startRedis } from '../support/redis.js';
import { compileSnippets } from './compile.js';
import { blocksOf, readPages, root } from './pages.js';
import { runSnippets } from './run-snippets.js';
import { modulesOf, type SnippetModule } from './snippets.js';

const pages = readPages().filter((page) => page.blocks.some((block) => block.language === 'ts'));

// Under the repository, so that the snippets find the package by its own name.
const cache = join(root, '.cache');
let folder: string;
let redis: RedisServer;
let types: ReadonlyMap<string, readonly string[]>;
let runs: ReadonlyMap<string, string | undefined>;
let modules: readonly SnippetModule[];

beforeAll(async () => {
  if (!existsSync(join(root, 'dist', 'index.js')))
    throw new Error('The snippets use the built package: npm run build');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'docs-'));
  redis = await startRedis();
  const port = String(await freePort());
  modules = pages
    .flatMap(modulesOf)
    .map((module) => ({ ...module, text: onThisMachine(module.text, redis.url, port) }));
  types = compileSnippets(folder, modules);
  const sound = modules.filter(({ name }) => types.get(name)?.length === 0).map(({ name }) => name);
  runs = await runSnippets(folder, sound, redis.url);
}, 120_000);

afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Other ports and long timeouts: whether a snippet is right must not depend on a busy machine. */
function onThisMachine(text: string, redisUrl: string, port: string): string {
  const patient = `url: '${redisUrl}', connectTimeout: '20s', commandTimeout: '20s' })`;
  return text
    .replaceAll(
      "backend: new RedisBackend({ url: 'redis://localhost:6379' })",
      `backendTimeout: '20s', backend: new RedisBackend({ ${patient}`,
    )
    .replaceAll(
      "new RedisBackend({ url: 'redis://localhost:6379' })",
      `new RedisBackend({ ${patient}`,
    )
    .replaceAll('redis://localhost:6379', redisUrl)
    .replaceAll('listen(3000)', `listen(${port}, '127.0.0.1')`)
    .replaceAll('localhost:3000', `127.0.0.1:${port}`);
}

describe('the TypeScript of every page', () => {
  it.each(pages.map((page) => page.path))(
    'the snippets of %s compile, run and give the values in their comments',
    (path) => {
      for (const { name } of modules.filter((module) => module.page === path)) {
        expect(types.get(name)).toEqual([]);
        expect(runs.get(name), name).toBeUndefined();
      }
    },
  );
});

describe('the snippet harness', () => {
  const page = (text: string) => ({ path: 'page.md', text, blocks: blocksOf(text) });
  const fence = '```';

  it('makes one module of the blocks of a page, with each import once and the original lines', () => {
    const text = [
      '# Title',
      `${fence}ts`,
      "import { a } from 'x';",
      'a();',
      fence,
      `${fence}ts`,
      "import { a, type B } from 'x';",
      'a();',
      fence,
    ].join('\n');
    const [module, ...more] = modulesOf(page(text));
    expect(more).toEqual([]);
    expect(module?.text.match(/import \{ a \} from 'x';/g)).toHaveLength(1);
    expect(module?.text).toContain("import { type B } from 'x';");
    expect(module?.lines.at(-1)).toBe('page.md:8');
  });

  it('makes a separate module of a block that is marked as separate', () => {
    const text = [
      `${fence}ts`,
      'const a = 1;',
      fence,
      '<!-- snippet: separate -->',
      '',
      `${fence}ts`,
      'const a = 2;',
      fence,
    ].join('\n');
    expect(modulesOf(page(text))).toHaveLength(2);
  });

  it('turns arrow comments into assertions, including those of error codes', () => {
    const text = [
      `${fence}ts`,
      'await f(); // => [1]',
      'const b = g(',
      '1); // => 2 — why',
      'h(); // => throws CACHE_KEY',
      fence,
    ].join('\n');
    expect(modulesOf(page(text))[0]?.text).toContain(
      [
        '$same((await f()), ([1]), "page.md:2"); // => [1]',
        'const b = g(',
        '1); $same(b, (2), "page.md:4"); // => 2 — why',
        'await $throws(async () => (h()), "CACHE_KEY", "page.md:5"); // => throws CACHE_KEY',
      ].join('\n'),
    );
  });

  it('refuses an arrow comment that follows no statement', () => {
    expect(() => modulesOf(page([`${fence}ts`, '// => 1', fence].join('\n')))).toThrow(
      /follow no statement/,
    );
  });
});
