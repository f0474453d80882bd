// Interleaved measuring: every round runs every contender once, in a rotated order. Ratios are taken inside a round, so that a slow moment
// of the machine meets all of them alike; what is reported is the median of the ratios.
import { readdirSync } from 'node:fs';

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const SLICE_MS = Number(process.env.SLICE_MS ?? 100);
let serial = 0;

// A function body of its own for each contender: what the engine learns at one call site does not help or harm another.
const made = (body) => new Function(`return async function loop${serial++}(f, n) { ${body} }`)();
export const oneByOne = () => made('let x; for (let i = 0; i < n; i++) x = await f(i); return x;');
export const synchronous = () =>
  new Function(
    `return function loop${serial++}(f, n) { let x; for (let i = 0; i < n; i++) x = f(i); return x; }`,
  )();
export const callers = (count) =>
  made(
    `let i = 0; const caller = async () => { while (i < n) await f(i++); }; const all = []; for (let k = 0; k < ${count}; k++) all.push(caller()); await Promise.all(all);`,
  );

// What happens in this process alone is measured in its own processor time, which neighbours on the machine do not change; what waits for others, in real time.
const CLOCKS = {
  processor: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  },
  real: () => performance.now(),
};

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param cases `{ name, loop, fn }` @returns a measurement: `perSecond(name)`, `ratio(name, to)` */
export async function measure(
  title,
  cases,
  { rounds = ROUNDS, sliceMs = SLICE_MS, clock = 'processor' } = {},
) {
  const now = CLOCKS[clock];
  for (const each of cases) {
    let n = each.startN ?? 100;
    for (let k = 0; k < 12; k++) {
      const start = now();
      await each.loop(each.fn, n);
      const took = now() - start;
      each.n = Math.max(1, Math.round((n * sliceMs) / Math.max(took, 0.01)));
      if (took > sliceMs * 0.5) break;
      n = Math.max(n + 1, Math.min(n * 8, each.n));
    }
    each.rates = [];
    // Warm before the first round counts.
    await each.loop(each.fn, each.n);
    const start = now();
    await each.loop(each.fn, each.n);
    each.n = Math.max(1, Math.round((each.n * sliceMs) / Math.max(now() - start, 0.01)));
  }
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < cases.length; k++) {
      const each = cases[(k + round * 3) % cases.length];
      globalThis.gc?.();
      // A forced collection makes the engine forget code as well; a service that runs is not in that state.
      await each.loop(each.fn, Math.ceil(each.n / 4));
      const start = now();
      await each.loop(each.fn, each.n);
      each.rates.push(each.n / ((now() - start) / 1e3));
    }
  }
  const find = (name) => cases.find((each) => each.name === name);
  const measured = {
    title,
    names: cases.map(({ name }) => name),
    perSecond: (name) => median(find(name).rates),
    ratio: (name, to) => median(find(name).rates.map((rate, i) => rate / find(to).rates[i])),
    best: (names) =>
      names.filter(find).sort((a, b) => median(find(b).rates) - median(find(a).rates))[0],
  };
  console.error(`\n${title} (${rounds} rounds, ${clock} time)`);
  const base = cases[0].name;
  for (const { name } of [...cases].sort((a, b) => median(b.rates) - median(a.rates)))
    console.error(
      `  ${short(measured.perSecond(name)).padStart(8)}/s  ${measured.ratio(name, base).toFixed(3).padStart(8)}x  ${name}`,
    );
  return measured;
}

export function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)}k`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(1)}k`;
  return value.toPrecision(3);
}

/** The contenders that have this tier. */
export async function contenders(filter) {
  const folder = new URL('../contenders/', import.meta.url);
  const all = await Promise.all(
    readdirSync(folder)
      .sort()
      .map((file) => import(new URL(file, folder))),
  );
  return all.flatMap((module) => module.contenders).filter(filter);
}
