import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { type Fate } from './simulated-backend.js';
import type { Losable } from './simulated-server.js';
import { INVALIDATIONS, KEY_NAMES, type KeyName, type Process, World } from './world.js';

/** `at`: in another process than the client's own. */
type Act = Deed & { readonly at?: number };
type Deed =
  | { readonly do: 'read' | 'peek' | 'set' | 'abort' | 'soft' | 'put'; readonly key: KeyName }
  | { readonly do: 'invalidate'; readonly which: number }
  | { readonly do: 'soften' }
  | { readonly do: 'lose'; readonly kind: Losable; readonly which: number }
  | { readonly do: 'deafen' | 'down' | 'fail' | 'work' }
  | { readonly do: 'hear' | 'up'; readonly how: 'replay' | 'gap' }
  | { readonly do: 'wait'; readonly ms: number };

interface Client {
  readonly process: number;
  readonly acts: readonly Act[];
}

/** What is used of fast-check's scheduler. */
interface Schedule {
  schedule(task: Promise<void>, label: string): Promise<void>;
  count(): number;
  /** Lets one step, of those that wait, take place. */
  waitOne(): Promise<void>;
}

/** What a run is made of, but for the order of its steps. */
export interface Story {
  readonly clients: readonly Client[];
  readonly processes:
    'memory' | readonly { readonly l1: boolean; readonly isolation: 'copy' | 'freeze' }[];
  readonly scattered: boolean;
  readonly leaseTtl: number;
  /** Steps of a production, and further steps of a notice. */
  readonly slowness: number;
  readonly lateness: number;
  readonly stale: number;
  readonly fallback: number;
  /** The calls that are lost, by their number. */
  readonly lost: readonly { readonly call: number; readonly fate: Fate }[];
}

const how = fc.constantFrom('replay' as const, 'gap' as const);
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(15, 40, 120, 600, 1_010, 1_010),
});
const accidents: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant('lose' as const),
    kind: fc.constantFrom<Losable[]>(
      'marker',
      'markers',
      'markers',
      'clock',
      'lease',
      'value',
      'everything',
    ),
    which: fc.nat(9),
  }),
  fc.record({
    do: fc.constantFrom('deafen' as const, 'down' as const, 'fail' as const, 'work' as const),
  }),
  fc.record({ do: fc.constantFrom('hear' as const, 'up' as const), how }),
);

/** Acts around one key, so that they get in each other's way; now and then others. */
function actsAround(focus: KeyName, scene: 'calm' | 'faults'): fc.Arbitrary<Act> {
  const key = fc.oneof(
    { weight: 7, arbitrary: fc.constant(focus) },
    { weight: 1, arbitrary: fc.constantFrom(...KEY_NAMES) },
  );
  const reaching = INVALIDATIONS.flatMap(({ reaches }, which) =>
    reaches.includes(focus) ? [which] : [],
  );
  const which = fc.oneof(
    { weight: 7, arbitrary: fc.constantFrom(...reaching) },
    { weight: 1, arbitrary: fc.nat(INVALIDATIONS.length - 1) },
  );
  return fc.oneof(
    { weight: 12, arbitrary: fc.record({ do: fc.constant('read' as const), key }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('invalidate' as const), which }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('peek' as const, 'abort' as const, 'soft' as const, 'set' as const),
        key,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('put' as const), key }) },
    { weight: 1, arbitrary: fc.constant({ do: 'soften' as const }) },
    { weight: 2, arbitrary: wait },
    { weight: scene === 'calm' ? 0 : 6, arbitrary: accidents },
  );
}

/**
 * Chains of events that chance alone would seldom make: what each of them is for is told by the
 * mutants.
 */
function plots(focus: KeyName, scene: 'calm' | 'faults'): (readonly Act[])[] {
  const read: Act = { do: 'read', key: focus };
  const which = INVALIDATIONS.findIndex(
    ({ reaches }) => reaches.length === 1 && reaches[0] === focus,
  );
  const byTag = INVALIDATIONS.findIndex(
    ({ request, reaches }) =>
      typeof request === 'object' && request.tags !== undefined && reaches.includes(focus),
  );
  const refresh: readonly Act[] = [
    read,
    { do: 'wait', ms: 1_010 },
    read,
    { do: 'invalidate', which },
    read,
    read,
  ];
  const lost: readonly Act[] = [
    read,
    { do: 'invalidate', which: byTag },
    { do: 'lose', kind: 'markers', which: 0 },
    { do: 'read', key: focus === 'plain' ? 'seg' : 'plain' },
    read,
  ];
  const deaf: readonly Act[] = [
    { ...read, at: 0 },
    { do: 'deafen', at: 0 },
    { do: 'invalidate', which, at: 1 },
    { ...read, at: 0 },
    { do: 'invalidate', which: byTag, at: 1 },
    { do: 'hear', how: 'gap', at: 0 },
    { ...read, at: 0 },
  ];
  const across: readonly Act[] = [
    { do: 'invalidate', which, at: 1 },
    { ...read, at: 0 },
    { do: 'invalidate', which: byTag, at: 1 },
    { ...read, at: 0 },
  ];
  const put: Act = { do: 'put', key: focus };
  const putting: readonly Act[] = [
    read,
    put,
    read,
    { do: 'invalidate', which },
    put,
    read,
    { do: 'invalidate', which: byTag },
  ];
  const busy: readonly Act[] = [
    read,
    { do: 'invalidate', which },
    read,
    { do: 'invalidate', which: byTag },
    read,
  ];
  return scene === 'calm'
    ? [refresh, across, busy, putting]
    : [refresh, lost, deaf, across, busy, putting];
}

/** @param scene 'calm': invalidations only; 'faults': accidents too */
export function stories(where: 'memory' | 'shared', scene: 'calm' | 'faults'): fc.Arbitrary<Story> {
  const process = fc.record({
    l1: fc.boolean(),
    isolation: fc.constantFrom('copy' as const, 'freeze' as const),
  });
  const clients = fc.constantFrom(...KEY_NAMES).chain((focus) => {
    const random = fc.array(actsAround(focus, scene), { minLength: 2, maxLength: 6 });
    const acts = fc.oneof(
      { weight: 5, arbitrary: random },
      { weight: 2, arbitrary: fc.constantFrom(...plots(focus, scene)) },
    );
    return fc.array(fc.record({ process: fc.nat(2), acts }), { minLength: 2, maxLength: 4 });
  });
  return fc.record({
    clients,
    processes:
      where === 'memory'
        ? fc.constant('memory' as const)
        : fc.array(process, { minLength: 2, maxLength: 3 }),
    slowness: fc.constantFrom(0, 1, 3, 8),
    lateness: fc.constantFrom(0, 0, 4, 12),
    scattered: fc.boolean(),
    leaseTtl: fc.constantFrom(100, 3_000),
    stale: fc.constantFrom(0, 5_000),
    fallback: fc.constantFrom(0, 5_000),
    lost:
      scene === 'calm'
        ? fc.constant([])
        : fc.array(
            fc.record({
              call: fc.nat(30),
              fate: fc.constantFrom('lost' as const, 'unanswered' as const),
            }),
            { maxLength: 3 },
          ),
  });
}

/**
 * Plays a story in the order that the scheduler chooses. @returns the world, to ask it what went
 * wrong
 */
export async function play(story: Story, scheduler: Schedule): Promise<World> {
  const lost = new Map(story.lost.map(({ call, fate }) => [call, fate]));
  let calls = 0;
  const world = new World(
    {
      processes: story.processes,
      scattered: story.scattered,
      leaseTtl: story.leaseTtl,
      slowness: story.slowness,
      lateness: story.lateness,
      staleWhileRevalidate: story.stale,
      staleIfError: story.fallback,
      fate: () => lost.get(calls++) ?? 'answered',
    },
    (label) => scheduler.schedule(DONE, label),
  );
  await drive(
    Promise.all(story.clients.map((client) => live(client, world, scheduler))),
    world,
    scheduler,
  );
  await drive(world.heal(), world, scheduler);
  await drive(world.audit(world.auditor()), world, scheduler);
  return world;
}

const DONE = Promise.resolve();

async function live(
  { process: at, acts }: Client,
  world: World,
  scheduler: Schedule,
): Promise<void> {
  for (const act of acts) {
    const process = world.processes[(act.at ?? at) % world.processes.length];
    if (process === undefined) throw new Error('a world without processes');
    await scheduler.schedule(DONE, `${process.name}: ${JSON.stringify(act)}`);
    await perform(act, process, world, scheduler);
  }
}

async function perform(
  act: Act,
  process: Process,
  world: World,
  scheduler: Schedule,
): Promise<void> {
  const { link } = process;
  if (!['read', 'peek', 'soft', 'invalidate', 'set', 'put', 'soften'].includes(act.do))
    world.disturbed = true;
  if (['lose', 'down'].includes(act.do)) world.accidents = true;
  switch (act.do) {
    case 'read':
      await world.read(process, act.key);
      return;
    case 'peek':
      await world.read(process, act.key, { peek: true });
      return;
    case 'soft':
      await world.read(process, act.key, { soft: 10 });
      return;
    case 'abort': {
      const impatience = new AbortController();
      void scheduler.schedule(DONE, `${process.name}: loses patience`).then(() => {
        impatience.abort(new Error('no patience'));
      });
      await world.read(process, act.key, { signal: impatience.signal });
      return;
    }
    case 'set':
      await world.set(process, act.key);
      return;
    case 'put':
      await world.put(process, act.key);
      return;
    case 'invalidate':
      await world.invalidate(process, act.which);
      return;
    case 'soften':
      await world.soften(process);
      return;
    case 'lose':
      world.server.lose(act.kind, act.which);
      return;
    case 'deafen':
      link?.deafen();
      return;
    case 'down':
      link?.change('down');
      return;
    case 'up':
      if (link?.state === 'down') link.change('up');
      link?.hearAgain(act.how);
      return;
    case 'hear':
      link?.hearAgain(act.how);
      return;
    case 'fail':
      world.failing = true;
      return;
    case 'work':
      world.failing = false;
      return;
    case 'wait':
      await world.clock.advance(act.ms);
  }
}

/** Takes one step after the other until `work` is done; when none is left, time passes. */
async function drive(work: Promise<unknown>, world: World, scheduler: Schedule): Promise<void> {
  const state = { done: false };
  const end = work.finally(() => {
    state.done = true;
  });
  // Whoever fails fails below.
  end.catch(() => undefined);
  let idle = 0;
  while (!state.done) {
    // All that follows from the last step has then asked for its next ones; cheaper by far than
    // counting microtasks (`waitNext`).
    await setImmediate();
    if (scheduler.count() > 0) void scheduler.waitOne();
    else if (!isDone(state)) {
      if (++idle > 4_000)
        throw new Error(
          `nothing has happened for a long time: ${JSON.stringify(world.processes.map(({ cache }) => cache.stats()))}`,
        );
      await world.clock.advance(25);
    }
  }
  await end;
}

function isDone(state: { readonly done: boolean }): boolean {
  return state.done;
}
