// The same payloads in every run: about 200 B, 4 KB and 110 KB of JSON.
export function rng(seed) {
  let s = seed >>> 0;
  return () => (s = (Math.imul(s, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}
const r = rng(42);
const hex = (n) => Array.from({ length: n }, () => Math.floor(r() * 16).toString(16)).join('');
const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
export const small = {
  id: uuid(),
  name: 'Ada Lovelace',
  email: 'ada@example.test',
  active: true,
  age: 36,
  balance: 1234.56,
  createdAt: '2026-01-15T10:00:00.000Z',
  roles: ['admin', 'auditor'],
  org: 'acme-ltd',
};
const row = (i) => ({
  id: 100000 + i,
  entryId: uuid(),
  account: `4${String(i).padStart(5, '0')}`,
  debit: Math.round(r() * 1e6) / 100,
  credit: 0,
  currency: 'EUR',
  bookedAt: new Date(1.76e12 + i * 3.6e6).toISOString(),
  memo: `Invoice ${2000 + i} partial payment`,
  reconciled: i % 3 === 0,
});
export const medium = { page: 1, total: 20, rows: Array.from({ length: 20 }, (_, i) => row(i)) };
export const large = { page: 1, total: 500, rows: Array.from({ length: 500 }, (_, i) => row(i)) };
export const json = { small, medium, large };

/** A new object of about 200 B each time, as a database gives it: frozen or changed by none. */
export const freshSmall = () => ({ ...small, roles: ['admin', 'auditor'] });
