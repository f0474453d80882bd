import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Page, readPages, root } from './pages.js';

const pages = readPages();
const byPath = new Map(pages.map((page) => [page.path, page]));
const text = (path: string): string => byPath.get(path)?.text ?? '';

/** Lists, and what commands of the repository have measured. */
const NO_CONCEPTS = /^docs\/(options|races|proof|[\w-]*score|bench[\w-]*)\.md$/;
const SECTIONS = ['Problem', 'Solution', 'Example', 'Limits', 'When not to'];

/** What the README promises, word for word. */
const PROMISE =
  'After `await cache.delete(...)`, `await cache.invalidate(...)` or `await cache.clear(...)` resolves as durable, no read that *starts* later ' +
  'returns a value whose production started before it: at once in this process and in every process that reads the shared backend directly; ' +
  'within the coherence bound in a process that answers from its own L1 (p99 <= 20 ms on a healthy backplane, 250 ms at the outside, 3 s ' +
  'while the backplane is broken, because an L1 that cannot hear is not trusted). Nobody is rejected for it: callers who were already waiting ' +
  'still get their value, it is only not stored.';

describe('the pages', () => {
  it.each(pages.map((page) => [page.path, page] as const))(
    '%s links only to what is there',
    (_path, page) => {
      expect(linksOf(page).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
    },
  );

  it('of the documentation are all in its index, and the decisions in theirs', () => {
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

  it('of concepts have the short answer, the problem, the solution, an example, limits and when not to', () => {
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

  it('of decisions have context, decision, alternatives and consequences, and are numbered without a gap', () => {
    const decisions = pages.filter(({ path }) => /^docs\/adr\/\d/.test(path));
    decisions.forEach(({ path, text: page }, i) => {
      expect(path).toMatch(new RegExp(`^docs/adr/${String(i + 1).padStart(4, '0')}-`));
      expect(page.startsWith(`# ${String(i + 1)}. `), path).toBe(true);
      const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
      expect(headings, path).toEqual(['Context', 'Decision', 'Alternatives tried', 'Consequences']);
    });
  });

  it('make the promise word for word', () => {
    for (const path of ['README.md', 'docs/architecture-of-consistency.md']) {
      expect(text(path).replace(/\n> ?/g, ' '), path).toContain(PROMISE);
    }
  });

  it('name only commands and packages that exist', () => {
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

/** As GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  );
}
