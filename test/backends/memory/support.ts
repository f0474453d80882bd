import { MemoryBackend } from '../../../lib/backends/memory/memory-backend.js';
import type { MemoryBackendOptions } from '../../../lib/backends/memory/options.js';
import type { Entry } from '../../../lib/ports/entry.js';
import type { MemoryEntry } from '../../../lib/ports/memory-tier.js';
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

export function memoryEntryOf(key: string, body?: Entry['body']): MemoryEntry {
  return { entry: entryOf(key, body), frozen: undefined };
}

export function setUp(options: MemoryBackendOptions = {}) {
  const clock = new FakeClock();
  const backend = new MemoryBackend({ clock, ...options });
  const report = () => undefined;
  const open = (namespace = 'n') => backend.openMemory({ namespace, clock, report });
  const later = (ms = 600_000) => clock.now() + ms;
  return { backend, clock, open, tier: open(), later };
}
