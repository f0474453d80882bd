import { Buffer } from 'node:buffer';

const AT = 1_767_225_600_000;

/**
 * What the golden entries hold. Never change a line: add, and write the new file with
 * `GOLDEN_WRITE=1`.
 */
export const GOLDEN_VALUES: Readonly<Record<string, unknown>> = {
  string: 'Zoë "quoted"\n😀',
  'lone-surrogate': 'a\ud800b',
  integer: -1_234_567,
  double: 0.1,
  'not-a-number': NaN,
  'minus-zero': -0,
  infinity: [Infinity, -Infinity],
  true: true,
  null: null,
  undefined: { a: undefined, b: [undefined] },
  bigint: [2n ** 64n, -1n],
  date: [new Date(AT), new Date(AT + 7), new Date(-1), new Date(8_640_000_000_000_000 - 1)],
  map: new Map<unknown, unknown>([
    ['a', 1],
    [2, new Map([['b', new Date(AT)]])],
  ]),
  set: new Set<unknown>([1, 'a', [2n]]),
  buffer: Buffer.from([0, 1, 254, 255]),
  bytes: new Uint8Array([0, 1, 254, 255]),
  proto: JSON.parse('{"__proto__":{"a":1},"b":2}') as unknown,
  rows: [
    { id: 1, at: new Date(AT), end: null, total: 10n },
    { id: 2, at: new Date(AT + 1), end: new Date(AT + 2), total: 20n },
  ],
  'no-rows': [],
  'no-members': {},
};

/** All headers there can be: with and without tags, tenant clock and escaping. */
export const GOLDEN_HEADERS = [
  { key: 'segment:entries', startTicks: [AT * 1_000], tags: [] },
  {
    key: 'tenant:42/segment:entries/page=1',
    startTicks: [AT * 1_000, AT * 1_000 + 1],
    tags: ['account:12', 'entries'],
  },
  { key: 'straße|\n', startTicks: [], tags: ['a,b', 'ü|'] },
].map((given) => ({
  ...given,
  createdAt: AT,
  freshUntil: AT + 30_000,
  staleUntil: AT + 90_000,
  fallbackUntil: AT + 60_000,
  cost: 12.5,
}));
