import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SampleProcess } from './support.js';

const folder = path.resolve(import.meta.dirname, '..', '..', 'sample');
const names = readdirSync(folder).filter((name) => existsSync(path.join(folder, name, 'main.ts')));

describe('npm run sample', () => {
  const running: SampleProcess[] = [];
  afterAll(() => Promise.all(running.map((process) => process.stop())));
  const run = async (...args: string[]) => {
    const sample = new SampleProcess('sample.mjs', {}, ...args);
    running.push(sample);
    const { code } = await sample.exited;
    return { code, output: sample.output };
  };

  it('lists the names when it is given none', async () => {
    const { code, output } = await run();
    expect(code).toBe(0);
    for (const name of names) expect(output).toMatch(new RegExp(`^ +${name} +\\S`, 'm'));
  });

  it('lists the names when it is given a wrong one, and fails', async () => {
    const { code, output } = await run('ledgers');
    expect(code).toBe(1);
    expect(output).toContain("There is no sample 'ledgers'.");
    for (const name of names) expect(output).toContain(`  ${name} `);
  });

  it('knows the samples that the index names, each with a page of its own', () => {
    const index = readFileSync(path.join(folder, 'README.md'), 'utf8');
    const listed = [...index.matchAll(/^\| \[([\w-]+)\]\(\1\) \|/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(names.sort());
    for (const name of names)
      expect(existsSync(path.join(folder, name, 'README.md')), name).toBe(true);
  });
});
