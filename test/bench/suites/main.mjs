import os from 'node:os';
import { short } from '../lib/harness.mjs';
import { table, writeSection } from '../lib/page.mjs';
import { versionOf } from '../races/libraries.mjs';

const SUITES = [
  'near-hit',
  'redis-hit',
  'miss',
  'stampede',
  'tags',
  'method',
  'keys',
  'codecs',
  'http',
];
const PACKAGES = [
  'async-cache-dedupe',
  'bentocache',
  'cache-manager',
  'cacheable',
  '@epic-web/cachified',
  'layered-loader',
  'keyv',
  '@type-cacheable/core',
  '@nestjs/cache-manager',
  'redis',
  'lru-cache',
  'cbor-x',
];
const page = new URL('../../../docs/bench.md', import.meta.url);

export async function main({ only, write }) {
  const rows = [];
  for (const suite of SUITES.filter((name) => only === undefined || only.includes(name))) {
    const { run } = await import(new URL(`${suite}.mjs`, import.meta.url));
    rows.push(...(await run()));
  }
  const text = [
    `Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${os.cpus().length} cores with a load of ${os.loadavg()[2].toFixed(0)}; ${PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ')}.`,
    table(
      ['what', 'goal', 'reached', '', 'per second'],
      rows.map(({ what, goal, reached, text: value, met, perSecond }) => [
        what,
        goal,
        value ?? `${reached >= 20 ? reached.toFixed(0) : reached.toFixed(2)}x`,
        met === undefined ? '' : met ? 'met' : '**missed**',
        perSecond === undefined ? '' : short(perSecond),
      ]),
    ),
  ].join('\n\n');
  console.log(text);
  if (write) writeSection(page, 'bench', text);
}
