import { CacheKeyBuilder } from 'nest-query-cache';
import objectHash from 'object-hash';
import { compare, synchronous } from '../lib/harness.mjs';
import { ratioRow } from '../lib/rows.mjs';

const FLOOR = 'JSON.stringify';
const filter = { account: '4000', from: '2026-01-01', to: '2026-02-01' };
const oneString = (i) => [`acct-${String(i % 1_000)}`];
const withObject = (i) => [
  `acme-${String(i % 1_000)}`,
  { page: i % 10, limit: 20, sort: 'bookedAt', filter },
];

const fromArguments = (label, args) => async () => {
  // Not public: what @Cacheable calls for a method without @CacheKey.
  const file = new URL('core/key/key.js', import.meta.resolve('nest-query-cache'));
  const { keyFromArguments } = await import(file);
  const cases = {
    [FLOOR]: (i) => JSON.stringify(args(i)),
    ours: (i) => keyFromArguments('Ledger.page', args(i)).text,
    'object-hash': (i) => objectHash(args(i)),
  };
  const result = await compare(label, casesOf(cases));
  return [
    ratioRow(
      label,
      '>= 0.4x of `JSON.stringify`',
      await result.ratio('ours', FLOOR),
      0.4,
      result.perSecond('ours'),
    ),
    ratioRow('', '(object-hash)', await result.ratio('object-hash', FLOOR)),
  ];
};

async function builder() {
  const title = 'key by the builder: tenant, segment, two params';
  const build = (i) =>
    new CacheKeyBuilder()
      .tenant(42)
      .segment('entries')
      .param('page', i % 10)
      .param('size', 20)
      .build().text;
  const cases = { [FLOOR]: (i) => JSON.stringify(oneString(i)), ours: build };
  const result = await compare(title, casesOf(cases));
  const ratio = await result.ratio('ours', FLOOR);
  return [ratioRow(title, '(of one `JSON.stringify`)', ratio, undefined, result.perSecond('ours'))];
}

const casesOf = (cases) =>
  Object.entries(cases).map(([name, fn]) => ({ name, loop: synchronous(), fn }));

export const rows = {
  'key-string': fromArguments('key from one string', oneString),
  'key-object': fromArguments('key from a string and an object', withObject),
  'key-builder': builder,
};
