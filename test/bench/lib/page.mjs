import { readFileSync, writeFileSync } from 'node:fs';

/** Replaces what stands between `<!-- name:begin -->` and `<!-- name:end -->` in a page. */
export function writeSection(url, name, text) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const page = readFileSync(url, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${url} has no section ${begin} ... ${end}.`);
  writeFileSync(
    url,
    `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`,
  );
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
