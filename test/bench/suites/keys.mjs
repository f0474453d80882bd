import { CacheKeyBuilder } from 'nest-query-cache';
import objectHash from 'object-hash';
import { measure, synchronous } from '../lib/harness.mjs';
import { row } from './row.mjs';

/** Keys from arguments. */
export async function run() {
  const { keyFromArguments } = await import(
    new URL('core/key.js', import.meta.resolve('nest-query-cache'))
  );
  const rows = [];
  const sets = [
    ['one text', (i) => [`acct-${i % 1_000}`]],
    [
      'a text and an object',
      (i) => [
        `acme-${i % 1_000}`,
        {
          page: i % 10,
          limit: 20,
          sort: 'bookedAt',
          filter: { account: '4000', from: '2026-01-01', to: '2026-02-01' },
        },
      ],
    ],
  ];
  for (const [label, args] of sets) {
    const result = await measure(`key from ${label}`, [
      { name: 'JSON.stringify', loop: synchronous(), fn: (i) => JSON.stringify(args(i)) },
      {
        name: 'keyFromArguments',
        loop: synchronous(),
        fn: (i) => keyFromArguments('Ledger.page', args(i)).text,
      },
      { name: 'object-hash', loop: synchronous(), fn: (i) => objectHash(args(i)) },
      {
        name: 'builder',
        loop: synchronous(),
        fn: (i) =>
          new CacheKeyBuilder()
            .tenant(42)
            .segment('entries')
            .param('page', i % 10)
            .param('size', 20)
            .build().text,
      },
    ]);
    rows.push(
      row(
        `key from ${label}`,
        '>= 0.4x of `JSON.stringify`',
        result.ratio('keyFromArguments', 'JSON.stringify'),
        0.4,
        result,
        'keyFromArguments',
      ),
      row('', '(object-hash)', result.ratio('object-hash', 'JSON.stringify')),
    );
    if (label === 'one text')
      rows.push(
        row(
          'key by the builder: tenant, segment, two params',
          '(of one `JSON.stringify`)',
          result.ratio('builder', 'JSON.stringify'),
          undefined,
          result,
          'builder',
        ),
      );
  }
  return rows;
}
