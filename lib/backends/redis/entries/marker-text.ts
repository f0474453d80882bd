import type { Tick } from '../../../ports/entry.js';
import type { Marker, MarkerCombination } from '../../../ports/shared-backend.js';

/*
 * How a marker is written in Redis. First line: `HARD` alone (the common case), or `HARD SOFT SETTLE_UNTIL`. Each further line is a
 * combination: `HARD SOFT GROUP GROUP...`. All numbers are whole and decimal. The scripts in lua.ts read and write the same format.
 */

const NONE: readonly MarkerCombination[] = Object.freeze([]);
const PLAIN = /^\d{1,16}$/;
const HEAD = /^(\d{1,16}) (\d{1,16}) (\d{1,16})$/;
const COMBINATION = /^(\d{1,16}) (\d{1,16})((?: [^ ]+)+)$/;

/** Undefined when there is no marker, or none that can be read: both make entries miss. */
export function parseMarker(text: string | undefined): Marker | undefined {
  if (text === undefined) return undefined;
  if (PLAIN.test(text)) {
    const hard = Number(text);
    return Number.isSafeInteger(hard)
      ? { hard, soft: hard, settleUntil: 0, combinations: NONE }
      : undefined;
  }
  return parseLong(text);
}

function parseLong(text: string): Marker | undefined {
  const [first = '', ...rest] = text.split('\n');
  const head = PLAIN.test(first) ? [first, first, first, '0'] : HEAD.exec(first);
  if (head === null) return undefined;
  const [hard, soft, settleUntil] = [Number(head[1]), Number(head[2]), Number(head[3])];
  if (![hard, soft, settleUntil].every(Number.isSafeInteger) || soft < hard) return undefined;
  const combinations: MarkerCombination[] = [];
  for (const line of rest) {
    const combination = parseCombination(line);
    if (combination === undefined) return undefined;
    combinations.push(combination);
  }
  return { hard, soft, settleUntil, combinations };
}

function parseCombination(line: string): MarkerCombination | undefined {
  const match = COMBINATION.exec(line);
  if (match === null) return undefined;
  const [hard, soft] = [Number(match[1]), Number(match[2])];
  if (!Number.isSafeInteger(hard) || !Number.isSafeInteger(soft) || soft < hard) return undefined;
  return { hard, soft, groups: (match[3] ?? '').slice(1).split(' ') };
}

/** A tick as the scripts write it; undefined when there is none, or none that can be read. */
export function parseTick(text: string | undefined): Tick | undefined {
  if (text === undefined || !PLAIN.test(text)) return undefined;
  const tick = Number(text);
  return Number.isSafeInteger(tick) ? tick : undefined;
}
