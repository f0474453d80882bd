import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseCodecs, responseCodec } from '../../lib/http/response-codec.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { CodecError } from '../../lib/ports/errors.js';

const response = (body: unknown): object => ({
  kind: 'response',
  status: 200,
  headers: [['x-a', 'b c']],
  body,
  json: typeof body === 'string',
  storedAt: 1,
  initialAge: 0,
  freshMs: 60_000,
  staleMs: 0,
  fallbackMs: 0,
});

describe('the format of stored responses', () => {
  it('writes a line of JSON, followed by the body as it is sent', () => {
    expect(responseCodec.text.encode(response('{"a":"b"}\n2'))).toBe(
      '{"kind":"response","status":200,"headers":[["x-a","b c"]],"json":true,"storedAt":1,' +
        '"initialAge":0,"freshMs":60000,"staleMs":0,"fallbackMs":0}\n{"a":"b"}\n2',
    );
  });

  it('decodes every body that it has encoded', () => {
    const bodies = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        expect(responseCodec.text.decode(responseCodec.text.encode(response(body)))).toEqual(
          response(body),
        );
        expect(responseCodec.decode(responseCodec.encode(response(body)))).toEqual(response(body));
      }),
    );
    expect(
      responseCodec.text.decode(responseCodec.text.encode(response(undefined))),
    ).not.toHaveProperty('body');
  });

  it.each([
    1,
    'text',
    null,
    undefined,
    {},
    [],
    response(NaN),
    response(-0),
    response(new Uint8Array(2)),
    response({}),
  ])('refuses %j', (value) => {
    expect(() => responseCodec.text.encode(value)).toThrow(CodecError);
  });

  it.each(['', '1', 'null', '{}', '{"kind"', '\n{}', 'x\ny'])(
    'does not read %j as a response',
    (text) => {
      expect(() => responseCodec.text.decode(text)).toThrow();
    },
  );
});

describe('the codecs of responses', () => {
  it('gives every codec a separate id, even if the ids are long or would be taken', () => {
    const codecs = new ResponseCodecs();
    const ids = ['cbor', 'abcdefgh', 'abcdefgi', 'bcdefgh', 'ttp'].map(
      (id) => codecs.codecFor({ ...jsonCodec, id }).id,
    );
    expect(ids[0]).toBe('hcbor');
    expect(new Set([...ids, responseCodec.id]).size).toBe(6);
    for (const id of ids) expect(id).toMatch(/^h[a-z0-9]{1,7}$/);
  });
});
