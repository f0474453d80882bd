import ts from 'typescript';
import type { Block, Page } from './pages.js';

/** A TypeScript module made from the blocks of a page. */
export interface SnippetModule {
  readonly page: string;
  /** Unique, and valid as a file name. */
  readonly name: string;
  readonly text: string;
  /** `lines[i]`: the page and line from which line i of the text comes. */
  readonly lines: readonly string[];
}

const PRELUDE = [
  "import 'reflect-metadata';",
  'declare function $same(actual: unknown, expected: unknown, where: string): void;',
  'declare function $throws(run: () => unknown, code: string, where: string): Promise<void>;',
];

/** @returns one module of the page's blocks, and one for each separate block */
export function modulesOf(page: Page): readonly SnippetModule[] {
  const blocks = page.blocks.filter((block) => block.language === 'ts');
  const together = blocks.filter((block) => !block.separate);
  const groups = [
    together,
    ...blocks.filter((block) => block.separate).map((block) => [block]),
  ].filter((group) => group.length > 0);
  const name = page.path.replace(/\.md$/, '').replaceAll('/', '-');
  return groups.map((group, i) =>
    compose(
      page.path,
      i === 0 && group === together ? name : `${name}-${String(group[0]?.line)}`,
      group,
    ),
  );
}

function compose(page: string, name: string, blocks: readonly Block[]): SnippetModule {
  const imports = new Imports();
  const bodies = blocks.map((block) => rewrite(page, block, imports));
  const header = [...PRELUDE, ...imports.lines()];
  const lines = header.map(() => page);
  blocks.forEach((block, i) => {
    (bodies[i] ?? '')
      .split('\n')
      .forEach((_, at) => lines.push(`${page}:${String(block.line + at)}`));
  });
  return { page, name, text: [...header, ...bodies, 'export {};', ''].join('\n'), lines };
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Takes the imports out and turns `expression; // => value` into assertions. Keeps the number of
 * lines.
 */
function rewrite(page: string, block: Block, imports: Imports): string {
  const { code } = block;
  const source = ts.createSourceFile('block.ts', code, ts.ScriptTarget.ES2022, true);
  const edits: Edit[] = [];
  let asserted = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      imports.add(node);
      edits.push({
        start: node.getStart(),
        end: node.end,
        text: '\n'.repeat(node.getText().split('\n').length - 1),
      });
      return;
    }
    const expected =
      ts.isExpressionStatement(node) || ts.isVariableStatement(node)
        ? expectationAfter(code, node.end)
        : undefined;
    if (expected !== undefined) {
      asserted++;
      const line = block.line + source.getLineAndCharacterOfPosition(node.end).line;
      edits.push(
        ...assertion(
          node as ts.ExpressionStatement | ts.VariableStatement,
          expected,
          `${page}:${String(line)}`,
        ),
      );
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const meant = code.match(/\/\/ =>/g)?.length ?? 0;
  if (meant !== asserted) {
    throw new Error(
      `${page}:${String(block.line)}: ${String(meant - asserted)} of the comments "// => value" follow no statement in their line.`,
    );
  }
  return apply(code, edits);
}

function expectationAfter(code: string, end: number): string | undefined {
  for (const { pos, end: stop } of ts.getTrailingCommentRanges(code, end) ?? []) {
    const match = /^\/\/ => (.*?)(?: — .*)?$/.exec(code.slice(pos, stop));
    if (match !== null) return match[1];
  }
  return undefined;
}

function assertion(
  node: ts.ExpressionStatement | ts.VariableStatement,
  expected: string,
  where: string,
): Edit[] {
  const place = JSON.stringify(where);
  if (ts.isVariableStatement(node)) {
    const names = node.declarationList.declarations.map((declaration) =>
      declaration.name.getText(),
    );
    return [
      { start: node.end, end: node.end, text: ` $same(${names.join()}, (${expected}), ${place});` },
    ];
  }
  const { expression } = node;
  const start = expression.getStart();
  const code = /^throws (\w+)$/.exec(expected)?.[1];
  const [before, after] =
    code === undefined
      ? ['$same((', `), (${expected}), ${place})`]
      : ['await $throws(async () => (', `), ${JSON.stringify(code)}, ${place})`];
  return [
    { start, end: start, text: before },
    { start: expression.end, end: expression.end, text: after },
  ];
}

function apply(code: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end), code);
}

/** Imports each name once, although several blocks of a page may import it. */
class Imports {
  readonly #texts = new Map<string, string>();

  add(node: ts.ImportDeclaration): void {
    const from = node.moduleSpecifier.getText();
    const clause = node.importClause;
    if (clause === undefined) {
      this.#texts.set(from, `import ${from};`);
      return;
    }
    const type = clause.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type ' : '';
    if (clause.name !== undefined) this.#put(`${type}${clause.name.text}`, from);
    const { namedBindings } = clause;
    if (namedBindings === undefined) return;
    if (ts.isNamespaceImport(namedBindings)) this.#put(`${type}${namedBindings.getText()}`, from);
    else
      for (const element of namedBindings.elements)
        this.#put(`{ ${type}${element.getText()} }`, from);
  }

  #put(what: string, from: string): void {
    const plain = what.replace('type ', '');
    if (!what.includes('type ')) this.#texts.delete(`${what.replace('{ ', '{ type ')} ${from}`);
    else if (this.#texts.has(`${plain} ${from}`)) return;
    this.#texts.set(`${what} ${from}`, `import ${what} from ${from};`);
  }

  lines(): readonly string[] {
    return [...this.#texts.values()];
  }
}
