import { PENDING, sleep, within } from '../lib/within.mjs';

const LIMIT = 3_000;
/** Far above what any of these libraries promises for telling other processes. */
const COHERENCE = 500;
const COLLEAGUES = 4;

const isOld = (answer, old) => answer !== PENDING && 'value' in answer && answer.value?.v === old;
const isAnswer = (answer) => answer !== PENDING && 'value' in answer;

const noRounds = () => ({ rounds: 0, bad: 0, note: '' });

/** How many of the rounds went wrong. */
async function tally(rounds, round) {
  const result = noRounds();
  for (let i = 0; i < rounds; i++) {
    const { bad, note } = await round(i);
    result.rounds++;
    if (bad) result.bad++;
    if (note) result.note = note;
  }
  return result;
}

/**
 * A load of version 1 is under way; the row becomes version 2; the invalidation is awaited; then a
 * read starts, either while the load is still running or after it has ended. Version 1 is wrong in
 * both.
 */
async function overtaken({
  database,
  key,
  tags,
  loader,
  readers,
  invalidate,
  while: whileRunning,
  wait = 30,
}) {
  database.set(key, 1);
  const gate = database.hold(key);
  const first = loader.read(key, tags);
  if ((await within(LIMIT, gate.started)) === PENDING) return { bad: false, note: 'no load' };
  database.set(key, 2);
  if ((await within(LIMIT, invalidate(key))) === PENDING)
    return { bad: false, note: 'the invalidation did not end' };
  let answers;
  if (whileRunning) {
    const asking = readers.map((reader) => reader.read(key, tags));
    await Promise.race([Promise.all(asking), sleep(120)]);
    gate.open();
    answers = await Promise.all(asking.map((answer) => within(LIMIT, answer)));
  } else {
    await sleep(20);
    gate.open();
    await within(LIMIT, first);
    await sleep(wait);
    answers = await Promise.all(readers.map((reader) => within(LIMIT, reader.read(key, tags))));
  }
  const firstAnswer = await within(LIMIT, first);
  return {
    bad: answers.some((answer) => isOld(answer, 1)),
    each: answers.map((answer) => isOld(answer, 1)),
    note: isAnswer(firstAnswer) ? '' : 'the first caller is rejected',
  };
}

let serial = 0;
const newKey = (kind) => `${kind}-${process.pid}-${serial++}`;

export async function oneProcess(actor, { database, open, can, rounds }) {
  const results = {};
  const methods = await open(actor, {});
  const race = (whileRunning, invalidate, withTag) =>
    tally(rounds, () => {
      const key = newKey('race');
      const tags = withTag ? [`tag-${key}`] : undefined;
      return overtaken({
        database,
        key,
        tags,
        loader: actor,
        readers: [actor],
        invalidate: () => invalidate(key, tags),
        while: whileRunning,
      });
    });
  const byKey = (key) => actor.ask('delete', { key });
  results.deleteWhile = await race(true, byKey);
  results.deleteAfter = await race(false, byKey);
  if (methods.includes('clear')) {
    results.clearWhile = await race(true, () => actor.ask('clear'));
    results.clearAfter = await race(false, () => actor.ask('clear'));
  }
  results.failing = await failing(actor, database);
  results.nulls = {
    null: await isKept(actor, database, null),
    undefined: await isKept(actor, database, undefined),
  };
  const spoilKey = newKey('spoil');
  const spoiled = await within(LIMIT, actor.ask('spoil', { key: spoilKey }));
  if (spoiled !== PENDING) {
    const intact = (value) => value?.v === 0 && value.rows?.length === 3;
    results.spoiled = {
      afterMiss: intact(spoiled.second)
        ? spoiled.firstSpoiled === 'frozen'
          ? 'frozen'
          : 'intact'
        : 'changed',
      afterHit: intact(spoiled.third)
        ? spoiled.hitSpoiled === 'frozen'
          ? 'frozen'
          : 'intact'
        : intact(spoiled.second)
          ? 'changed'
          : 'changed',
    };
  }
  if (methods.includes('invalidateTag')) {
    await open(actor, { tagged: true });
    const byTag = (key, [tag]) => actor.ask('invalidateTag', { tag });
    results.tagWhile = await race(true, byTag, true);
    results.tagAfter = await race(false, byTag, true);
  }
  if (can.window) results.refresh = await refreshOvertaken(actor, { database, open, rounds });
  results.stuck = await stuck(actor, { database, open, can });
  return results;
}

/** A refresh in the background began before the delete, and ends after it. */
async function refreshOvertaken(actor, { database, open, rounds }) {
  await open(actor, { window: { fresh: 1_000, stale: 60_000 } });
  const keys = Array.from({ length: rounds }, () => newKey('refresh'));
  for (const key of keys) {
    database.set(key, 1);
    await within(LIMIT, actor.read(key));
  }
  await sleep(1_900);
  return tally(rounds, async (i) => {
    const key = keys[i];
    const gate = database.hold(key);
    void actor.read(key);
    if ((await within(1_000, gate.started)) === PENDING)
      return { bad: false, note: 'no refresh began' };
    database.set(key, 2);
    await within(LIMIT, actor.ask('delete', { key }));
    gate.open();
    await sleep(50);
    return { bad: isOld(await within(LIMIT, actor.read(key)), 1) };
  });
}

async function failing(actor, database) {
  const key = newKey('failing');
  database.instead(key, async () => {
    await sleep(20);
    throw new Error('no database');
  });
  const answer = await within(15_000, actor.ask('readMany', { key, callers: 100 }));
  return {
    productions: database.loads(key),
    failed: answer === PENDING ? 'pending' : answer.failed,
  };
}

async function isKept(actor, database, value) {
  const key = newKey('empty');
  database.instead(key, async () => value);
  await within(LIMIT, actor.read(key));
  await sleep(20);
  await within(LIMIT, actor.read(key));
  return database.loads(key) === 1;
}

/**
 * The first production never settles. When does the key answer again? With a limit on productions
 * of half a second, where there is one.
 */
async function stuck(actor, { database, open, can }) {
  await open(actor, can.hardTimeout ? { hardTimeout: 500 } : {});
  const key = newKey('stuck');
  const gate = database.hold(key);
  void actor.read(key);
  await within(LIMIT, gate.started);
  const start = performance.now();
  while (performance.now() - start < 2_000) {
    if (isAnswer(await within(200, actor.read(key))))
      return { freeAfter: Math.round(performance.now() - start) };
    await sleep(20);
  }
  return { freeAfter: undefined };
}

/** Two processes on one Redis. */
export async function twoProcesses([a, b], { database, open, rounds }) {
  for (const actor of [a, b]) await open(actor, {});
  const counts = { here: noRounds(), there: noRounds() };
  for (let i = 0; i < rounds; i++) {
    const key = newKey('fleet');
    const invalidate = () => a.ask('delete', { key });
    const { each } = await overtaken({
      database,
      key,
      loader: b,
      readers: [a, b],
      invalidate,
      while: false,
      wait: COHERENCE,
    });
    counts.here.rounds++;
    counts.there.rounds++;
    if (each?.[0]) counts.here.bad++;
    if (each?.[1]) counts.there.bad++;
  }
  const kept = await tally(rounds, async () => {
    const key = newKey('kept');
    database.set(key, 1);
    await within(LIMIT, b.read(key));
    await within(LIMIT, b.read(key));
    await within(LIMIT, a.read(key));
    database.set(key, 2);
    await within(LIMIT, a.ask('delete', { key }));
    await sleep(COHERENCE);
    return { bad: isOld(await within(LIMIT, b.read(key)), 1) };
  });
  return { overtakenHere: counts.here, overtakenThere: counts.there, kept };
}

/** A cold key, 250 callers in each of four processes at once, and a production of 50 ms. */
export async function herd(actors, { database, open, shared }) {
  for (const actor of actors) await open(actor, {});
  if (shared) for (const actor of actors) await within(LIMIT, actor.read(newKey('warm')));
  const productions = [];
  for (let i = 0; i < 3; i++) {
    const key = newKey('herd');
    database.instead(key, async (value) => {
      await sleep(50);
      return value;
    });
    await within(
      10_000,
      Promise.all(actors.map((actor) => actor.ask('readMany', { key, callers: 250 }))),
    );
    productions.push(database.loads(key));
  }
  return { productions: Math.max(...productions), of: COLLEAGUES * 250 };
}

/**
 * Redis freezes (SIGSTOP), then is killed (SIGKILL): does a miss whose producer answers at once
 * settle? When is Redis used again?
 */
export async function faults(actor, { open, redis, limited }) {
  await open(actor, { limited });
  const results = {};
  const use = async (key) => {
    const start = performance.now();
    const answer = await within(2_000, actor.read(key));
    const ms = Math.round(performance.now() - start);
    return answer === PENDING ? 'pending' : 'value' in answer ? ms : 'rejected';
  };
  const recovery = async () => {
    const start = performance.now();
    while (performance.now() - start < 8_000) {
      const key = newKey('healed');
      const answer = await within(300, actor.read(key));
      await sleep(30);
      if (isAnswer(answer) && (await redis.holds(key)))
        return Math.round(performance.now() - start);
      await sleep(70);
    }
    return undefined;
  };
  for (let i = 0; i < 3; i++) await within(LIMIT, actor.read(newKey('warm')));
  redis.freeze();
  results.frozen = await use(newKey('frozen'));
  redis.thaw();
  results.thawed = await recovery();
  await sleep(300);
  await redis.kill();
  results.killed = await use(newKey('killed'));
  await redis.restart();
  results.restarted = await recovery();
  const unhandled = await within(1_000, actor.ask('unhandled'));
  results.unhandled = typeof unhandled === 'number' ? unhandled : 'ended';
  return results;
}
