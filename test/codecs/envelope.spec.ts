import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envelope } from '../../lib/codecs/envelope.js';
import type { Entry } from '../../lib/ports/entry.js';
import { CodecError } from '../../lib/ports/errors.js';

const AT = 1_767_225_600_000;
const ENTRY: Entry = {
  key: 'tenant:42/segment:entries/page=1&size=20',
  codec: 'json',
  body: '{"id":7,"name":"Zoë"}',
  createdAt: AT,
  freshUntil: AT + 30_000,
  staleUntil: AT + 90_000,
  fallbackUntil: AT + 60_000,
  cost: 12,
  startTicks: [AT * 1_000 + 7, AT * 1_000 + 3],
  tags: ['account:12', 'entries'],
};

const wild = fc.string({ unit: 'binary', maxLength: 30 });
const moments = fc
  .oneof(
    fc.nat(2 ** 45),
    fc.maxSafeInteger(),
    fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e15, max: 1e15 }),
  )
  .filter((n) => !Object.is(n, -0));
const windows = fc
  .tuple(moments, moments, moments)
  .map(([a, b, c]) => [a, b, c].sort((x, y) => x - y));
const entries: fc.Arbitrary<Entry> = fc
  .record({
    key: wild,
    codec: fc.stringMatching(/^[a-z0-9]{1,8}$/),
    body: fc.oneof(
      wild,
      fc.json(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
    createdAt: moments,
    windows,
    cost: moments,
    startTicks: fc.array(fc.maxSafeNat(), { maxLength: 3 }),
    tags: fc.array(fc.oneof(wild, fc.constantFrom('', 'a,b', 'a|b', '~', '=')), { maxLength: 4 }),
    swap: fc.boolean(),
  })
  .map(({ windows: [freshUntil = 0, b = 0, c = 0], swap, ...rest }) => ({
    ...rest,
    freshUntil,
    staleUntil: swap ? b : c,
    fallbackUntil: swap ? c : b,
  }));

describe('the envelope', () => {
  it('writes one readable line, then the body', () => {
    expect(envelope.pack(ENTRY)).toBe(
      'Q1T|4130232211|1767225600000|1767225600000007,1767225600000003|json|30000|90000|60000|12|=account:12,entries|' +
        '=tenant:42/segment:entries/page=1&size=20\n{"id":7,"name":"Zoë"}',
    );
  });

  it('reads every entry from text, from the bytes of the text, and from bytes', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const packed = envelope.pack(entry);
        expect(typeof packed).toBe(typeof entry.body === 'string' ? 'string' : 'object');
        assert.deepEqual(envelope.unpack(packed), entry);
        const bytes = new Uint8Array(Buffer.from(packed));
        if (Buffer.from(bytes).toString('utf8') === packed || typeof packed !== 'string')
          assert.deepEqual(envelope.unpack(bytes), entry);
      }),
      { numRuns: 1_000 },
    );
  });

  it('writes its header as one line of ASCII, whatever key and tags contain', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const header = String(envelope.pack({ ...entry, body: '' }));
        expect(header).toMatch(/^[ -~]*\n$/);
        expect(header.split('|').length).toBeGreaterThanOrEqual(11);
      }),
    );
  });

  it('distinguishes two fills of a key within its first 128 characters', () => {
    const head = (change: Partial<Entry>): string =>
      String(envelope.pack({ ...ENTRY, ...change })).slice(0, 128);
    const heads = [
      head({}),
      head({ createdAt: AT + 1 }),
      head({ startTicks: [AT * 1_000 + 8, AT * 1_000 + 3] }),
      head({ body: '{"id":8}' }),
    ];
    expect(new Set(heads).size).toBe(heads.length);
    expect(head({}).indexOf('|json|')).toBeLessThan(70);
  });

  const payloads: readonly (readonly [string, Uint8Array])[] = [
    ['text', Buffer.from(envelope.pack(ENTRY))],
    [
      'bytes',
      Buffer.from(envelope.pack({ ...ENTRY, codec: 'cbor', body: Buffer.from('a16161', 'hex') })),
    ],
  ];

  it.each(payloads)(
    'rejects 10,000 random bit flips in a payload of %s, as bytes and as text',
    (_, payload) => {
      fc.assert(
        fc.property(fc.nat(payload.length * 8 - 1), (bit) => {
          const flipped = Buffer.from(payload);
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          assert.throws(() => envelope.unpack(flipped), CodecError);
          assert.throws(() => envelope.unpack(flipped.toString('utf8')), CodecError);
        }),
        { numRuns: 10_000 },
      );
    },
  );

  it.each(payloads)('rejects a payload of %s that is cut anywhere or extended', (_, payload) => {
    for (let length = 0; length < payload.length; length++) {
      expect(() => envelope.unpack(payload.subarray(0, length))).toThrow(CodecError);
      expect(() =>
        envelope.unpack(Buffer.from(payload.subarray(0, length)).toString('utf8')),
      ).toThrow(CodecError);
    }
    expect(() => envelope.unpack(Buffer.concat([payload, Buffer.from([0])]))).toThrow(CodecError);
  });

  it('rejects anything else that is stored under its key', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array(), fc.json()),
        (payload) => {
          expect(() => envelope.unpack(payload)).toThrow(CodecError);
        },
      ),
    );
  });

  it('rejects a later version and names it', () => {
    expect(() => envelope.unpack('Q2T|1|2|3\nx')).toThrow(
      /format version 2, this process reads version 1/,
    );
    expect(() => envelope.unpack(Buffer.from('Q9B|'))).toThrow(/format version 9/);
  });

  it('rejects bytes that were read as text and names the problem', () => {
    expect(() => envelope.unpack('Q1B|0000000000|x\ny')).toThrow(/read it as bytes/);
  });

  it.each([
    ['an endless number', { createdAt: Infinity }],
    ['a tick that is no number', { startTicks: [NaN] }],
    ['a codec id with a delimiter', { codec: 'a|b' }],
    ['a codec id that is too long', { codec: 'abcdefghi' }],
  ])('refuses to pack %s', (_, change) => {
    expect(() => envelope.pack({ ...ENTRY, ...change })).toThrow(CodecError);
  });

  it('rejects a malformed header even if its checksum matches', async () => {
    const { crc32 } = await import('node:zlib');
    const valid = String(envelope.pack(ENTRY)).slice(15);
    const forge = (rest: string): string => `Q1T|${String(crc32(rest)).padStart(10, '0')}|${rest}`;
    expect(envelope.unpack(forge(valid))).toStrictEqual(ENTRY);
    const header = valid.slice(0, valid.indexOf('\n'));
    const fields = header.split('|');
    const broken = fields.flatMap((field, i) =>
      ['', 'x', '~', '~x', '~Infinity', '~1e999', '-1', '9'.repeat(30), 'JSON', '~[1', '~[1]', '?']
        .filter((bad) => bad !== field)
        .filter((bad) => !(bad === '' && (i === 1 || i === 7)) && !(bad === 'x' && i === 2))
        .filter((bad) => !(i === 2 && bad === 'json'))
        .map((bad) => fields.with(i, bad).join('|')),
    );
    for (const bad of [...broken, fields.slice(0, 8).join('|'), '', '|', '1|1']) {
      expect(() => envelope.unpack(forge(`${bad}\nbody`)), bad).toThrow(CodecError);
      expect(() => envelope.unpack(Buffer.from(forge(`${bad}\nbody`))), bad).toThrow(CodecError);
    }
    expect(() => envelope.unpack(forge(header))).toThrow(CodecError);
    expect(() => envelope.unpack(forge(valid.replace('|30000|90000|', '|30000|10000|')))).toThrow(
      /its windows/,
    );
    expect(() => envelope.unpack(forge(valid.replace('|90000|60000|', '|90000|20000|')))).toThrow(
      /its windows/,
    );
  });
});
