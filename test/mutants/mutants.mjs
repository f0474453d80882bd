/**
 * Faults made by hand, one at a time, in what keeps the promise: the specs have to catch each. A
 * new body gets `args`, the arguments, and `original`, the function it replaces (see apply.mjs).
 */
const ACQUIRE = 'lib/core/read/acquire-lease.ts';
const BATCH = 'lib/backends/redis/entries/batch.ts';
const FLIGHT = 'lib/core/read/flight.ts';
const FLIGHTS = 'lib/core/read/single-flight.ts';
const GROUPS = 'lib/core/groups/groups.ts';
const INVALIDATOR = 'lib/core/invalidate/invalidator.ts';
const JOINS = 'lib/core/read/join.ts';
const LEASES = 'lib/core/read/lease.ts';
const LINK = 'test/support/simulated-backend.ts';
const LOCAL_TIER = 'lib/core/read/local-tier.ts';
const MEMORY = 'lib/core/read/memory-tiers.ts';
const ORDER = 'lib/core/invalidate/write-order.ts';
const PUTS = 'lib/core/invalidate/put.ts';
const READ = 'lib/core/read/get-or-set.ts';
const REGISTER = 'lib/core/groups/local-invalidations.ts';
const SCRIPTS = 'lib/backends/redis/entries/scripts.ts';
const SCRIPT_FUNCTIONS = 'lib/backends/redis/entries/script-functions.ts';
const SERVER = 'test/support/simulated-server.ts';
const TIERS = 'lib/core/read/shared-tiers.ts';
const TWO_METHODS = 'lib/core/read/two-method-tiers.ts';

/** What has to catch a mutant that names no specs of its own. */
export const SPECS = [
  'test/races/schedules.spec.ts',
  'test/races/regressions.spec.ts',
  'test/races/puts.spec.ts',
  'test/races/leases.spec.ts',
  'test/races/loading.spec.ts',
  'test/races/single-flight.spec.ts',
  'test/model/model.spec.ts',
];
const REDIS = [
  'test/backends/redis/entries/scripts.spec.ts',
  'test/backends/redis/entries/backend.spec.ts',
];

const one = (name, file, path, body, more = {}) => ({
  name,
  patches: [{ file, function: path, body }],
  ...more,
});
const script = (name, constant, edit, file = SCRIPTS) => ({
  name: `${name}, in Redis`,
  patches: [{ file, script: constant, edit }],
  specs: REDIS,
});

const AS_STORABLE = `const [flight, ...rest] = args;
  return original(Object.create(flight, { storable: { value: true } }), ...rest);`;
const AFTERWARDS = `return this.parts.backend
  .ensure({ scopes: args[0].call.groups, keepMs: 1_000 })
  .then((late) => late.map(({ clock }) => clock ?? 0))
  .then((startTicks) => original(args[0], { ...args[1], startTicks }, args[2]));`;

export const mutants = [
  // Flights
  one('no detach', FLIGHT, 'Flight.detach', ''),
  one('detached flight that may still store', FLIGHT, 'Flight.detach', 'this.joinable = false;'),
  one('detached flight that may be joined', FLIGHT, 'Flight.detach', 'this.storable = false;'),
  one(
    'callers join although a tag of the result may have been invalidated',
    FLIGHT,
    'Flight.stopJoining',
    '',
  ),
  one(
    'background refresh that ignores a delete',
    FLIGHT,
    'Flight.onKeyInvalidated',
    'if (!this.isBackground) original();',
  ),
  {
    name: 'stale value that an invalidation of its key has overtaken',
    patches: [
      {
        file: FLIGHT,
        function: 'Flight.onKeyInvalidated',
        body: 'original(); this.staleInvalidated = false;',
      },
      {
        file: FLIGHT,
        function: 'Flight.onGroupsInvalidated',
        body: 'original(...args); this.staleInvalidated = false;',
      },
    ],
  },
  one(
    'stale value of the flight, for callers that did not find it themselves',
    JOINS,
    'Joins.join',
    'args[3] = args[0].stale ?? args[3]; return original(...args);',
  ),
  one(
    'the last caller to leave takes the others along',
    FLIGHT,
    'Flight.removeCaller',
    "original(...args); if (this.kind === 'load') this.abort(args[0]);",
  ),
  one(
    'flight removed by a flight that it has succeeded',
    FLIGHTS,
    'SingleFlight.remove',
    'this.#latest.delete(args[0].storageKey); this.#removeOlder(args[0]); args[0].finish();',
  ),

  // Joining
  one('joining without a lookup', READ, 'ReadThrough.#canJoinUnseen', 'return true;'),
  one('joining without proof', TIERS, 'SharedTiers.isUnchangedSince', 'return true;'),
  one(
    'joining by the lease without the clocks',
    TIERS,
    'SharedTiers.isUnchangedSince',
    'return args[0].lease !== undefined && args[0].lease === args[1].lease;',
  ),
  one(
    'joining by the clocks without the lease',
    TIERS,
    'SharedTiers.isUnchangedSince',
    `const [{ startTicks }, lookup] = args;
    return original({ startTicks, lease: 'any' }, { ...lookup, lease: 'any' });`,
  ),
  one(
    'what a flight found counts for callers that asked later',
    JOINS,
    'isStoredTooEarly',
    'return false;',
  ),

  // Invalidations in this process
  one('applied locally only before the change', INVALIDATOR, 'Invalidator.#applyAfter', ''),
  one('applied locally only after the change', INVALIDATOR, 'Invalidator.#applyBefore', ''),
  one(
    'L1 kept although notices were missed',
    INVALIDATOR,
    'Invalidator.#onNoticesMissed',
    'this.parts.flights.stopJoiningAll();',
  ),
  one('notices of other processes ignored', INVALIDATOR, 'Invalidator.onNotice', ''),
  one(
    'L1 asked although it misses notices',
    'lib/core/read/backend-lookups.ts',
    'BackendLookups.isL1Usable',
    'return this.parts.isUsable();',
  ),
  one(
    'backend reads kept in L1 although something was invalidated meanwhile',
    'lib/core/read/backend-lookups.ts',
    'BackendLookups.#open',
    'args[3] = this.parts.invalidations.position; return original(...args);',
  ),
  one(
    'anything kept in L1 although something was invalidated meanwhile',
    REGISTER,
    'LocalInvalidations.unchangedSince',
    'return true;',
  ),
  one('entry of a detached flight kept in L1', TIERS, 'SharedTiers.#keepInL1', AS_STORABLE),
  one(
    'stamp taken at the end of the load',
    LOCAL_TIER,
    'LocalTier.store',
    'args[2] = this.invalidations.position; return original(...args);',
  ),
  one(
    'entries in memory not judged again after an invalidation of groups',
    REGISTER,
    'LocalInvalidations.isCurrent',
    'return args[0].stamp !== undefined;',
  ),
  one(
    'floor of the register not raised when marks are dropped',
    REGISTER,
    'LocalInvalidations.#setMark',
    'this.#marks.set(args[0], args[1]);',
    { specs: ['test/core/groups/local-invalidations.spec.ts'] },
  ),
  {
    name: 'store by flights that were detached, in memory',
    patches: [
      { file: MEMORY, function: 'MemoryTiers.store', body: AS_STORABLE },
      {
        file: 'lib/core/read/entry-builder.ts',
        function: 'EntryBuilder.#storageDecision',
        body: AS_STORABLE,
      },
    ],
  },
  one('tags of the result not looked at', GROUPS, 'hasOtherTags', 'return false;'),

  // Journal and order
  one(
    'journal replayed after the backend is trusted',
    INVALIDATOR,
    'Invalidator.isDrained',
    'return true;',
  ),
  one('recent changes not repeated after a reconnection', INVALIDATOR, 'Invalidator.remember', ''),
  {
    name: 'order of writes ignored',
    patches: [
      { file: ORDER, function: 'WriteOrder.enqueueSet', body: 'return args[2]();' },
      { file: ORDER, function: 'WriteOrder.enqueueChange', body: '' },
    ],
  },
  one(
    'order of writes ignored, in a backend of two methods',
    TWO_METHODS,
    'TwoMethodTiers.#write',
    'return this.#bounded(args[0], this.parts.timeoutMs, args[2]);',
    { specs: ['test/core/read/two-method-tiers.spec.ts', 'test/races/puts.spec.ts'] },
  ),
  one(
    'notice sent before the change',
    LINK,
    'SimulatedLink.delete',
    `const [keys, settleMs] = args;
    this.server.publish(this.name, { kind: 'keys', keys });
    return this.#call('delete', () => this.server.forget(keys, settleMs));`,
  ),

  // Leases
  one(
    'lease after the look',
    ACQUIRE,
    'LeaseAcquirer.#leaseAndLook',
    `const [seeking, known, overtaken] = args;
    const look = await seeking.lookAgain(known.groups);
    return original({ ...seeking, lookAgain: () => Promise.resolve(look) }, known, overtaken);`,
  ),
  one(
    'no second look',
    ACQUIRE,
    'LeaseAcquirer.#decide',
    `const [seeking, round] = args;
    return original(seeking, { ...round, lookup: { ...round.lookup, value: undefined } });`,
  ),
  one(
    'ticks from before the lease kept',
    ACQUIRE,
    'LeaseAcquirer.#grant',
    `original(...args);
    const ticks = args[1].slice(args[1].lastIndexOf(':') + 1).split(',').map(Number);
    if (!ticks.some(Number.isNaN)) args[0].startTicks = ticks;`,
  ),
  one(
    'ticks from before a take-over kept',
    ACQUIRE,
    'LeaseAcquirer.#leaseAndLook',
    `const [seeking, known, overtaken] = args;
    const { scopes, groups } = known;
    const lookAgain = async (asked) => ({ ...(await seeking.lookAgain(asked)), scopes, groups });
    const before = overtaken === undefined ? seeking : { ...seeking, lookAgain };
    return original(before, known, overtaken);`,
  ),
  one(
    'lease taken over although nothing has overtaken it',
    LEASES,
    'Leases.isOvertaken',
    'return true;',
  ),
  one('lease kept although a value was found', ACQUIRE, 'LeaseAcquirer.#giveBack', ''),
  one(
    'lease kept by a production without a result',
    LEASES,
    'Leases.release',
    'args[0].renewal?.cancel(); args[0].lease = undefined;',
  ),
  one('start ticks taken after the producer', TIERS, 'SharedTiers.store', AFTERWARDS),
  one(
    'missing marker taken for a valid one',
    GROUPS,
    'validityOf',
    `const none = { hard: 0, soft: 0, settleUntil: 0, combinations: [] };
    const [startTicks, request, reading] = args;
    const all = reading.map(({ markers }) => ({ markers: markers.map((one) => one ?? none) }));
    return original(startTicks, request, all);`,
  ),
  one(
    'missing marker made from zero',
    SERVER,
    'SimulatedServer.ensure',
    `const [{ scope, groups }] = args;
    for (const id of groups.map((group) => scope + ' ' + group))
      if (!this.markers.has(id)) this.markers.set(id, markerAt(0));
    return original(...args);`,
  ),
  one(
    'fill without the lease check',
    SERVER,
    'SimulatedServer.fill',
    `const [{ key, token }] = args;
    this.leases.set(key, { token, until: Infinity, endings: 0 });
    return original(...args);`,
  ),
  one(
    'release by a process that does not hold the lease',
    SERVER,
    'SimulatedServer.release',
    'this.leases.delete(args[0]); this.#wake(args[0]);',
  ),
  one(
    'delete that leaves the lease',
    SERVER,
    'SimulatedServer.forget',
    `const held = args[0].map((key) => [key, this.leases.get(key)]);
    original(...args);
    for (const [key, lease] of held) if (lease !== undefined) this.leases.set(key, lease);`,
  ),

  one(
    'lease that is answered too late and not given back',
    BATCH,
    'rejectLate',
    'args[3] = false; return original(...args);',
    { specs: ['test/chaos/late-acquire.spec.ts'] },
  ),

  // Results of methods
  one(
    'put without the lease check',
    SERVER,
    'SimulatedServer.set',
    'return original(...args.slice(0, 4));',
  ),
  one('put of an overtaken method, in memory', PUTS, 'Puts.store', AS_STORABLE),
  one('put with the ticks of after the method', TIERS, 'SharedTiers.storePut', AFTERWARDS),
  one(
    'refused put that leaves the key as it is',
    PUTS,
    'Puts.#onRefused',
    'return Promise.resolve(true);',
  ),

  // Scripts
  script('fill that checks one lease for all', 'FILL_ITEMS', [
    /held\[i\] ~= ARGV\[last - 4\]/,
    'held[1] ~= ARGV[args + 1]',
  ]),
  script('fill without the lease check', 'FILL_ITEMS', [
    /held\[i\] ~= ARGV\[last - 4\]/,
    'not held[i]',
  ]),
  script('two fills by one lease in a batch', 'FILL_ITEMS', [/ or filled\[leases\[i\]\]/, '']),
  script('release by a process that does not hold the lease', 'RELEASE', [
    /redis\.pcall\('GET', KEYS\[i \* 2 - 1\]\) == ARGV\[i \* 2 \+ 2\]/,
    'true',
  ]),
  script('renewal by a process that does not hold the lease', 'RENEW', [
    /redis\.p?call\('GET', key\) == ARGV\[i \* 2 - 1\]/,
    'true',
  ]),
  script('lease taken over although it is another one', 'LEASE', [
    /held == token or held == ARGV\[i\]/,
    "ARGV[i] ~= ''",
  ]),
  script('delete that leaves the lease', 'DELETE', [/, KEYS\[i \* 4 \+ 2\]/, '']),
  script('put without the lease check', 'SET', [
    /redis\.p?call\('GET', KEYS\[2\]\) ~= ARGV\[7\]/,
    'false',
  ]),
  script('set that leaves the lease', 'SET', [/KEYS\[2\], KEYS\[3\]/, 'KEYS[3]']),
  {
    ...script('set that arrives after its deadline', 'SET', [
      /ms\(time\(\)\) > tonumber\(ARGV\[8\]\)/,
      'false',
    ]),
    specs: ['test/chaos/late-set.spec.ts'],
  },
  script(
    'missing marker made from zero',
    'ENSURE_FUNCTION',
    [/redis\.call\('SET', KEYS\[i\], text\(at\)/, "redis.call('SET', KEYS[i], '0'"],
    SCRIPT_FUNCTIONS,
  ),
  script('clock that does not move on an invalidation', 'INVALIDATE', [
    /before and math\.max\(now, before \+ 1\) or now/,
    'before or now',
  ]),
  script('invalidation of a lost marker that forgets what it guarded', 'INVALIDATE', [
    /local since = before or tick/,
    'local since = 0',
  ]),
];
