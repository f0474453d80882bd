import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { bannedIn } from './banned-words.js';

/** What an engineer has to know before the first page of the documentation is read. */
const MAX_ROOT_EXPORTS = 60;
/** All lines of lib, comments included. To be lowered whenever the library has become smaller. */
const MAX_LIBRARY_LINES = 28_500;

const root = join(import.meta.dirname, '..', '..');
const library = sourcesIn('lib', /\.ts$/);
const tests = sourcesIn('test', /\.m?ts$|\.mjs$/);

function sourcesIn(folder: string, pattern: RegExp) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules'))
    .map((name) => ({
      name: `${folder}/${name.replaceAll('\\', '/')}`,
      text: readFileSync(join(root, folder, name), 'utf8'),
    }));
}

const lineCount = (text: string) => text.trimEnd().split('\n').length;

function report(figure: string, value: string | number) {
  console.log(`${figure}: ${value}`);
}

function findings(pattern: RegExp, where = library): string[] {
  return where.flatMap(({ name, text }) =>
    text
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${name}:${at + 1} ${line.trim()}`] : [])),
  );
}

interface Cruise {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly circular: boolean; readonly resolved: string }[];
  }[];
}

describe('the house', () => {
  it('has no library file above 300 lines, and a library that does not grow', () => {
    const sizes = library
      .map(({ name, text }) => ({ name, lines: lineCount(text) }))
      .sort((a, b) => b.lines - a.lines);
    const longest = sizes[0];
    const median = sizes[Math.floor(sizes.length / 2)];
    report('library files', sizes.length);
    report('longest library file', `${longest?.name ?? 'none'}, ${longest?.lines ?? 0} lines`);
    report('median library file', `${median?.lines ?? 0} lines`);
    const total = sizes.reduce((sum, { lines }) => sum + lines, 0);
    report('library lines', `${total}, at most ${MAX_LIBRARY_LINES}`);
    expect(total).toBeLessThanOrEqual(MAX_LIBRARY_LINES);
    expect(sizes.filter(({ lines }) => lines > 300)).toEqual([]);
  });

  it('has no line of more than 100 columns, but for imports and addresses', () => {
    expect(findings(/^(?!import |export .* from |.*https?:).{101,}/)).toEqual([]);
  });

  it('has no comment of more than 100 columns in its tests', () => {
    const comment = /^(?!.*https?:)(?=\s*(?:\/\/|\/\*|\*)).{101,}/;
    expect(findings(comment, tests)).toEqual([]);
  });

  it('keeps the lines of code in its docstrings apart', () => {
    expect(findings(/^\s*\* .*\S.*```|^\s*\* ```\w* \S/)).toEqual([]);
  });

  it('speaks the language of the field: no private words', () => {
    const found = library.flatMap(({ name, text }) =>
      text
        .split('\n')
        .flatMap((line, at) => bannedIn(line).map((hit) => `${name}:${at + 1} ${hit}`)),
    );
    expect(found).toEqual([]);
  });

  it('exports few names at its root, each by itself', () => {
    const names = exportsOf('lib/index.ts');
    report('names at the root', names.length);
    expect(names).not.toContain('*');
    expect(names.length).toBeLessThanOrEqual(MAX_ROOT_EXPORTS);
  });

  it('has no import cycle, types included', () => {
    const cruiser = join(
      root,
      'node_modules',
      'dependency-cruiser',
      'bin',
      'dependency-cruise.mjs',
    );
    // Without the rules' own exit code: the figure is wanted even when other floors are broken.
    const output = execFileSync(
      process.execPath,
      [
        cruiser,
        '--no-config',
        '--ts-pre-compilation-deps',
        '--ts-config',
        'tsconfig.json',
        '--output-type',
        'json',
        'lib',
      ],
      {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      },
    );
    const { modules } = JSON.parse(output) as Cruise;
    const edges = modules.flatMap(({ source, dependencies }) =>
      dependencies
        .filter(({ circular }) => circular)
        .map(({ resolved }) => `${source} -> ${resolved}`),
    );
    report('import cycles', edges.length);
    expect(modules.length).toBeGreaterThanOrEqual(library.length);
    expect(edges).toEqual([]);
  });

  it('leaves nothing to be done later and suppresses no check', () => {
    expect(findings(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
    expect(
      findings(/@ts-(ignore|nocheck|expect-error)|eslint-disable|prettier-ignore|\bas any\b/),
    ).toEqual([]);
  });

  it('never sends a command that reaches beyond its own keys', () => {
    const commands =
      /\bFLUSH(ALL|DB)\b|\bflush(All|Db)\b|['"`]KEYS['"`]|\.(keys|KEYS)\(['"`]|redis\.call\(['"]keys/;
    expect(findings(commands)).toEqual([]);
  });

  it('installs few packages with an application, none of which runs a script', () => {
    const { packages } = readLockfile();
    const wanted = new Set<string>();
    const add = (name: string, from: string) => {
      const path = resolve(packages, name, from);
      if (path === undefined || wanted.has(path)) return;
      wanted.add(path);
      for (const next of Object.keys(packages[path]?.dependencies ?? {})) add(next, path);
    };
    const direct = Object.keys(packages['']?.dependencies ?? {});
    for (const name of direct) add(name, '');
    report(
      'runtime dependencies',
      `${direct.length} (${direct.join(', ')}), ${wanted.size} packages in all`,
    );
    expect(direct.length).toBeLessThanOrEqual(3);
    expect([...wanted].filter((path) => packages[path]?.hasInstallScript)).toEqual([]);
  });

  it('locks the packages of every platform, without registry addresses', () => {
    const { packages } = readLockfile();
    // npm leaves out what its registry did not have at that moment, and `npm ci` then refuses the
    // lockfile on every machine.
    const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => resolve(packages, name, from) === undefined,
      ),
    );
    expect(missing).toEqual([]);
    expect(
      Object.entries(packages).filter(
        ([, { resolved, link }]) => resolved !== undefined && link !== true,
      ),
    ).toEqual([]);
  });
});

/** The names that a module exports; `*` for all of another module. */
function exportsOf(name: string): string[] {
  const text = library.find((file) => file.name === name)?.text ?? '';
  const { statements } = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
  return statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => {
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) return ['*'];
    return exportClause.elements.map((element) => element.name.text);
  });
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly link?: boolean;
}

function readLockfile() {
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
}

/** Where Node finds `name` for a package installed at `from`: the nearest node_modules upwards. */
function resolve(
  packages: Readonly<Record<string, LockedPackage>>,
  name: string,
  from: string,
): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const path = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (base === '') return undefined;
  }
}
