import { writeSection } from '../lib/page.mjs';
import { race } from './race.mjs';
import { report } from './report.mjs';

const page = new URL('../../../docs/races.md', import.meta.url);

export async function main({ only, write }) {
  const result = await race({ only, say: (text) => console.error(text) });
  const text = report(result);
  console.log(text);
  if (write) writeSection(page, 'races', text);
}
