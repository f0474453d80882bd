import type { Clock } from '../../ports/clock.js';
import { CacheConfigError } from '../../ports/errors.js';
import { assertOptions, formatValue } from '../../ports/validate.js';

export interface MemoryBackendOptions {
  /** How many entries are kept; the least recently used go first. 1 to 10,000,000. Default 10,000. */
  readonly maxEntries?: number;
  /** How much they may take together, by estimate: bytes as a number or `'64mb'`. Default 64 MiB. */
  readonly maxBytes?: number | `${number}${'kb' | 'mb' | 'gb'}`;
  /** 'copy': every reader gets its own copy. 'freeze': all share one deeply frozen value, the fastest. Default 'copy'. */
  readonly isolation?: 'copy' | 'freeze';
  /** For `get` and `set` without a cache. Default real time; a cache brings its own. */
  readonly clock?: Pick<Clock, 'now'>;
}

export interface MemorySettings {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly isolation: 'copy' | 'freeze';
  readonly clock: Pick<Clock, 'now'>;
}

const UNITS: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?)(kb|mb|gb)$/;
const MOST_ENTRIES = 10_000_000;
const NAMES: ReadonlySet<string> = new Set([
  'maxEntries',
  'maxBytes',
  'isolation',
  'clock',
] satisfies (keyof MemoryBackendOptions)[]);

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function memorySettings(options: MemoryBackendOptions): MemorySettings {
  assertOptions(
    options,
    'The options of MemoryBackend',
    "{ maxBytes: '64mb' }",
    NAMES,
    'MemoryBackend',
  );
  const {
    maxEntries = 10_000,
    maxBytes = '64mb',
    isolation = 'copy',
    clock = { now: () => Date.now() },
  } = options;
  if (!Number.isInteger(maxEntries) || maxEntries < 1 || maxEntries > MOST_ENTRIES) {
    throw new CacheConfigError(
      `maxEntries must be a whole number from 1 to ${String(MOST_ENTRIES)}; got ${formatValue(maxEntries)}.`,
    );
  }
  const bytes = typeof maxBytes === 'string' ? fromText(maxBytes) : maxBytes;
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new CacheConfigError(
      `maxBytes must be bytes as a whole number, or a text such as '512kb', '64mb' or '1gb'; got ${formatValue(maxBytes)}.`,
    );
  }
  if (!['copy', 'freeze'].includes(isolation))
    throw new CacheConfigError(
      `isolation must be 'copy' or 'freeze'; got ${formatValue(isolation)}.`,
    );
  if (typeof (clock as Partial<Clock> | null)?.now !== 'function')
    throw new CacheConfigError(
      `clock must be an object with the method now(); got ${formatValue(clock)}.`,
    );
  return Object.freeze({ maxEntries, maxBytes: bytes, isolation, clock });
}

function fromText(text: string): number {
  const match = SIZE.exec(text);
  return match === null ? NaN : Math.floor(Number(match[1]) * (UNITS[match[2] ?? ''] ?? NaN));
}
