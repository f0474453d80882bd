import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBody, parseStream } from '../../../../lib/backends/redis/notices/message.js';

describe('notices', () => {
  it('parses any body without an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .anything()
            .map((value) => JSON.stringify({ v: 1, kind: 'groups', scope: value, groups: value })),
        ),
        (text) => {
          const heard = parseBody(text);
          expect(['string', 'object']).toContain(typeof heard);
        },
      ),
    );
  });

  it('finds entries in both forms of the reply', () => {
    const entry = ['1-1', ['p', '0', 's', 'me', 'b', '{}']];
    const expected = [{ id: '1-1', before: '0', sender: 'me', body: '{}' }];
    expect([
      parseStream({ s: [entry] }),
      parseStream([['s', [entry]]]),
      parseStream(null),
      parseStream('x'),
    ]).toEqual([expected, expected, [], []]);
  });
});
