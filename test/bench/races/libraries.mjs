import { readdirSync } from 'node:fs';

const folder = new URL('contenders/', import.meta.url);
const modules = await Promise.all(
  readdirSync(folder).map(async (file) => {
    const { href } = new URL(file, folder);
    return { href, ...(await import(href)).library };
  }),
);

/** Ours first, the others by name. */
export const libraries = modules.sort(
  (a, b) =>
    Number(b.name === 'nest-query-cache') - Number(a.name === 'nest-query-cache') ||
    (a.name < b.name ? -1 : 1),
);
