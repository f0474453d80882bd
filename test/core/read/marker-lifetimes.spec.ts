import { describe, expect, it } from 'vitest';
import { MarkerLifetimes, MIN_MARKER_MS } from '../../../lib/core/read/marker-lifetimes.js';

const scopes = (...groups: string[]) => [{ scope: 'x', groups }];

describe('the lifetimes of markers', () => {
  it('are a day at least, and twice as long as the entry lives', () => {
    const markers = new MarkerLifetimes();
    expect(markers.keepMs(1_000, 0)).toBe(MIN_MARKER_MS);
    expect(markers.keepMs(2 * MIN_MARKER_MS, 0)).toBe(4 * MIN_MARKER_MS);
  });

  it('are known for the groups of a scope that were ensured, until they end', () => {
    const markers = new MarkerLifetimes();
    markers.remember(scopes('*', 't:a'), 100);
    expect(markers.areAlive(scopes('*', 't:a'), 100)).toBe(true);
    expect(markers.areAlive(scopes('*'), 101)).toBe(false);
    expect(markers.areAlive(scopes('*', 't:b'), 50)).toBe(false);
    expect(markers.areAlive([{ scope: '', groups: ['*'] }], 50)).toBe(false);
  });

  it('are forgotten rather than remembered without end', () => {
    const markers = new MarkerLifetimes();
    for (let i = 0; i <= 10_001; i++) markers.remember(scopes(`t:${String(i)}`), 100);
    expect(markers.areAlive(scopes('t:0'), 1)).toBe(false);
    expect(markers.areAlive(scopes('t:10001'), 1)).toBe(true);
  });
});
