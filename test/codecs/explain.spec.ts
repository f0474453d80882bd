import { describe, expect, it } from 'vitest';
import { cborCodec } from '../../lib/codecs/cbor.js';
import { envelope } from '../../lib/codecs/envelope.js';
import { jsonCodec } from '../../lib/codecs/json.js';
import { explainStored } from '../../lib/diagnostics.js';
import type { Entry } from '../../lib/ports/entry.js';

const HEAD: Omit<Entry, 'codec' | 'body'> = {
  key: 'tenant:42/segment:entries/page=1',
  createdAt: 1_000,
  freshUntil: 31_000,
  staleUntil: 31_000,
  fallbackUntil: 31_000,
  cost: 7,
  startTicks: [900_000, 950_000],
  tags: ['a'],
};
const VALUE = { id: 1, amount: 5n, at: new Date(0) };

describe('explainStored', () => {
  it('shows a CBOR entry in diagnostic notation', async () => {
    const stored = envelope.pack({ ...HEAD, codec: 'cbor', body: cborCodec.encode(VALUE) });
    const explained = await explainStored(stored);
    expect(explained).toMatchObject(HEAD);
    expect(explained.body).toContain('"id": 1');
    expect(explained.body).toContain('"at": 1(0)');
  });

  it('shows a JSON entry as it is stored, read as text or as bytes', async () => {
    const text = envelope.pack({ ...HEAD, codec: 'json', body: jsonCodec.text.encode({ id: 1 }) });
    expect((await explainStored(text)).body).toBe('{"id":1}');
    expect((await explainStored(new TextEncoder().encode(text as string))).body).toBe('{"id":1}');
  });

  it('shows another codec as hexadecimal digits', async () => {
    const stored = envelope.pack({ ...HEAD, codec: 'own', body: Uint8Array.of(1, 254) });
    expect((await explainStored(stored)).body).toBe('01fe');
  });

  it('rejects a payload that is not an entry', async () => {
    await expect(explainStored('something else')).rejects.toMatchObject({ code: 'CACHE_CODEC' });
  });
});
