// One row in a process of its own: `row-process.mjs <suite> <row>`
const [suite, row] = process.argv.slice(2);
const { rows } = await import(new URL(`${suite}.mjs`, import.meta.url));
const result = await rows[row]().then(
  (all) => ({ rows: all }),
  (error) => ({ problem: String(error?.stack ?? error) }),
);
process.send(result, () => process.exit(0));
