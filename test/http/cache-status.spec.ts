import { describe, expect, it } from 'vitest';
import { formatCacheStatus } from '../../lib/http/cache-status.js';

describe('formatCacheStatus', () => {
  it('formats Cache-Status as RFC 9211 specifies', () => {
    expect(formatCacheStatus({ hit: true, ttl: 12.9 })).toBe('nest-query-cache; hit; ttl=12');
    expect(formatCacheStatus({ hit: true, ttl: -1.5, detail: 'stale' })).toBe(
      'nest-query-cache; hit; ttl=-2; detail=stale',
    );
    expect(formatCacheStatus({ hit: false, fwd: 'uri-miss', stored: true, collapsed: true })).toBe(
      'nest-query-cache; fwd=uri-miss; stored; collapsed',
    );
    expect(formatCacheStatus({ hit: false, fwd: 'bypass', detail: 'say "why"\n\\' })).toBe(
      'nest-query-cache; fwd=bypass; detail="say \\"why\\"?\\\\"',
    );
  });
});
