import { describe, expect, it } from 'vitest';
import { MarkerLifetimes } from '../../../lib/core/read/marker-lifetimes.js';

const DAY = 24 * 3_600_000;

const scopes = (...groups: string[]) => [{ scope: 'x', groups }];

describe('the lifetimes of markers', () => {
  it('are those of the entry for a tag that is new, and half as much again later', () => {
    const markers = new MarkerLifetimes();
    const groups = scopes('*', 't:a');
    expect(markers.keepMs(groups, 3_000, 1_000)).toBe(2_000);
    markers.remember(groups, 1_000, 2_000);
    expect(markers.keepMs(groups, 4_000, 2_000)).toBe(3_000);
    expect(markers.keepMs(groups, 5_002, 3_001)).toBe(2_001);
  });

  it('are a day at least for groups that nobody can make up', () => {
    const markers = new MarkerLifetimes();
    markers.remember(scopes('*', 's:entries', 't:a'), 0, 1_000);
    expect(markers.areAlive(scopes('*', 's:entries'), DAY)).toBe(true);
    expect(markers.areAlive(scopes('t:a'), 1_000)).toBe(true);
    expect(markers.areAlive(scopes('t:a'), 1_001)).toBe(false);
  });

  it('are known for the groups of a scope that were ensured, until they end', () => {
    const markers = new MarkerLifetimes();
    markers.remember(scopes('t:b', 't:a'), 0, 100);
    expect(markers.areAlive(scopes('t:b', 't:a'), 100)).toBe(true);
    expect(markers.areAlive(scopes('t:b'), 101)).toBe(false);
    expect(markers.areAlive(scopes('t:a', 't:c'), 50)).toBe(false);
    expect(markers.areAlive([{ scope: '', groups: ['t:a'] }], 50)).toBe(false);
  });

  it('are forgotten rather than remembered without end', () => {
    const markers = new MarkerLifetimes();
    for (let i = 0; i <= 10_001; i++) markers.remember(scopes(`t:${String(i)}`), 0, 100);
    expect(markers.areAlive(scopes('t:0'), 1)).toBe(false);
    expect(markers.areAlive(scopes('t:10001'), 1)).toBe(true);
  });
});
