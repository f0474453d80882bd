import type { Clock } from '../../ports/clock.js';
import * as is from '../../ports/option-checks.js';
import {
  type Check,
  type Checks,
  formatValue,
  parseOptions,
  wrongOption,
} from '../../ports/validate.js';

export interface MemoryBackendOptions {
  /**
   * How many entries are stored; the least recently used are evicted first.
   * 1 to 10,000,000. Default 10,000.
   */
  readonly maxEntries?: number;
  /** Bound of their estimated size: bytes as a number, at least 1, or `'64mb'`. Default 64 MiB. */
  readonly maxBytes?: number | `${number}${'kb' | 'mb' | 'gb'}`;
  /**
   * `'copy'`: every reader gets a copy of its own. `'freeze'`: all readers share one deeply frozen
   * value, which is fastest. Default 'copy'.
   */
  readonly isolation?: 'copy' | 'freeze';
  /** For `get` and `set` without a cache; a cache brings its own. Default: real time. */
  readonly clock?: Pick<Clock, 'now'>;
}

export interface MemorySettings {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly isolation: 'copy' | 'freeze';
  readonly clock: Pick<Clock, 'now'>;
}

const CHECKS = {
  maxEntries: is.wholeNumber(1, 10_000_000),
  maxBytes: bytes(),
  isolation: is.oneOf('copy', 'freeze'),
  clock: is.objectWith<Pick<Clock, 'now'>>('an object with the method now()', 'now'),
} satisfies Checks<MemoryBackendOptions>;

/** @throws CacheConfigError (`CACHE_CONFIG`) */
export function memorySettings(options: MemoryBackendOptions): MemorySettings {
  const given = parseOptions(options, CHECKS, {
    what: 'The options of MemoryBackend',
    owner: 'MemoryBackend',
    example: "{ maxBytes: '64mb' }",
  });
  return Object.freeze({
    maxEntries: given.maxEntries ?? 10_000,
    maxBytes: given.maxBytes ?? 64 * UNITS.mb,
    isolation: given.isolation ?? 'copy',
    clock: given.clock ?? { now: () => Date.now() },
  });
}

const UNITS = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const;
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?)(kb|mb|gb)$/;

function bytes(): Check<number> {
  return (given, name) => {
    const size = typeof given === 'string' ? parseSize(given) : given;
    if (Number.isSafeInteger(size) && (size as number) >= 1) return size as number;
    const expected = "bytes as a whole number, or a string such as '512kb', '64mb' or '1gb'";
    throw wrongOption(name, expected, formatValue(given));
  };
}

function parseSize(text: string): number {
  const match = SIZE.exec(text);
  return match === null
    ? NaN
    : Math.floor(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
}
