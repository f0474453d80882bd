import { describe, expect, it } from 'vitest';
import { weakEtag } from '../../lib/http/etag.js';

describe('weakEtag', () => {
  it('makes the same weak tag for the same body', () => {
    expect(weakEtag('a')).toMatch(/^W\/"[\w-]{22}"$/);
    expect(weakEtag('a')).toBe(weakEtag(new TextEncoder().encode('a')));
    expect(weakEtag('a')).not.toBe(weakEtag('b'));
  });
});
