import type { Way } from './ways.js';
import type { Answer, LedgerClient } from './ledger-client.js';
import { reports } from './memory-steps.js';
import { count, latency, milliseconds, type Row } from './table.js';

type Fleet = readonly LedgerClient[];

const ROUNDS = 10;
const GIVE_UP_AFTER = 5_000;

/**
 * The first process makes the answers, the others find them in Redis; then every read is a hit in
 * every process.
 */
export async function hitsEverywhere(fleet: Fleet, mode: string): Promise<Row[]> {
  const paths = reports('acme').slice(0, 4);
  const before = await executed(fleet);
  for (const client of fleet) await inTurn(paths, (path) => client.get(path));
  const warmed = await executed(fleet);
  const answers: Answer[] = [];
  for (const client of fleet) answers.push(...(await inTurn(paths, (path) => client.get(path))));
  const again = (await executed(fleet)) - warmed;
  const result = `${count(warmed - before, 'production')}, then ${again}`;
  const good = warmed - before === paths.length && again === 0 && ok(answers);
  return [
    {
      what: `${mode}: ${paths.length} reports, twice in each of ${fleet.length} processes`,
      latency: latency(answers),
      result,
      good,
    },
  ];
}

/**
 * One process posts. From the moment its answer arrives, the others are read until they have the
 * new balance. Only an L1 may return an old answer, and only to a read that starts within the
 * bound.
 */
export async function crossings(
  fleet: Fleet,
  mode: string,
  way: Way,
  boundMs: number,
): Promise<Row[]> {
  const account = way.name === 'HTTP' ? '1002' : '1003';
  const seen: Seen[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const client of [...fleet, ...fleet]) await way.entries(client, account); // hot in every process
    const writer = fleet[round % fleet.length];
    if (writer === undefined) continue;
    const { total } = await way.entries(writer, account);
    await way.post(writer, account);
    const acknowledged = performance.now();
    // The writer's own read, and those of the others at the same time.
    const reading = fleet.map((client) =>
      readUntil(way, client, account, total + 1, acknowledged, client === writer ? 0 : boundMs),
    );
    seen.push(...(await Promise.all(reading)));
  }
  const late = seen.reduce((sum, { late }) => sum + late, 0);
  const missing = seen.filter(({ afterMs }) => afterMs === undefined).length;
  const slowest = Math.max(...seen.map(({ afterMs }) => afterMs ?? GIVE_UP_AFTER));
  const old = seen.reduce((sum, { old }) => sum + old, 0);
  const result =
    boundMs === 0
      ? count(late, 'old read')
      : `${count(late, 'old read')} after ${milliseconds(boundMs)}, ${old} before; all had heard after ${milliseconds(slowest)}`;
  const what = `${mode}, ${way.name}: ${ROUNDS} postings, each read at once in all processes`;
  return [
    {
      what,
      latency: latency(seen.flatMap(({ answers }) => answers)),
      result,
      good: late === 0 && missing === 0,
    },
  ];
}

interface Seen {
  /**
   * When the first read with the new answer started, counted from the acknowledgement; undefined
   * when none came.
   */
  readonly afterMs: number | undefined;
  readonly old: number;
  readonly late: number;
  readonly answers: readonly Answer[];
}

async function readUntil(
  way: Way,
  client: LedgerClient,
  account: string,
  expected: number,
  acknowledged: number,
  boundMs: number,
): Promise<Seen> {
  const answers: Answer[] = [];
  let old = 0;
  let late = 0;
  for (;;) {
    const afterMs = performance.now() - acknowledged;
    const { total, answer } = await way.entries(client, account);
    answers.push(answer);
    if (total === expected) return { afterMs, old, late, answers };
    // The reads of all processes start together, as soon as the acknowledgement has arrived:
    // without a bound none of them may be old.
    if (boundMs > 0 && afterMs <= boundMs) old++;
    else late++;
    if (afterMs > GIVE_UP_AFTER) return { afterMs: undefined, old, late, answers };
  }
}

export async function oneProduction(fleet: Fleet, mode: string, way: Way): Promise<Row[]> {
  const callers = 100;
  await Promise.all(fleet.map((client) => client.connect(Math.ceil(callers / fleet.length))));
  const before = await executed(fleet);
  const answers = await Promise.all(
    Array.from({ length: callers }, (_, index) => fleet[index % fleet.length]).flatMap((client) =>
      client === undefined ? [] : [way.report(client, way.coldMonth)],
    ),
  );
  const produced = (await executed(fleet)) - before;
  const same = new Set(answers.map((answer) => answer.body)).size === 1;
  const result = `${count(produced, 'production')}${same ? '' : ', and NOT the same answer for all'}`;
  const what = `${mode}, ${way.name}: ${callers} callers on ${fleet.length} processes, one cold report`;
  return [{ what, latency: latency(answers), result, good: produced === 1 && same && ok(answers) }];
}

/** How often all processes together have queried the database for a report. */
async function executed(fleet: Fleet): Promise<number> {
  const numbers = await Promise.all(fleet.map((client) => client.executed('monthly-report')));
  return numbers.reduce((sum, number) => sum + number, 0);
}

async function inTurn(
  paths: readonly string[],
  read: (path: string) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const path of paths) answers.push(await read(path));
  return answers;
}

const ok = (answers: readonly Answer[]): boolean => answers.every(({ status }) => status === 200);
