/** `CHAOS=long` makes the runs of `npm run test:soak`; `CHAOS_SEED` repeats a run's choices. */
const LONG = process.env.CHAOS === 'long';

export const SEED = Number(process.env.CHAOS_SEED ?? String(Date.now() % 1_000_000));

export function scaled(short: number, long: number): number {
  return LONG ? long : short;
}

/** Figures go to the output of the tests, each with what repeats it. */
export function figure(what: string, values: Readonly<Record<string, number | string>>): void {
  const shown = Object.entries(values).map(
    ([name, value]) =>
      `${name} ${typeof value === 'number' ? String(Math.round(value * 100) / 100) : value}`,
  );
  process.stdout.write(`  figure: ${what}: ${shown.join(', ')} [CHAOS_SEED=${String(SEED)}]\n`);
}

export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted.length === 0
    ? 0
    : (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number);
}
