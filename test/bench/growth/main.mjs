import { mkdirSync, writeFileSync } from 'node:fs';
import { draw } from './draw.mjs';
import { plots } from './plots.mjs';

const folder = new URL('../../../docs/bench/', import.meta.url);
const MAX_BYTES = 60_000;

/** Measures and draws the plots of these names, or all, into docs/bench. */
export async function main({ wanted, write }) {
  const unknown = wanted.find((name) => !(name in plots));
  if (unknown !== undefined)
    throw new Error(`There is no plot ${unknown}; there are ${Object.keys(plots).join(', ')}.`);
  const began = performance.now();
  mkdirSync(folder, { recursive: true });
  for (const [name, plot] of Object.entries(plots)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.error(`${name}: ${plot.title}`);
    const points = await plot.measure((step) => {
      const seconds = ((performance.now() - began) / 1e3).toFixed(0);
      console.error(`  ${seconds.padStart(4)} s  ${step}`);
    });
    for (const { panel = '', series, x, y } of points)
      console.log([name, panel, series, x, y.toPrecision(3)].join('\t'));
    const svg = draw(plot, points);
    if (svg.length > MAX_BYTES) throw new Error(`${name}.svg has ${String(svg.length)} bytes.`);
    if (write) writeFileSync(new URL(`${name}.svg`, folder), svg);
  }
}
