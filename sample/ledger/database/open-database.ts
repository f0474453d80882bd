import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { LedgerConfig } from '../config.js';
import type { Database } from './database.js';
import { GENERATOR_VERSION, generateLedger } from './generator.js';
import { PARENT_URL } from './parent-protocol.js';

/** Called with a line for the console after each step. */
export type Report = (line: string) => void;

/** The configured database, filled and ready. */
export async function openDatabase(config: LedgerConfig, report: Report): Promise<Database> {
  if (config.databaseUrl === PARENT_URL) {
    const { ParentDatabase } = await import('./parent.database.js');
    return new ParentDatabase();
  }
  return config.databaseUrl === undefined
    ? openEmbedded(config, report)
    : openServer(config.databaseUrl, config, report);
}

async function openServer(url: string, config: LedgerConfig, report: Report): Promise<Database> {
  const { PostgresDatabase } = await import('./postgres.database.js');
  const database = new PostgresDatabase(url);
  try {
    await fill(database, config, report);
    return database;
  } catch (error) {
    await database.close();
    throw new Error(
      `${database.label} cannot be used. Check DATABASE_URL, or leave it out: then PostgreSQL is embedded.`,
      {
        cause: error,
      },
    );
  }
}

/** The first start creates the database and saves a snapshot of it, from which later ones start. */
async function openEmbedded(config: LedgerConfig, report: Report): Promise<Database> {
  const { PGliteDatabase } = await import('./pglite.database.js');
  const file = snapshotFile(config);
  if (await exists(file)) {
    try {
      const database = await PGliteDatabase.open(await openAsBlob(file));
      report(
        `${config.entries.toLocaleString('en')} entries from the snapshot of an earlier start`,
      );
      return database;
    } catch {
      report('the snapshot of an earlier start is not usable: making the ledger anew');
      await rm(file, { force: true });
    }
  }
  const database = await PGliteDatabase.open();
  await fill(database, config, report);
  await database.script('checkpoint');
  await keep(file, await database.snapshot()).catch(() =>
    report('no snapshot could be kept: the next start makes the ledger anew'),
  );
  return database;
}

async function fill(database: Database, config: LedgerConfig, report: Report): Promise<void> {
  const progress = (done: number) =>
    report(`${done.toLocaleString('en')} of ${config.entries.toLocaleString('en')} entries made`);
  const made = await generateLedger(database, {
    entries: config.entries,
    seed: config.seed,
    progress,
  });
  if (!made) report('the ledger is there already, from an earlier start');
}

/** Beside the compiled sample, in the folder `.cache` of the repository. */
function snapshotFile({ entries, seed }: LedgerConfig): string {
  const version = createHash('sha256').update(GENERATOR_VERSION).digest('hex').slice(0, 12);
  return path.join(import.meta.dirname, '..', '..', `snapshot-${entries}-${seed}-${version}.tar`);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Renamed into place when complete, so that a concurrent start never reads half a snapshot. */
async function keep(file: string, snapshot: Blob): Promise<void> {
  const partial = `${file}.${process.pid}`;
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await writeFile(partial, snapshot.stream());
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}
