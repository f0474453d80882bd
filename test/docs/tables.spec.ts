import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { type ListKind, namesOf } from './declarations.js';
import { readPages, root } from './pages.js';

const MARKER = /^<!-- (members|properties|literals|types) of: (\w+) in (\S+) -->$/;

interface Table {
  readonly page: string;
  readonly kind: ListKind;
  readonly name: string;
  readonly file: string;
  readonly rows: readonly string[];
}

const tables = readPages().flatMap(({ path, text }): Table[] => {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const [, kind, name = '', file = ''] = MARKER.exec(line) ?? [];
    return kind === undefined
      ? []
      : [{ page: path, kind: kind as ListKind, name, file, rows: rowsAfter(lines, at + 1) }];
  });
});

/** The names in the first column; of `producerTimeout.soft` the part before the dot. */
function rowsAfter(lines: readonly string[], from: number): readonly string[] {
  const begin = lines.findIndex((line, at) => at >= from && line.startsWith('|'));
  const end = lines.findIndex((line, at) => at > begin && !line.startsWith('|'));
  const names = lines.slice(begin + 2, end).map((line) => /^\| `(\w+)[.`]/.exec(line)?.[1] ?? line);
  return [...new Set(names)];
}

const tabled = new Set(tables.map((table) => table.name));

describe('the tables of the documentation', () => {
  it.each(tables.map((table) => [table.name, table.page, table] as const))(
    'the table of %s in %s lists all of its names, and no other',
    (name, _page, table) => {
      expect([...table.rows].sort()).toEqual(
        [...namesOf(table.kind, name, table.file, tabled)].sort(),
      );
    },
  );

  it('there is a table for errors, events, counters and every exported options type', () => {
    const words = [
      'CacheErrorCode',
      'CacheEvent',
      'Outcome',
      'Stats',
      'CacheService',
      'ProducerContext',
      'InvalidateRequest',
    ];
    expect([...words, ...exportedOptions()].filter((name) => !tabled.has(name))).toEqual([]);
  });
});

/**
 * The types named `...Options` that an entry of the package exports. `MemoryOptions` is documented
 * as part of `MemoryBackendOptions`.
 */
function exportedOptions(): readonly string[] {
  return ['lib/index.ts', 'lib/redis.ts'].flatMap((file) => {
    const source = ts.createSourceFile(
      file,
      readFileSync(join(root, file), 'utf8'),
      ts.ScriptTarget.ES2022,
      true,
    );
    return source.statements
      .flatMap((statement) =>
        ts.isExportDeclaration(statement) && statement.exportClause !== undefined
          ? [statement.exportClause]
          : [],
      )
      .flatMap((clause) =>
        ts.isNamedExports(clause) ? clause.elements.map((element) => element.name.text) : [],
      )
      .filter((name) => name.endsWith('Options') && name !== 'MemoryOptions');
  });
}
