import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './pages.js';

/** What a table of the documentation lists: the first word of its marker comment. */
export type ListKind = 'members' | 'properties' | 'literals' | 'types';

/**
 * The names that a declaration has, read from the source.
 *
 * - `members`: of an interface or class, and of those it extends in the same file without a table
 *   of their own
 * - `properties`: the same, without methods
 * - `literals`: the strings of a union of strings
 * - `types`: the strings of the member `type` in a union of objects
 */
export function namesOf(
  kind: ListKind,
  name: string,
  file: string,
  tabled: ReadonlySet<string> = new Set(),
): readonly string[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.ES2022,
    true,
  );
  const declaration = source.statements.find(
    (statement) =>
      (ts.isInterfaceDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)) &&
      statement.name?.text === name,
  );
  if (declaration === undefined) throw new Error(`${file} declares no ${name}.`);
  const also = (node: ts.Node): readonly string[] => namesOf(kind, node.getText(), file, tabled);
  if (ts.isTypeAliasDeclaration(declaration) && ts.isTypeReferenceNode(declaration.type))
    return also(declaration.type.typeName);
  if (ts.isTypeAliasDeclaration(declaration))
    return [...new Set(kind === 'types' ? typesIn(declaration.type) : textsIn(declaration.type))];
  const { members, heritageClauses = [] } = declaration as
    ts.InterfaceDeclaration | ts.ClassDeclaration;
  const bases = heritageClauses
    .flatMap((clause) => clause.types.map((type) => type.expression))
    .filter((base) => isDeclared(source, base) && !tabled.has(base.getText()));
  const own = [...members].flatMap((member: ts.TypeElement | ts.ClassElement) => {
    const isMethod = ts.isMethodDeclaration(member) || ts.isMethodSignature(member);
    const isInternal = ts.getJSDocTags(member).some((tag) => tag.tagName.text === 'internal');
    return member.name !== undefined &&
      ts.isIdentifier(member.name) &&
      !isInternal &&
      !(kind === 'properties' && isMethod)
      ? [member.name.text]
      : [];
  });
  return [...bases.flatMap(also), ...own];
}

function isDeclared(source: ts.SourceFile, name: ts.Node): boolean {
  return source.statements.some(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name.getText(),
  );
}

function typesIn(node: ts.Node): readonly string[] {
  if (ts.isPropertySignature(node) && node.name.getText() === 'type' && node.type !== undefined)
    return textsIn(node.type);
  const found: string[] = [];
  ts.forEachChild(node, (child) => void found.push(...typesIn(child)));
  return found;
}

function textsIn(node: ts.Node): readonly string[] {
  if (ts.isStringLiteral(node)) return [node.text];
  const found: string[] = [];
  ts.forEachChild(node, (child) => void found.push(...textsIn(child)));
  return found;
}
