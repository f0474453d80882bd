import { BadRequestException } from '@nestjs/common';
import type { NewEntry } from '../commands/insert-entries.js';

/**
 * `{ "account": "1001", "amountCents": "12500", "memo": "Rent", "bookedAt": "2026-01-15T12:00:00Z" }`;
 * the last two are optional.
 */
export function readNewEntry(body: unknown): NewEntry {
  const { account, amountCents, memo = '', bookedAt } = record(body);
  if (typeof account !== 'string')
    throw new BadRequestException('account must be the number of an account, as text.');
  if (typeof memo !== 'string') throw new BadRequestException('memo must be text.');
  const entry = { account, amountCents: readCents(amountCents), memo };
  return bookedAt === undefined ? entry : { ...entry, bookedAt: readDate(bookedAt) };
}

export function readNewEntries(body: unknown): NewEntry[] {
  if (!Array.isArray(body) || body.length === 0 || body.length > 1000)
    throw new BadRequestException('Expected a list of 1 to 1000 entries.');
  return body.map(readNewEntry);
}

/** `{ "name": "Petty cash" }` */
export function readAccountName(body: unknown): string {
  const { name } = record(body);
  if (typeof name !== 'string' || name === '') throw new BadRequestException('name must be text.');
  return name;
}

function record(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequestException('Expected a JSON object.');
  return { ...body };
}

/** As text, because a JSON number is not exact above 2^53. */
function readCents(value: unknown): bigint {
  if (typeof value === 'string' && /^-?[1-9]\d{0,17}$/.test(value)) return BigInt(value);
  throw new BadRequestException('amountCents must be a whole number other than 0, as text.');
}

function readDate(value: unknown): Date {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new BadRequestException('bookedAt must be a date such as 2026-01-15T12:00:00Z.');
  return date;
}
