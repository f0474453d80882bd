import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A fenced block of a page, or code in an HTML comment that readers do not see. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** Number of its first line of code in the page, from 1. */
  readonly line: number;
  /** A module of its own; the other blocks of a page are one module together, in their order. */
  readonly separate: boolean;
}

export interface Page {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** The README and every page under docs. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  const files = docs.filter((file) => file.endsWith('.md')).map((file) => join(root, 'docs', file));
  return [join(root, 'README.md'), ...files.sort()].map((file) => {
    const text = readFileSync(file, 'utf8');
    return { path: relative(root, file).replaceAll('\\', '/'), text, blocks: blocksOf(text) };
  });
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
