const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = 'mon|tue|wed|thu|fri|sat|sun';
const LONG_DAYS = 'monday|tuesday|wednesday|thursday|friday|saturday|sunday';
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)';

const IMF_FIXDATE = new RegExp(`^(?:${DAYS}), (\\d\\d) ([a-z]{3}) (\\d{4}) ${TIME} gmt$`);
const RFC_850 = new RegExp(`^(?:${LONG_DAYS}), (\\d\\d)-([a-z]{3})-(\\d\\d) ${TIME} gmt$`);
const ASCTIME = new RegExp(`^(?:${DAYS}) ([a-z]{3}) ([ \\d]\\d) ${TIME} (\\d{4})$`);

/**
 * Parses the three forms of RFC 9110 section 5.6.7, in any case, and nothing else.
 * @param now a two-digit year is the one at most 50 years ahead of this time
 * @returns milliseconds since the epoch, or undefined for anything else
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const given = text.trim().toLowerCase();
  const fixed = IMF_FIXDATE.exec(given);
  if (fixed !== null) return utcTime(fixed[3], fixed[2], fixed[1], fixed.slice(4));
  const rfc850 = RFC_850.exec(given);
  if (rfc850 !== null)
    return utcTime(fullYear(Number(rfc850[3]), now), rfc850[2], rfc850[1], rfc850.slice(4));
  const asctime = ASCTIME.exec(given);
  if (asctime !== null) return utcTime(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6));
  return undefined;
}

function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = Math.floor(thisYear / 100) * 100 + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function utcTime(
  year: string | number | undefined,
  month: string | undefined,
  day: string | undefined,
  time: string[],
): number | undefined {
  const monthIndex = MONTHS.indexOf(month ?? '');
  const [hours, minutes, seconds] = time.map(Number);
  if (monthIndex === -1 || hours === undefined || minutes === undefined || seconds === undefined)
    return undefined;
  // 60 is a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const at = new Date(Date.UTC(Number(year), monthIndex, Number(day), hours, minutes, seconds));
  return at.getUTCDate() === Number(day) || seconds === 60 ? at.getTime() : undefined;
}
