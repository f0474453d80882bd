// One contender alone in a process, told by the parent what to do: `worker.mjs <JSON>`
import { callers, contenders, sample } from '../lib/harness.mjs';
import { freshSmall } from '../lib/payloads.mjs';
import { sleep } from '../lib/within.mjs';

const { name, tier, tags, redis, prefix, maxEntries } = JSON.parse(process.argv[2]);
let productions = 0;
let producerMs = 0;
const produce = async () => {
  productions++;
  if (producerMs > 0) await sleep(producerMs);
  return freshSmall();
};
const [contender] = await contenders(tier, [name]);
const given = { tier, redis, prefix, maxEntries, produce };
const cache = await contender.create({
  ...given,
  tags: tags === 0 ? undefined : Array.from({ length: tags }, (_, i) => `tag-${String(i)}`),
});
const key = (i) => `key:${String(i)}`;
const cases = new Map();
let nextMiss = 0;

function caseOf({ kind, count, keys }) {
  const id = `${kind} ${String(count)} ${String(keys)}`;
  const fn =
    kind === 'hit'
      ? (i) => cache.getOrSet(key(i % keys))
      : () => cache.getOrSet(`miss:${String(nextMiss++)}`);
  if (!cases.has(id)) cases.set(id, { loop: callers(count), fn, startN: count });
  return cases.get(id);
}

const operations = {
  async fill({ keys }) {
    await callers(200)((i) => cache.getOrSet(key(i)), keys);
  },
  async measure({ kind, count, keys, clock, sliceMs }) {
    const before = productions;
    const result = await sample(caseOf({ kind, count, keys }), { clock, sliceMs });
    if (kind === 'hit' && productions > before) throw new Error(`${name} missed`);
    return result;
  },
  async stampede({ cold, count, ms }) {
    productions = 0;
    producerMs = ms;
    await Promise.all(Array.from({ length: count }, () => cache.getOrSet(cold)));
    producerMs = 0;
    return productions;
  },
};

process.on('message', async ({ id, operation, options }) => {
  const answer = await operations[operation](options).then(
    (result) => ({ id, result }),
    (error) => ({ id, problem: String(error?.stack ?? error) }),
  );
  process.send(answer);
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
