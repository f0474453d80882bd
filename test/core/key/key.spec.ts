import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  CacheKey,
  MAX_STORAGE_KEY_BYTES,
  keyFromArguments,
  toCacheKey,
  storageKey,
} from '../../../lib/core/key/key.js';
import { CacheKeyError } from '../../../lib/ports/errors.js';

const entries = () => CacheKey.builder().tenant(42).segment('entries');

describe('CacheKey', () => {
  it('reads tenant, segment and parameters sorted by name', () => {
    const key = entries().param('size', 20).param('page', 1).build();
    expect(key.toString()).toBe('tenant:42/segment:entries/page=1&size=20');
    expect(key.text).toBe(key.toString());
    expect([key.tenant, key.segment]).toEqual(['42', 'entries']);
  });

  it('hashes to the first 8 bytes of SHA-256 over its text, big endian', () => {
    const key = entries().param('page', 1).param('size', 20).build();
    expect(key.hash()).toBe(
      createHash('sha256')
        .update(key.text)
        .digest()
        .readBigUInt64BE(0)
        .toString(16)
        .padStart(16, '0'),
    );
  });

  it('keeps ordinary identifiers readable', () => {
    const key = CacheKey.builder()
      .tenant('acme-corp')
      .segment('Entries.list')
      .param('id', '3f2a91c4-0d7e-4a7b-9d3c-1f2e3d4c5b6a')
      .build();
    expect(key.text).toBe(
      'tenant:acme-corp/segment:Entries.list/id=3f2a91c4-0d7e-4a7b-9d3c-1f2e3d4c5b6a',
    );
  });

  it('escapes delimiters, so that a tenant cannot forge another key', () => {
    expect(CacheKey.builder().tenant('42/segment:x').segment('y').build().text).toBe(
      'tenant:42%2Fsegment%3Ax/segment:y',
    );
    expect(CacheKey.builder().segment('a').param('p', '1&q=2').build().text).toBe(
      'segment:a/p=1%26q%3D2',
    );
    expect(CacheKey.builder().segment('é {*?[]\\} ~#').build().text).toBe(
      'segment:%C3%A9%20%7B%2A%3F%5B%5D%5C%7D%20%7E%23',
    );
  });

  it('takes a tenant as number, bigint or text for the same tenant', () => {
    expect(CacheKey.builder().tenant(42n).segment('entries').build().text).toBe(
      entries().build().text,
    );
    expect(CacheKey.builder().tenant('42').segment('entries').build().text).toBe(
      entries().build().text,
    );
  });

  it('leaves undefined parameters out and tells null from an empty string', () => {
    expect(entries().param('a', undefined).build().text).toBe(entries().build().text);
    expect(entries().param('a', null).build().text).toBe('tenant:42/segment:entries/a=null');
    expect(entries().param('a', '').build().text).toBe("tenant:42/segment:entries/a='");
  });

  it('takes many parameters at once', () => {
    expect(entries().params({ size: 20, page: 1, none: undefined }).build().text).toBe(
      'tenant:42/segment:entries/page=1&size=20',
    );
  });

  it('does not change after it was built', () => {
    const builder = entries();
    const key = builder.build();
    builder.param('page', 2);
    expect(key.text).toBe('tenant:42/segment:entries');
    expect(() => Object.assign(key, { text: 'x' })).toThrow(TypeError);
  });

  it.each([
    [
      'an empty tenant',
      () => CacheKey.builder().tenant(''),
      'tenant must be a non-empty string, a finite number or a bigint; got an empty string',
    ],
    [
      'a tenant that is NaN',
      () => CacheKey.builder().tenant(NaN),
      'tenant must be a non-empty string, a finite number or a bigint; got NaN',
    ],
    [
      'a missing tenant',
      () => CacheKey.builder().tenant(undefined as unknown as string),
      'tenant must be .*; got undefined',
    ],
    [
      'an object as tenant',
      () => CacheKey.builder().tenant({} as unknown as string),
      'tenant must be .*; got an instance of Object',
    ],
    [
      'an empty segment',
      () => CacheKey.builder().segment(''),
      'segment must be .*; got an empty string',
    ],
    ['two tenants', () => entries().tenant(43), 'tenant was given twice'],
    ['two segments', () => entries().segment('x'), 'segment was given twice'],
    [
      'a parameter given twice',
      () => entries().param('page', 1).param('page', 1),
      'param "page" was given twice',
    ],
    [
      'a parameter without a name',
      () => entries().param('', 1),
      'param name must be a non-empty string',
    ],
    ['no part at all', () => CacheKey.builder().build(), 'needs a segment or a param'],
    [
      'nothing but a tenant',
      () => CacheKey.builder().tenant(1).build(),
      'needs a segment or a param',
    ],
    [
      'a lone surrogate in a tenant',
      () => CacheKey.builder().tenant('a\ud800'),
      'tenant must be well-formed text',
    ],
    [
      'a lone surrogate in a parameter',
      () => entries().param('q', 'a\ud800'),
      'param "q" must be well-formed text',
    ],
    [
      'a lone surrogate in a name',
      () => entries().param('\udc00', 1),
      'a param name must be well-formed text',
    ],
  ])('refuses %s', (_title, make, message) => {
    expect(make).toThrow(CacheKeyError);
    expect(make).toThrow(new RegExp(message));
  });

  it('never shows the refused value in the error', () => {
    expect(() => entries().param('secret', Symbol('hunter2'))).toThrow(/^(?!.*hunter2)/);
  });
});

describe('keyOf', () => {
  it('makes one opaque segment of a plain string', () => {
    expect(toCacheKey('tenant:1/segment:x', undefined).text).toBe(
      'segment:tenant%3A1%2Fsegment%3Ax',
    );
    expect(toCacheKey('report', 42).text).toBe('tenant:42/segment:report');
  });

  it('puts a key that names no tenant into the given one, and leaves every other key alone', () => {
    const own = entries().build();
    expect(toCacheKey(own, 7)).toBe(own);
    const none = CacheKey.builder().segment('entries').param('page', 1).build();
    expect(toCacheKey(none, undefined)).toBe(none);
    expect(toCacheKey(none, 7).text).toBe('tenant:7/segment:entries/page=1');
  });

  it.each([
    ['nothing', undefined, 'got undefined'],
    ['an empty string', '', 'a key must be a CacheKey or a non-empty string; got an empty string'],
    ['a number', 5, 'got a number'],
    ['a builder', CacheKey.builder().segment('x'), 'Call build\\(\\) on it'],
  ])('refuses %s', (_title, like, message) => {
    expect(() => toCacheKey(like as string, undefined)).toThrow(CacheKeyError);
    expect(() => toCacheKey(like as string, undefined)).toThrow(new RegExp(message));
  });
});

describe('keyFromArguments', () => {
  it('names parameters by position and leaves undefined ones out', () => {
    expect(keyFromArguments('Entries.list', ['acme', undefined, 3]).text).toBe(
      'segment:Entries.list/0=acme&2=3',
    );
    expect(keyFromArguments('Entries.list', [], 42).text).toBe('tenant:42/segment:Entries.list');
  });

  it('is the key a builder makes of the same parts, also beyond ten arguments', () => {
    const args = Array.from({ length: 13 }, (_, i) => i * 100);
    const built = CacheKey.builder()
      .segment('m')
      .params(Object.fromEntries(args.entries()))
      .build();
    expect(keyFromArguments('m', args).text).toBe(built.text);
  });

  it('names the argument it cannot take, and what to do', () => {
    expect(() => keyFromArguments('m', [1, { filter: { by: () => 1 } }])).toThrow(
      /^argument "1.filter.by" is a function.*@CacheKey/,
    );
  });
});

describe('storageKey', () => {
  const long = (tenant: string, text: string) =>
    CacheKey.builder().tenant(tenant).segment('entries').param('q', text).build();

  it('is the text of a key of at most 512 bytes', () => {
    const key = long(
      '42',
      'x'.repeat(MAX_STORAGE_KEY_BYTES - 'tenant:42/segment:entries/q='.length),
    );
    expect(key.text).toHaveLength(MAX_STORAGE_KEY_BYTES);
    expect(storageKey(key)).toBe(key.text);
  });

  it('shortens a longer key to its head and 128 bits of SHA-256', () => {
    const key = long('42', 'x'.repeat(MAX_STORAGE_KEY_BYTES));
    expect(storageKey(key)).toHaveLength(MAX_STORAGE_KEY_BYTES);
    expect(storageKey(key)).toBe(
      `${key.text.slice(0, 479)}#${createHash('sha256').update(key.text).digest('hex').slice(0, 32)}`,
    );
    expect(storageKey(long('42', `${'x'.repeat(MAX_STORAGE_KEY_BYTES)}y`))).not.toBe(
      storageKey(key),
    );
  });

  it('keeps a tenant whole however long it is, so that the tenant can be swept', () => {
    const tenant = 't'.repeat(2_000);
    expect(storageKey(long(tenant, 'a'))).toMatch(new RegExp(`^tenant:${tenant}/#[0-9a-f]{32}$`));
    expect(storageKey(long(tenant, 'a'))).not.toBe(storageKey(long(tenant, 'b')));
  });
});
