import { join } from 'node:path';
import ts from 'typescript';
import { root } from './pages.js';
import type { SnippetModule } from './snippets.js';

/**
 * Checks the types of all modules as an application that uses the built package would, and writes
 * their JavaScript beside them.
 * @returns the type errors of each module, by name
 */
export function compileSnippets(
  folder: string,
  modules: readonly SnippetModule[],
): ReadonlyMap<string, readonly string[]> {
  const files = new Map(
    modules.map((module) => [join(folder, `${module.name}.ts`).replaceAll('\\', '/'), module]),
  );
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (file) =>
    ts.sys.readFile(file),
  ) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(
    { ...(config as object), include: [], files: [...files.keys()] },
    ts.sys,
    root,
  );
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (file, target, ...rest) => {
    const text = files.get(file)?.text;
    return text === undefined
      ? read(file, target, ...rest)
      : ts.createSourceFile(file, text, target, true);
  };
  const exists = host.fileExists.bind(host);
  host.fileExists = (file) => files.has(file) || exists(file);
  const program = ts.createProgram({
    rootNames: [...files.keys()],
    options: {
      ...options,
      noEmit: false,
      declaration: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      inlineSourceMap: true,
    },
    host,
  });
  const problems = new Map<string, readonly string[]>();
  for (const [file, module] of files) {
    const source = program.getSourceFile(file);
    const found =
      source === undefined
        ? []
        : [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    problems.set(
      module.name,
      found.map(
        (diagnostic) =>
          `${whereOf(diagnostic, module)}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`,
      ),
    );
    program.emit(source);
  }
  return problems;
}

function whereOf({ file, start }: ts.Diagnostic, module: SnippetModule): string {
  const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
  return module.lines[line] ?? module.page;
}
