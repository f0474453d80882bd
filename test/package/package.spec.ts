import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addPackages,
  compile,
  install,
  node,
  openWorkshop,
  root,
  tsc,
  uninstall,
  type Workshop,
} from './packed.js';

let workshop: Workshop;

beforeAll(async () => {
  workshop = await openWorkshop();
  await Promise.all(['nest12', 'nest11'].map((app) => install(join(workshop.folder, app))));
});

afterAll(() => workshop.remove());

async function visit(app: string, variant: string) {
  const folder = join(workshop.folder, app, variant);
  await compile(workshop, folder);
  return start(folder);
}

async function start(folder: string) {
  return JSON.parse(await node(['app.js'], folder)) as unknown;
}

/** What each entry of package.json exports, by its source. */
function entries(): readonly { readonly entry: string; readonly names: readonly string[] }[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly types?: string }>>;
  };
  return Object.entries(exports).flatMap(([entry, { types }]) => {
    if (types === undefined) return [];
    const file = types.replace('./dist/', '').replace('.d.ts', '.ts');
    const source = readFileSync(join(root, 'lib', file), 'utf8');
    const names = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
      list.split(',').flatMap((name) => /(\w+)\s*$/.exec(name)?.[1] ?? []),
    );
    return [{ entry, names }];
  });
}

const oneProduction = (body: unknown) => ({ status: 200, body });
const entryOfB = { account: 'b', page: 1, production: 2, at: '1970-01-01T00:00:00.000Z' };
const expected = {
  afterTwoCalls: 1,
  same: true,
  date: true,
  visits: [oneProduction(entryOfB), oneProduction(entryOfB)],
  answers: [1, 1],
};

describe('the packed tarball', () => {
  it('has at most 60 names at the root, and exports each name by one entry only', () => {
    const names = entries().map(({ entry, names: exported }) => ({ entry, exported }));
    const root = names.find(({ entry }) => entry === '.')?.exported ?? [];
    console.log(`names at the root: ${root.length}`);
    expect(root.length).toBeGreaterThan(0);
    expect(root.length).toBeLessThanOrEqual(60);
    const all = names.flatMap(({ exported }) => exported);
    expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([]);
  });

  it('resolves every sub-path, in ES modules, in CommonJS and for types', async () => {
    const app = join(workshop.folder, 'nest12');
    const sources = entries().map(({ entry, names }) => ({
      from: `nest-query-cache${entry.slice(1)}`,
      names,
    }));
    expect(sources.length).toBeGreaterThanOrEqual(8);
    const list = JSON.stringify(sources.map(({ from }) => from));
    await node(['--input-type=module', '--eval', `for (const e of ${list}) await import(e)`], app);
    await node(['--eval', `for (const entry of ${list}) require(entry)`], app);
    const folder = join(app, 'entries');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'entries.ts'),
      sources
        .map(({ from, names }, at) => {
          const aliases = names.map((name) => `${name} as ${name}${at}`);
          return `export type { ${aliases.join(', ')} } from '${from}';`;
        })
        .join('\n'),
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          target: 'es2022',
          strict: true,
          noEmit: true,
          types: ['node'],
        },
        files: ['entries.ts'],
      }),
    );
    await tsc(folder, ['-p', 'tsconfig.json']);
  });

  it('works in an ES module application on Nest 12', async () => {
    expect(await visit('nest12', 'esm')).toEqual(expected);
  });

  it('works in a CommonJS application on Nest 12', async () => {
    expect(await visit('nest12', 'cjs')).toEqual(expected);
  });

  it('works in a CommonJS application on Nest 11', async () => {
    const { version } = JSON.parse(
      readFileSync(
        join(workshop.folder, 'nest11', 'node_modules', '@nestjs', 'core', 'package.json'),
        'utf8',
      ),
    ) as { version: string };
    expect(version).toMatch(/^11\./);
    expect(await visit('nest11', 'cjs')).toEqual(expected);
  });

  it('brings no second Nest', async () => {
    const installed = await node(
      ['-p', "JSON.stringify(Object.keys(require('./node_modules/.package-lock.json').packages))"],
      join(workshop.folder, 'nest11'),
    );
    const names = JSON.parse(installed) as string[];
    expect(names.filter((name) => /@nestjs\/(common|core)$/.test(name))).toEqual([
      'node_modules/@nestjs/common',
      'node_modules/@nestjs/core',
    ]);
  });

  it('runs no install script in the application', async () => {
    const script =
      "JSON.stringify(Object.entries(require('./node_modules/.package-lock.json').packages).filter(([, p]) => p.hasInstallScript).map(([n]) => n))";
    for (const app of ['nest12', 'nest11']) {
      expect(JSON.parse(await node(['-p', script], join(workshop.folder, app)))).toEqual([]);
    }
  });

  it('compiles from source against Nest 11', async () => {
    const folder = join(workshop.folder, 'nest11', 'source');
    mkdirSync(folder);
    cpSync(join(root, 'lib'), join(folder, 'lib'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: object;
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions,
        files: entries().map(({ entry }) => `lib/${entry === '.' ? 'index' : entry.slice(2)}.ts`),
      }),
    );
    await addPackages(folder, ['@nestjs/cqrs@11', '@nestjs/event-emitter@3']);
    await tsc(folder, ['-p', 'tsconfig.json']);
  });

  it('holds the library, its types and its papers, and nothing else', () => {
    const paths = workshop.files.map(({ path }) => path);
    console.log(
      `packed size: ${workshop.packedBytes} bytes, unpacked ${workshop.unpackedBytes} bytes, ${paths.length} files`,
    );
    expect(
      paths.filter(
        (path) =>
          !/^(dist\/.+\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
      ),
    ).toEqual([]);
    expect(paths).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'dist/index.js',
        'dist/index.d.ts',
        ...entries().map(({ entry }) => `dist/${entry === '.' ? 'index' : entry.slice(2)}.js`),
      ]),
    );
    expect(workshop.packedBytes).toBeLessThan(365_000);
  });

  it('passes publint', async () => {
    await node(
      [join(root, 'node_modules', 'publint', 'src', 'cli.js'), 'run', workshop.tarball, '--strict'],
      workshop.folder,
    );
  });

  it('passes arethetypeswrong for an ES module package', async () => {
    await node(
      [
        join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js'),
        workshop.tarball,
        '--profile',
        'esm-only',
        '--no-color',
        '--no-emoji',
      ],
      workshop.folder,
    );
  });
});

describe('an application on the memory backend', () => {
  const loaded = `
    import { register } from 'node:module';
    const hooks = 'import { writeSync } from "node:fs"; export async function load(url, context, next) { writeSync(1, url + "\\\\n"); return next(url, context); }';
    register('data:text/javascript,' + encodeURIComponent(hooks));
  `;

  it('loads no module of redis with the main entry', async () => {
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(loaded)}`,
      '--input-type=module',
      '--eval',
      "await import('nest-query-cache')",
    ];
    const modules = (await node(args, join(workshop.folder, 'nest12')))
      .split('\n')
      .filter((line) => line.startsWith('file:'));
    expect(modules.some((url) => url.endsWith('/nest-query-cache/dist/index.js'))).toBe(true);
    expect(modules.filter((url) => /node_modules\/(redis|@redis)\//.test(url))).toEqual([]);
  });

  it('runs where redis is not installed, and the redis entry then names the missing package', async () => {
    const app = join(workshop.folder, 'nest12');
    uninstall(app, ['redis', '@redis']);
    expect(await start(join(app, 'esm'))).toEqual(expected);
    await expect(
      node(['--input-type=module', '--eval', "await import('nest-query-cache/redis')"], app),
    ).rejects.toThrow(/ERR_MODULE_NOT_FOUND[\s\S]*'redis'|'redis'[\s\S]*ERR_MODULE_NOT_FOUND/);
  });
});
