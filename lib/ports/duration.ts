import { formatValue, wrongOption } from './validate.js';

/** Milliseconds as a number, or a string of digits and a unit, as in `'500ms'`, `'30s'`, `'5m'`. */
export type Duration = number | DurationText;
export type DurationText = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const TEXT = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)$/;

/** The longest duration accepted: 10,000 days. Larger values are nearly always a wrong unit. */
export const MAX_DURATION_MS = 10_000 * 86_400_000;

const EXPECTED =
  `a duration: milliseconds as a number from 0 to ${String(MAX_DURATION_MS)}, ` +
  "or a string such as '500ms', '30s', '5m', '2h' or '1d'";

/**
 * @param name how the error message calls the option
 * @returns whole milliseconds, 0 to `MAX_DURATION_MS`; rounded up, so that a positive duration
 * never becomes 0
 * @throws CacheConfigError (`CACHE_CONFIG`) for anything else
 */
export function toMilliseconds(given: Duration, name: string): number {
  const ms = typeof given === 'number' ? given : parse(given);
  if (!(ms >= 0 && ms <= MAX_DURATION_MS)) throw wrongOption(name, EXPECTED, formatValue(given));
  return Math.ceil(ms);
}

function parse(given: unknown): number {
  const match = typeof given === 'string' ? TEXT.exec(given) : null;
  return match === null ? NaN : Number(match[1]) * (UNITS[match[2] ?? ''] ?? NaN);
}
