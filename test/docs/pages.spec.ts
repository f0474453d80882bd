import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Page, readPages, readProse, root } from './pages.js';

const pages = readPages();
const prose = readProse();
const byPath = new Map(prose.map((page) => [page.path, page]));
const text = (path: string): string => byPath.get(path)?.text ?? '';

/** Pages that list options, or show what commands of the repository have measured. */
const NO_CONCEPTS = /^docs\/(options|races|proof|[\w-]*score|bench[\w-]*)\.md$/;
const SECTIONS = ['Problem', 'Solution', 'Example', 'Limits', 'When not to'];

/** What the README promises, word for word. */
const PROMISE =
  'After `await cache.delete(...)`, `await cache.invalidate(...)` or `await cache.clear(...)` ' +
  'resolves as durable, no read that *starts* later returns a value whose production started ' +
  'before it: at once in this process and in every process that reads the shared backend ' +
  'directly; within the coherence bound in a process that answers from its own L1 (p99 <= 20 ' +
  'ms on a healthy backplane, 250 ms at the outside, 3 s while the backplane is broken, ' +
  'because an L1 that cannot hear is not trusted). Nobody is rejected for it: callers who ' +
  'were already waiting still get their value, it is only not stored.';

/** Words that make an engineer read a sentence twice; the glossary has the ones to use. */
const RIDDLES = /\b(whoever|somebody|in (the )?place of|what was said|go(es)? past|a text)\b/i;

const PROSE_COLUMNS = 100;

describe('the pages', () => {
  it.each(prose.map((page) => [page.path, page] as const))(
    '%s links only to files and headings that exist',
    (_path, page) => {
      expect(linksOf(page).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
    },
  );

  it.each(prose.map((page) => [page.path, page] as const))(
    '%s has lines of at most 100 columns, and no riddles, in its prose',
    (_path, page) => {
      const lines = proseLinesOf(page);
      expect(
        lines.filter((line) => line.length > PROSE_COLUMNS && line.trim().includes(' ')),
      ).toEqual([]);
      expect(lines.filter((line) => RIDDLES.test(line))).toEqual([]);
    },
  );

  it('are all listed in docs/README.md, and the decisions in docs/adr/README.md', () => {
    for (const [index, inside] of [
      ['docs/README.md', /^docs\/[^/]+\.md$/],
      ['docs/adr/README.md', /^docs\/adr\/[^/]+\.md$/],
    ] as const) {
      const listed = text(index);
      const missing = pages.filter(
        ({ path }) =>
          inside.test(path) &&
          path !== index &&
          !NO_CONCEPTS.test(path) &&
          !listed.includes(`](${path.slice(dirname(index).length + 1)})`),
      );
      expect(missing.map(({ path }) => path)).toEqual([]);
    }
  });

  it('about a concept have the short answer and all five sections in their order', () => {
    const concepts = pages.filter(
      ({ path, text: page }) => page.includes('\n**In short:** ') && !NO_CONCEPTS.test(path),
    );
    expect(concepts.length).toBeGreaterThan(15);
    for (const page of concepts) {
      const headings = [...page.text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      expect(
        headings.filter((heading) => SECTIONS.includes(heading ?? '')),
        page.path,
      ).toEqual(SECTIONS);
    }
  });

  it('about decisions have all four sections, and are numbered without a gap', () => {
    const decisions = pages.filter(({ path }) => /^docs\/adr\/\d/.test(path));
    decisions.forEach(({ path, text: page }, i) => {
      expect(path).toMatch(new RegExp(`^docs/adr/${String(i + 1).padStart(4, '0')}-`));
      expect(page.startsWith(`# ${String(i + 1)}. `), path).toBe(true);
      const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      expect(headings, path).toEqual(['Context', 'Decision', 'Alternatives tried', 'Consequences']);
    });
  });

  it('README.md and docs/architecture-of-consistency.md make the promise word for word', () => {
    for (const path of ['README.md', 'docs/architecture-of-consistency.md']) {
      expect(text(path).replace(/\n> ?/g, ' '), path).toContain(PROMISE);
    }
  });

  it('show only npm commands and packages that exist', () => {
    const { scripts, name, dependencies, peerDependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>> & { name: string };
    const packages = new Set([
      name,
      ...[dependencies, peerDependencies, devDependencies].flatMap((known) =>
        Object.keys(known ?? {}),
      ),
    ]);
    const commands = pages.flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language }) => language === 'sh')
        .flatMap(({ code }) =>
          code
            .split('\n')
            .filter((line) => line.startsWith('npm '))
            .map((line) => ({ path, line })),
        ),
    );
    for (const { path, line } of commands) {
      const script = /^npm (?:run )?(start|test|[\w:]+)(?: -- .*)?(?: +#.*)?$/.exec(line)?.[1];
      const installed = /^npm (?:i|install) (.*)$/.exec(line)?.[1]?.split(' ');
      const known =
        installed === undefined
          ? script !== undefined && script in (scripts ?? {})
          : installed.every((each) => packages.has(each));
      expect(known, `${path}: ${line}`).toBe(true);
    }
  });
});

describe('the maps of the code', () => {
  const folders = readdirSync(join(root, 'lib'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(root, 'lib'), entry.parentPath).replaceAll('\\', '/'))
    .filter((folder) => folder !== '');
  const library = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, 'lib', file), 'utf8'));
  /** The maps show the engine with one read path: until it is there, they are ahead of the code. */
  const isTargetEngine = existsSync(join(root, 'lib', 'core', 'read', 'lookup.ts'));
  const sectionOf = (heading: string): string =>
    text('docs/architecture.md').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';

  it('docs/architecture.md lists every folder of lib that has files, and no other', () => {
    const listed = [...sectionOf('The rooms').matchAll(/^\| `([\w/-]+)` \|/gm)];
    expect(listed.map(([, folder]) => folder).sort()).toEqual([...new Set(folders)].sort());
  });

  it.runIf(isTargetEngine)('docs/architecture.md names only files that exist', () => {
    const named = (section: string, folder: string) =>
      [...sectionOf(section).matchAll(/`([\w/-]+\.ts)`/g)].map(([, file]) => `${folder}${file}`);
    const files = [
      ...named('If you look for ...', ''),
      ...named('The path of a read', 'core/read/'),
      ...named('The path of an invalidation', 'core/'),
    ];
    expect(files.filter((file) => !existsSync(join(root, 'lib', file)))).toEqual([]);
  });

  it.runIf(isTargetEngine)('docs/glossary.md names only what the code has', () => {
    const rows = text('docs/glossary.md').matchAll(/^\| [^|]+ \| [^|]+ \| (.*) \|$/gm);
    const names = [...rows].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`@?([A-Za-z]+)(?:\.(\w+))?`/g)].flatMap(([, name, member]) =>
        [name, member].filter((each) => each !== undefined),
      ),
    );
    const code = library.join('\n');
    const unknown = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
    expect([...new Set(unknown)]).toEqual([]);
  });
});

/** The lines that are not code, table, heading or HTML comment, nor written by a benchmark. */
function proseLinesOf({ text: page, blocks }: Page): readonly string[] {
  const generated = /^<!-- (\w+):begin -->$[\s\S]*?^<!-- \1:end -->$/gm;
  const written = page.replace(generated, (part) => part.replace(/[^\n]/g, ''));
  const code = new Set(
    blocks.flatMap(({ line, code: body }) => body.split('\n').map((_, i) => line + i)),
  );
  return written
    .split('\n')
    .filter((line, at) => !code.has(at + 1) && !/^(```|\||#|<!--)/.test(line));
}

function linksOf({ text: page }: Page): readonly string[] {
  const prose = page.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link ?? '')
    .filter((link) => !/^https?:/.test(link));
}

function leadsSomewhere({ path }: Page, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : normalize(join(dirname(path), file)).replaceAll('\\', '/');
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || anchorsOf(text(target)).includes(anchor);
}

/** The anchors of its headings, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );
}
