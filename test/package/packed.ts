import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

export const root = join(import.meta.dirname, '..', '..');

/**
 * A folder outside the repository with the packed tarball and the committed applications; nothing
 * of the repository is resolved from it.
 */
export interface Workshop {
  readonly folder: string;
  readonly tarball: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  remove(): void;
}

interface PackReport {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

export async function openWorkshop(): Promise<Workshop> {
  await buildWhenStale();
  const folder = mkdtempSync(join(tmpdir(), 'nest-query-cache-package-'));
  cpSync(join(import.meta.dirname, 'apps'), folder, { recursive: true });
  const { stdout } = await npm(
    ['pack', root, '--ignore-scripts', '--json', '--pack-destination', folder],
    folder,
  );
  const report = packReport(JSON.parse(stdout));
  const tarball = join(folder, 'nest-query-cache.tgz');
  cpSync(join(folder, report.filename), tarball);
  rmSync(join(folder, report.filename));
  return {
    folder,
    tarball,
    files: report.files,
    packedBytes: report.size,
    unpackedBytes: report.unpackedSize,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** npm prints a list up to version 10 and an object by package name in some later ones. */
function packReport(printed: unknown): PackReport {
  const [report] = Object.values(printed as Record<string, PackReport>);
  if (report === undefined) throw new Error('npm pack --json printed no package.');
  return report;
}

const QUIET = [
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--no-package-lock',
  '--loglevel',
  'error',
];

/**
 * Installs as a user would: from the tarball, with whatever npm has in its cache, else from the
 * registry.
 */
export async function install(app: string): Promise<void> {
  await npm(['install', ...QUIET], app);
}

/** Adds packages below an application, whose own packages serve as their peers. */
export async function addPackages(folder: string, packages: readonly string[]): Promise<void> {
  await npm(['install', '--no-save', '--legacy-peer-deps', ...QUIET, ...packages], folder);
}

/**
 * Compiles `app.ts` of the workshop inside `folder`, whose package.json decides between ES module
 * and CommonJS.
 */
export async function compile(workshop: Workshop, folder: string): Promise<void> {
  for (const file of ['app.ts', 'tsconfig.json'])
    cpSync(join(workshop.folder, file), join(folder, file));
  await tsc(folder, ['-p', 'tsconfig.json']);
}

/** The repository's compiler and Node types; every other package comes from `folder`. */
export async function tsc(folder: string, args: readonly string[]): Promise<void> {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  await node([compiler, ...args, '--typeRoots', join(root, 'node_modules', '@types')], folder);
}

export async function node(args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, [...args], {
      cwd,
      env: userEnvironment(),
      maxBuffer: 2 ** 26,
      timeout: 120_000,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`node ${args.join(' ')} failed in ${cwd}:\n${stdout}\n${stderr}`, {
      cause: error,
    });
  }
}

async function npm(args: readonly string[], cwd: string) {
  const script = process.env.npm_execpath;
  const options = { cwd, env: userEnvironment(), maxBuffer: 2 ** 26, timeout: 280_000 };
  return script === undefined
    ? run('npm', [...args], options)
    : run(process.execPath, [script, ...args], options);
}

/**
 * Without what an outer `npm test` tells its scripts about this repository, and without the test
 * runner's own settings.
 */
function userEnvironment(): NodeJS.ProcessEnv {
  const inherited =
    /^(npm_(package|lifecycle|config_local_prefix|config_workspace)|INIT_CWD$|NODE_(ENV|OPTIONS|PATH)$|VITEST)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inherited.test(name)));
}

async function buildWhenStale(): Promise<void> {
  const entry = join(root, 'dist', 'index.js');
  const newest = Math.max(
    ...readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).map(
      (name) => statSync(join(root, 'lib', name)).mtimeMs,
    ),
  );
  if (existsSync(entry) && statSync(entry).mtimeMs >= newest) return;
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await tsc(root, ['-p', 'tsconfig.build.json']);
}

/** Takes a package out of an installed application, as if it had never been installed. */
export function uninstall(app: string, names: readonly string[]): void {
  for (const name of names)
    rmSync(join(app, 'node_modules', name), { recursive: true, force: true });
}
