import ts from 'typescript';

/**
 * A mutant names functions by their place in the code, so formatting, comments and the names of
 * local variables may change. The new body gets the arguments as `args` and the function that it
 * replaces as `original`.
 */

/** @returns the source with the patch applied. @throws when what it names is not there once */
export function applyPatch(source, patch) {
  const file = ts.createSourceFile(patch.file, source, ts.ScriptTarget.Latest, true);
  return patch.script === undefined
    ? replaceFunction(source, file, patch)
    : editScript(source, file, patch);
}

/** The syntax errors of a mutated file, private names that no class declares among them. */
export function syntaxErrors(name, source) {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true);
  const errors = file.parseDiagnostics.map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, ' '),
  );
  return [...errors, ...undeclaredPrivateNames(file)];
}

/** The parser accepts them; only loading the file would fail. */
function undeclaredPrivateNames(file) {
  const found = [];
  const visit = (node, declared) => {
    const names = ts.isClassLike(node)
      ? new Set([...declared, ...node.members.map((member) => member.name?.getText())])
      : declared;
    if (ts.isPrivateIdentifier(node) && !names.has(node.text))
      found.push(`${node.text} is not declared`);
    ts.forEachChild(node, (child) => visit(child, names));
  };
  visit(file, new Set());
  return found;
}

function replaceFunction(source, file, { function: path, body }) {
  const node = only(functionsAt(file, path), `${file.fileName}: ${path}`);
  const name = node.name.text;
  const renamed = `${name}$original`;
  const end = node.name.getEnd();
  const start = node.getStart();
  return (
    source.slice(0, start) +
    `${headOf(node, name, body)} { const original = ${callOf(node, renamed)}; ${body} }\n` +
    source.slice(start, node.name.getStart()) +
    renamed +
    source.slice(end)
  );
}

function headOf(node, name, body) {
  if (ts.isGetAccessor(node)) return `get ${name}()`;
  const isAsync = /\bawait\b/.test(body) ? 'async ' : '';
  if (ts.isMethodDeclaration(node)) return `${isAsync}${name}(...args: any[]): any`;
  const exported = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  return `${exported ? 'export ' : ''}${isAsync}function ${name}(...args: any[]): any`;
}

function callOf(node, renamed) {
  if (ts.isGetAccessor(node)) return `() => this.${renamed}`;
  return ts.isMethodDeclaration(node) ? `(...given: any[]) => this.${renamed}(...given)` : renamed;
}

function functionsAt(file, path) {
  const [first, member] = path.split('.');
  const found = [];
  for (const node of file.statements) {
    if (member === undefined && ts.isFunctionDeclaration(node) && node.name?.text === first)
      found.push(node);
    if (!ts.isClassDeclaration(node) || node.name?.text !== first) continue;
    for (const own of node.members)
      if (isFunction(own) && own.name.getText() === member && own.body !== undefined)
        found.push(own);
  }
  return found;
}

function isFunction(node) {
  return ts.isMethodDeclaration(node) || ts.isGetAccessor(node);
}

function editScript(source, file, { script, edit: [pattern, replacement] }) {
  const scripts = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .filter(({ name }) => name.getText() === script);
  const where = `${file.fileName}: ${script}`;
  const text = only(scripts, where).initializer;
  const before = text.getText();
  only([...before.matchAll(new RegExp(pattern, 'g'))], `${where}: ${pattern}`);
  return (
    source.slice(0, text.getStart()) +
    before.replace(pattern, () => replacement) +
    source.slice(text.getEnd())
  );
}

function only(found, what) {
  if (found.length !== 1) throw new Error(`${what} is there ${found.length} times`);
  return found[0];
}
