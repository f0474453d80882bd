import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { InvalidateRequest } from '../../lib/core/options/types.js';
import { Model, type Name, NAMES, reached, Real, SUBJECTS } from '../support/model.js';
import type { Losable } from '../support/simulated-server.js';

/*
 * Random commands, one after the other, against a model of versions. A cache may miss whenever it
 * likes; what it gives may never be older than the last invalidation, nor newer than the database,
 * nor another key's.
 *
 *   MODEL_RUNS=5000   runs in all (default 700)
 *   RACE_SEED=...     the seed that a failure printed
 */

const RUNS = Number(process.env.MODEL_RUNS ?? 700);
const SEED =
  process.env.RACE_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.RACE_SEED);
const figures = { runs: 0, reads: 0, hits: 0 };

interface Value {
  readonly name: Name;
  readonly version: number;
}

type Command = fc.AsyncCommand<Model, Real>;

const command = (label: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => label,
});

function judge(model: Model, process: number, name: Name, value: Value): void {
  expect(value.name).toBe(name);
  expect(value.version).toBeGreaterThanOrEqual(model.floor(process, name));
  expect(value.version).toBeLessThanOrEqual(model.version(name));
}

function read(process: number, name: Name, windows: object): Command {
  return command(`read ${name} in ${String(process)}`, async (model, real) => {
    const p = process % real.processes.length;
    const { key, options } = SUBJECTS[name];
    const productions = { count: 0 };
    const producer = (): Value => {
      productions.count++;
      return { name, version: model.version(name) };
    };
    const value = await real.finish(
      real.at(p).cache.getOrSet<Value>(key, producer, { ...options, ...windows }),
    );
    real.reads++;
    if (productions.count === 0) real.hits++;
    judge(model, p, name, value);
    await real.finish(real.at(p).cache.drain());
  });
}

function peek(process: number, name: Name): Command {
  return command(`get ${name} in ${String(process)}`, async (model, real) => {
    const p = process % real.processes.length;
    const value = await real.finish(real.at(p).cache.get<Value>(SUBJECTS[name].key));
    if (value !== undefined) judge(model, p, name, value);
  });
}

function set(process: number, name: Name): Command {
  return command(`set ${name} in ${String(process)}`, async (model, real) => {
    const p = process % real.processes.length;
    const version = model.bump(name);
    const { key, options } = SUBJECTS[name];
    const { durable } = await real.finish(
      real.at(p).cache.set<Value>(key, { name, version }, options as object),
    );
    model.invalidated(p, [name], durable, real.processes.length);
  });
}

function invalidate(process: number, request: InvalidateRequest): Command {
  return command(
    `invalidate ${JSON.stringify(request)} in ${String(process)}`,
    async (model, real) => {
      const p = process % real.processes.length;
      const names = reached(request);
      // The command side has written before it invalidates.
      for (const name of names) model.bump(name);
      const { durable } = await real.finish(real.at(p).cache.invalidate(request));
      expect(durable).toBe(!model.down.has(p));
      if (request.mode !== 'soft') model.invalidated(p, names, durable, real.processes.length);
    },
  );
}

function clear(process: number, tenant: string | undefined): Command {
  return command(`clear ${String(tenant)} in ${String(process)}`, async (model, real) => {
    const p = process % real.processes.length;
    const names = NAMES.filter((name) => tenant === undefined || SUBJECTS[name].tenant === tenant);
    for (const name of names) model.bump(name);
    const { durable } = await real.finish(
      real.at(p).cache.clear(tenant === undefined ? undefined : { tenant }),
    );
    model.invalidated(p, names, durable, real.processes.length);
    await real.finish(real.at(p).cache.drain());
  });
}

const advance = (ms: number): Command =>
  command(`advance ${String(ms)}`, (_model, real) => real.clock.advance(ms));

const lose = (kind: Losable, which: number): Command =>
  command(`lose ${kind} ${String(which)}`, async (_model, real) => {
    real.server.lose(kind, which);
  });

const dropL1 = (process: number): Command =>
  command(`drop L1 of ${String(process)}`, async (_model, real) => {
    real.at(process).memory.clear();
  });

const deafen = (process: number): Command =>
  command(`deafen ${String(process)}`, async (_model, real) => {
    real.at(process).link?.deafen();
  });

const hear = (process: number, how: 'replay' | 'gap'): Command =>
  command(`hear again in ${String(process)} by ${how}`, async (_model, real) => {
    real.at(process).link?.hearAgain(how);
  });

const cut = (process: number): Command =>
  command(`cut ${String(process)} off`, async (model, real) => {
    const p = process % real.processes.length;
    const { link } = real.at(p);
    if (link?.state !== 'up') return;
    link.change('down');
    model.down.add(p);
  });

const mend = (process: number, how: 'replay' | 'gap'): Command =>
  command(`mend ${String(process)}`, async (model, real) => {
    const p = process % real.processes.length;
    const { link, engine, cache } = real.at(p);
    if (link?.state !== 'down') return;
    link.change('up');
    model.down.delete(p);
    // Not a word from the backend is trusted before the journal has been replayed.
    const { key, options } = SUBJECTS.a;
    const value = await real.finish(
      cache.getOrSet<Value>(
        key,
        () => ({ name: 'a', version: model.version('a') }),
        options as object,
      ),
    );
    judge(model, p, 'a', value);
    await real.finish(cache.drain());
    expect(engine.invalidator.pending).toBe(0);
    model.replayed(p, real.processes.length);
    link.hearAgain(how);
  });

const process_ = fc.nat(2);
const name = fc.constantFrom(...NAMES);
const tags = fc.constantFrom(['red'], ['blue'], ['red', 'blue'], ['none']);
const windows = fc.constantFrom({}, {}, { staleWhileRevalidate: 5_000 }, { staleIfError: 5_000 });
const tenant = fc.constantFrom(undefined, 'x', 'y');

const request: fc.Arbitrary<InvalidateRequest> = fc
  .record({
    keys: fc.option(
      fc
        .subarray([...NAMES], { minLength: 1 })
        .map((names) => names.map((one) => SUBJECTS[one].key)),
      { nil: undefined, freq: 1 },
    ),
    tags: fc.option(tags, { nil: undefined, freq: 2 }),
    segment: fc.option(fc.constant('list'), { nil: undefined, freq: 1 }),
    tenant,
    match: fc.constantFrom('any' as const, 'all' as const),
  })
  .map(
    ({ match, ...rest }) =>
      Object.fromEntries(
        Object.entries({ ...rest, match }).filter(([, value]) => value !== undefined),
      ) as InvalidateRequest,
  )
  .filter(
    (some) =>
      some.keys !== undefined ||
      some.tags !== undefined ||
      some.segment !== undefined ||
      some.tenant !== undefined,
  );

const calm = [
  fc.tuple(process_, name, windows).map((of) => read(...of)),
  fc.tuple(process_, name, windows).map((of) => read(...of)),
  fc.tuple(process_, name, windows).map((of) => read(...of)),
  fc.tuple(process_, name, windows).map((of) => read(...of)),
  fc.tuple(process_, name).map((of) => peek(...of)),
  fc.tuple(process_, name).map((of) => set(...of)),
  fc.tuple(process_, request).map((of) => invalidate(...of)),
  fc.tuple(process_, name).map(([p, one]) => invalidate(p, { keys: [SUBJECTS[one].key] })),
  fc
    .tuple(process_, tags, tenant)
    .map(([p, some, t]) =>
      invalidate(p, { tags: some, mode: 'soft', ...(t === undefined ? {} : { tenant: t }) }),
    ),
  fc.tuple(process_, tenant).map((of) => clear(...of)),
  fc.constantFrom(100, 1_010, 6_000, 20_000).map(advance),
  process_.map(dropL1),
];
const accidents = [
  fc
    .tuple(
      fc.constantFrom<Losable[]>('marker', 'markers', 'clock', 'lease', 'value', 'everything'),
      fc.nat(9),
    )
    .map((of) => lose(...of)),
  process_.map(deafen),
  fc.tuple(process_, fc.constantFrom('replay' as const, 'gap' as const)).map((of) => hear(...of)),
  process_.map(cut),
  fc.tuple(process_, fc.constantFrom('replay' as const, 'gap' as const)).map((of) => mend(...of)),
];

describe('the model', () => {
  for (const [where, share] of [
    ['memory', 0.4],
    ['shared', 0.6],
  ] as const) {
    it(`the model is never contradicted, ${where}`, async () => {
      const commands = fc.commands([...calm, ...(where === 'memory' ? [] : accidents)], {
        maxCommands: 40,
        size: '+1',
      });
      await fc.assert(
        fc.asyncProperty(commands, async (chosen) => {
          const real = new Real(where);
          await fc.asyncModelRun(() => ({ model: new Model(), real }), chosen);
          for (const { cache } of real.processes) {
            await real.finish(cache.drain());
            expect(cache.stats()).toMatchObject({ flights: 0, background: 0 });
          }
          expect(real.server.broken).toEqual([]);
          figures.runs++;
          figures.reads += real.reads;
          figures.hits += real.hits;
        }),
        {
          numRuns: Math.ceil(RUNS * share),
          seed: SEED,
          endOnFailure: process.env.RACE_SHRINK === undefined,
        },
      );
    }, 600_000);
  }

  afterAll(() => {
    console.log(
      `model runs: ${String(figures.runs)}, reads: ${String(figures.reads)}, hits: ${String(figures.hits)}, seed: ${String(SEED)}`,
    );
  });
});
