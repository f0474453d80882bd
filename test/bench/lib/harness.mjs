// Measuring on a machine that others use too. Two contenders are compared in a duel: short slices
// in turn (A B, B A, A B, ...), one ratio per pair of slices. What is reported is the median of the
// ratios and their middle half, so a busy moment spoils one pair and not the result.

const PAIRS = Number(process.env.PAIRS ?? 15);
const SLICE_MS = Number(process.env.SLICE_MS ?? 60);
const WARM_MS = Number(process.env.WARM_MS ?? 400);
const RANKING_ROUNDS = 3;

/** A function body of its own per contender: what V8 learns at one call site serves no other. */
const compile = (head, body) => new Function(`return ${head} (f, n) { ${body} }`)();

/** One call after the other, each awaited. */
export const oneByOne = () =>
  compile('async function', 'let x; for (let i = 0; i < n; i++) x = await f(i); return x;');
export const synchronous = () =>
  compile('function', 'let x; for (let i = 0; i < n; i++) x = f(i); return x;');
/** So many callers side by side, each with one call after the other. */
export const callers = (count) =>
  compile(
    'async function',
    `let i = 0;
     const caller = async () => { while (i < n) await f(i++); };
     const all = [];
     for (let k = 0; k < ${count}; k++) all.push(caller());
     await Promise.all(all);`,
  );

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values) => quantile(values, 0.5);

/** The middle value and the middle half, of ratios or of anything else. */
export const summary = (values) => ({
  value: median(values),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
});

const processorMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};

async function slice(each) {
  const [real, processor] = [performance.now(), processorMs()];
  await each.loop(each.fn, each.n);
  return {
    real: each.n / (performance.now() - real),
    processor: each.n / Math.max(processorMs() - processor, 0.001),
  };
}

/** Runs it until V8 has compiled it, and finds how many calls fill a slice. */
async function warm(each, clock, sliceMs, warmMs) {
  each.n = each.startN ?? 64;
  each.rates = [];
  for (let warmed = 0; warmed < warmMs;) {
    const before = each.n;
    const rates = await slice(each);
    warmed += Math.max(before / rates.real, 1);
    const wanted = Math.round(rates[clock] * sliceMs);
    each.n = Math.max(each.startN ?? 1, Math.min(wanted, before * 8), 1);
  }
}

/** One slice of a contender that is alone in its process: calls per millisecond, by both clocks. */
export async function sample(each, { clock = 'real', sliceMs = SLICE_MS, warmMs = WARM_MS } = {}) {
  if (each.n === undefined) await warm(each, clock, sliceMs, warmMs);
  return slice(each);
}

/**
 * @param cases `{ name, loop, fn, startN? }`, each a contender doing the same work
 * @param clock 'processor' where nothing is waited for, 'real' where Redis or a socket is
 * @returns `ratio(name, to)` runs a duel; `best(names)` and `perSecond(name)` come from the ranking
 */
export async function compare(
  title,
  cases,
  { clock = 'processor', pairs = PAIRS, sliceMs = SLICE_MS, warmMs = WARM_MS } = {},
) {
  const find = (name) => {
    const found = cases.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${title}: no contender is called ${name}`);
    return found;
  };
  console.error(`  ${title}`);
  for (const each of cases) await warm(each, clock, sliceMs, warmMs);
  for (let round = 0; round < RANKING_ROUNDS && cases.length > 2; round++)
    for (let k = 0; k < cases.length; k++) {
      const each = cases[(k + round * 3) % cases.length];
      each.rates.push((await slice(each))[clock] * 1e3);
    }
  for (const each of [...cases].sort((a, b) => rateOf(b) - rateOf(a)))
    if (each.rates.length > 0)
      console.error(`    ${short(rateOf(each)).padStart(6)}/s ${each.name}`);

  return {
    best: (names) =>
      names
        .filter((name) => cases.some((each) => each.name === name))
        .sort((a, b) => rateOf(find(b)) - rateOf(find(a)))[0],
    perSecond: (name) => rateOf(find(name)),
    async ratio(name, to, by = clock) {
      const [one, other] = [find(name), find(to)];
      globalThis.gc?.();
      // A forced collection discards compiled code as well: warm both again.
      for (const each of [one, other, one, other]) await slice(each);
      const ratios = [];
      for (let pair = 0; pair < pairs; pair++) {
        const [first, second] = pair % 2 === 0 ? [one, other] : [other, one];
        const results = new Map([[first, await slice(first)]]);
        results.set(second, await slice(second));
        for (const each of [one, other]) each.rates.push(results.get(each)[clock] * 1e3);
        ratios.push(results.get(one)[by] / results.get(other)[by]);
      }
      const result = summary(ratios);
      console.error(
        `    ${result.value.toFixed(2)}x (${result.low.toFixed(2)} to ${result.high.toFixed(2)}) ` +
          `${name} over ${to}, ${by} time`,
      );
      return result;
    },
  };
}

const rateOf = ({ rates }) => (rates.length === 0 ? 0 : median(rates));

export function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)}k`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(1)}k`;
  return value.toPrecision(3);
}

/** The files whose names do not begin with the name of the contender. */
const FILES = { ours: 'nest-query-cache', 'lru-cache': '00-limits', 'node-redis': '00-limits' };

/** The contenders by these names; only their libraries are loaded. */
export async function contenders(tier, names) {
  const folder = new URL('../contenders/', import.meta.url);
  const files = names.map((name) => {
    const [library] = name.split(/,? /);
    return FILES[library] ?? library;
  });
  const all = await Promise.all(
    [...new Set(files)].sort().map((file) => import(new URL(`${file}.mjs`, folder))),
  );
  return all
    .flatMap((module) => module.contenders)
    .filter(({ name, tiers }) => tiers.includes(tier) && names.includes(name));
}
