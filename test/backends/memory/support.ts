import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import type { MemoryBackendOptions } from '../../../lib/backends/memory/options.js';
import type { BackendProblem } from '../../../lib/ports/backend.js';
import type { Entry } from '../../../lib/ports/entry.js';
import type { MemoryEntry } from '../../../lib/ports/shared-backend.js';
import { FakeClock } from '../../../lib/testing.js';

/** The entry is expected by identity, so that only its key and body matter. */
export function entryOf(
  key: string,
  body: Entry['body'] = `"${key}"`,
  tags: readonly string[] = [],
): Entry {
  return {
    key,
    codec: 'json',
    body,
    createdAt: 0,
    freshUntil: 0,
    staleUntil: 0,
    fallbackUntil: 0,
    cost: 0,
    startTicks: [1],
    tags,
  };
}

export function nearOf(key: string, body?: Entry['body']): MemoryEntry {
  return { entry: entryOf(key, body), frozen: undefined };
}

export function setUp(options: MemoryBackendOptions = {}) {
  const clock = new FakeClock();
  const backend = new MemoryBackend({ clock, ...options });
  const problems: BackendProblem[] = [];
  const open = (namespace = 'n') =>
    backend.openMemory({ namespace, clock, report: (problem) => void problems.push(problem) });
  const { store, near } = open();
  const later = (ms = 600_000) => clock.now() + ms;
  return { backend, clock, problems, open, store, near, later };
}

export const read = (key: string) => ({ key, scopes: [], withLease: false, text: true });
export const acquire = (key: string, lease: string) => ({
  key,
  lease,
  leaseMs: 1_000,
  seen: undefined,
  dead: undefined,
  text: true,
});
