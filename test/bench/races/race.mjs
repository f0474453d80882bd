// Every library in every set-up through the same scenarios; each cell of the tables is measured.
import { startRedis } from '../lib/redis.mjs';
import { PENDING, sleep, within } from '../lib/within.mjs';
import { Actor } from './actor.mjs';
import { Database } from './database.mjs';
import { versionOf } from '../lib/versions.mjs';
import { libraries } from './libraries.mjs';
import { faults, herd, oneProcess, twoProcesses } from './scenarios.mjs';

const ROUNDS = 5;

export async function race({ only, say }) {
  const wanted = libraries.filter(({ name }) => only === undefined || only.includes(name));
  const redis = await startRedis();
  const rows = [];
  try {
    for (const library of wanted) {
      for (const setup of library.setups) {
        const start = performance.now();
        rows.push({
          library,
          setup,
          versions: library.packages.map((name) => `${name} ${versionOf(name)}`),
          ...(await run(library, setup, redis)),
        });
        say(`${library.name}, ${setup.name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
      }
    }
  } finally {
    await redis.stop();
  }
  return { rows, redis: redis.version, node: process.versions.node, rounds: ROUNDS };
}

async function run(library, setup, redis) {
  const database = new Database();
  let opened = 0;
  const prefix = `${library.name.replaceAll('-', '')}${library.setups.indexOf(setup)}`;
  const open = async (actor, options) => {
    const given = setup.shared
      ? { redis: { host: redis.host, port: redis.port, url: redis.url } }
      : {};
    // Processes of one race share the prefix; each race has its own.
    const methods = await within(
      5_000,
      actor.ask('open', { ...given, prefix: `${prefix}r${actor.race ?? opened++}`, ...options }),
    );
    if (methods === PENDING || !Array.isArray(methods))
      throw new Error(`${library.name}, ${setup.name} did not open.`);
    // Connections and subscriptions come up.
    await sleep(setup.shared ? 250 : 10);
    await within(2_000, actor.read(`ready${opened++}`, options.tagged ? ['ready'] : undefined));
    return methods;
  };
  const actors = await Promise.all(
    Array.from({ length: 4 }, () => Actor.start(library, setup, database)),
  );
  const results = {};
  try {
    await redis.clear();
    results.one = await oneProcess(actors[0], { database, open, can: setup.can, rounds: ROUNDS });
    for (const actor of actors) actor.race = 'fleet';
    if (setup.shared) results.two = await twoProcesses(actors, { database, open, rounds: ROUNDS });
    for (const actor of actors) actor.race = 'herd';
    results.herd = await herd(actors, { database, open, shared: setup.shared });
  } finally {
    await Promise.all(actors.map((actor) => actor.stop()));
  }
  if (setup.shared) {
    for (const limited of setup.canLimit ? [false, true] : [false]) {
      const actor = await Actor.start(library, setup, database);
      try {
        results[limited ? 'limitedFaults' : 'faults'] = await faults(actor, {
          open,
          redis,
          limited,
        });
      } finally {
        redis.thaw();
        await actor.stop();
        await redis.restart();
      }
    }
  }
  return results;
}
