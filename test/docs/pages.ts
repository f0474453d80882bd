import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A fenced block of a page, or code in an HTML comment, which readers do not see. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The line number of its first line of code in the page, from 1. */
  readonly line: number;
  /** It is a module of its own; all other blocks of a page form one module, in their order. */
  readonly separate: boolean;
}

export interface Page {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** The README and every page under docs: the pages with snippets that run. */
export function readPages(): readonly Page[] {
  return [join(root, 'README.md'), ...markdownUnder('docs')].map(readPage);
}

/** Every page that people read: those of `readPages`, and the READMEs of the samples. */
export function readProse(): readonly Page[] {
  const others = ['CHANGELOG.md', 'CONTRIBUTING.md'].map((name) => join(root, name));
  return [...readPages(), ...[...others, ...markdownUnder('sample')].map(readPage)];
}

function markdownUnder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => join(root, folder, file))
    .sort();
}

function readPage(file: string): Page {
  const text = readFileSync(file, 'utf8');
  return { path: relative(root, file).replaceAll('\\', '/'), text, blocks: blocksOf(text) };
}

const SEPARATE = '<!-- snippet: separate -->';
const HIDDEN = '<!-- snippet: hidden';

export function blocksOf(text: string): readonly Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  let separate = false;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (line.trim() === SEPARATE) {
      separate = true;
      continue;
    }
    const fence = /^```(\w*)/.exec(line);
    if (fence !== null || line.trim() === HIDDEN) {
      const end = lines.indexOf(fence === null ? '-->' : '```', i + 1);
      if (end < 0) throw new Error(`The block that begins in line ${String(i + 1)} has no end.`);
      const language = fence === null ? 'ts' : (fence[1] ?? '');
      blocks.push({ language, code: lines.slice(i + 1, end).join('\n'), line: i + 2, separate });
      separate = false;
      i = end;
    } else if (line.trim() !== '') separate = false;
  }
  return blocks;
}
