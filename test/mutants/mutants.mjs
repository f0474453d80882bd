/**
 * Faults made by hand, one at a time, in what keeps the promise. The schedules and the model have to catch each of them.
 * `find` must occur exactly once in `file`.
 */
export const mutants = [
  {
    name: 'no detach',
    file: 'lib/core/read/flight.ts',
    find: '  detach(): void {\n    this.joinable = false;\n    this.storable = false;',
    replace: '  detach(): void {',
  },
  {
    name: 'detach only before the delete',
    file: 'lib/core/invalidate/invalidator.ts',
    find: '    // Again: a load that began in between may have read what the backend still had.\n    for (const change of changes) this.here(change);',
    replace: '',
  },
  {
    name: 'start tick taken after the producer',
    file: 'lib/core/read/load.ts',
    find: '        stored = await tiers.store.fill(call.storageKey, lease, entry, ',
    replace:
      '        const late = (await tiers.store.ensure(call.groups, 1_000)).map((scope) => scope.clock ?? 0);\n' +
      '        stored = await tiers.store.fill(call.storageKey, lease, { ...entry, startTicks: late }, ',
  },
  {
    name: 'fill without the lease check',
    file: 'test/support/simulated-server.ts',
    find: '  fill(key: string, lease: string, payload: Payload, ttlMs: number): boolean {\n    if (this.lease(key) !== lease) return false;',
    replace: '  fill(key: string, lease: string, payload: Payload, ttlMs: number): boolean {',
  },
  {
    name: 'fill without the lease check, in memory, by flights that were detached',
    file: 'lib/backends/memory/memory-store.ts',
    find: '    if (!this.space.leases.isHeld(key, lease, this.now())) return false;\n    this.#put',
    replace: '    this.#put',
    also: [
      {
        file: 'lib/core/read/load.ts',
        find: '      if (flight.storable && lease !== undefined) {\n',
        replace: '      if (lease !== undefined) {\n',
      },
      {
        file: 'lib/core/read/load.ts',
        find: '    if (flight.storable) tiers.keep(',
        replace: '    tiers.keep(',
      },
      {
        file: 'lib/core/read/load.ts',
        find: 'const entry = flight.storable && flight.lease',
        replace: 'const entry = flight.lease',
      },
    ],
  },
  {
    name: 'lease released by a non-owner',
    file: 'test/support/simulated-server.ts',
    find: '  release(key: string, lease: string): void {\n    if (this.lease(key) !== lease) return;',
    replace: '  release(key: string, _lease: string): void {',
  },
  {
    name: 'missing marker read as valid',
    file: 'lib/core/groups/groups.ts',
    find: 'if (marker === undefined || marker.hard > start)',
    replace: 'if (marker === undefined) continue;\n      if (marker.hard > start)',
  },
  {
    name: 'L1 kept over a gap',
    file: 'lib/core/invalidate/invalidator.ts',
    find: '        fences.forget();\n        if (!local) near?.clear();',
    replace: '        void fences;\n        void near;\n        void local;',
  },
  {
    name: 'background refresh that ignores a delete',
    file: 'lib/core/read/single-flight.ts',
    find: 'for (const flight of this.#of(storageKey)) flight.keyMoved();',
    replace:
      'for (const flight of this.#of(storageKey)) if (!flight.background) flight.keyMoved();',
  },
  {
    name: 'notice sent before the durable change',
    file: 'test/support/simulated-backend.ts',
    find: "    return this.#call(`delete ${keys.join(' ')}`, () => {\n      this.server.delete(this.name, keys, settleMs);\n    });",
    replace:
      "    this.server.tell(this.name, { kind: 'keys', keys });\n" +
      "    return this.#call(`delete ${keys.join(' ')}`, () => {\n      this.server.forget(keys, settleMs);\n    });",
  },
  {
    name: 'journal replayed after L2 is trusted',
    file: 'lib/core/invalidate/invalidator.ts',
    find: '    return this.#pending.size === 0 && this.#reapplied === this.#reconnections;',
    replace: '    return true;',
  },
  {
    name: 'joining without a proof',
    file: 'lib/core/read/get-or-set.ts',
    find: '    if (flight.lease === undefined || look.lease !== flight.lease || look.scopes === undefined) return false;',
    replace: '    if (look.scopes === undefined || flight.joinable) return true;',
  },
  {
    name: 'joining by the lease without the clocks',
    file: 'lib/core/read/get-or-set.ts',
    find: '    return look.scopes.every((scope, i) => scope.clock !== undefined && scope.clock === flight.startTicks[i]);',
    replace: '    return true;',
  },
  {
    name: 'joining by the clocks without the lease',
    file: 'lib/core/read/get-or-set.ts',
    find: 'flight.lease === undefined || look.lease !== flight.lease || ',
    replace: '',
  },
  {
    name: 'what a flight found counts for who came later',
    file: 'lib/core/read/get-or-set.ts',
    find: '        if (landing.asOf < asked && !coherent) return undefined;',
    replace: '',
  },
  {
    name: 'backend reads kept in L1 although something moved meanwhile',
    file: 'lib/core/read/tiers.ts',
    find: "verdict === 'fresh' && this.fences.quietSince(began)",
    replace: "verdict === 'fresh'",
  },
  {
    name: 'L1 entries proved by the end of the load instead of its beginning',
    file: 'lib/core/read/load.ts',
    find: 'tiers.keep(call.storageKey, entry, began);',
    replace: 'tiers.keep(call.storageKey, entry, began && tiers.fences.moment());',
  },
  {
    name: 'L1 asked although nothing is heard',
    file: 'test/support/simulated-backend.ts',
    find: '  hearing(): boolean {\n    return !this.deaf && ',
    replace: '  hearing(): boolean {\n    return ',
  },
  {
    name: 'entry kept in L1 by a flight that was detached',
    file: 'lib/core/read/load.ts',
    find: '    if (flight.storable) tiers.keep(',
    replace: '    tiers.keep(',
  },
  {
    name: 'delete that leaves the lease',
    file: 'test/support/simulated-server.ts',
    find: '      this.values.delete(key);\n      this.#end(key);',
    replace: '      this.values.delete(key);',
  },
  {
    name: 'missing marker made from zero',
    file: 'test/support/simulated-server.ts',
    find: 'this.markers.set(id, markerAt(clock));',
    replace: 'this.markers.set(id, markerAt(0));',
  },
  {
    name: 'flight taken out by a flight that is not in',
    file: 'lib/core/read/single-flight.ts',
    find: 'if (this.#flights.get(storageKey) === flight) this.#flights.delete(storageKey);',
    replace: 'if (this.#flights.has(storageKey)) this.#flights.delete(storageKey);',
  },
  {
    name: 'the tags of the result not looked at',
    file: 'lib/core/read/tiers.ts',
    find: 'if (stored === undefined || !hasOtherTags(stored, call.tags)) return',
    replace: 'if (true as boolean) return',
    also: [
      {
        file: 'lib/core/read/tiers.ts',
        find: 'if (entry === undefined || hasOtherTags(entry, tags)) return',
        replace: 'if (entry === undefined) return',
      },
    ],
  },
  {
    name: 'a stand-in that was read before a delete, for those who came after it',
    file: 'lib/core/read/get-or-set.ts',
    find: 'this.parts.tiers.coherent && flight.candidateHolds',
    replace: 'this.parts.tiers.coherent',
  },
  {
    name: 'a stand-in that an invalidation of its key has overtaken',
    file: 'lib/core/read/load.ts',
    find: '  return !flight.overtaken && (',
    replace: '  return (',
  },
  {
    name: 'the last caller to leave takes the others with it',
    file: 'lib/core/read/flight.ts',
    find: '    if (this.#callers === 0 && !this.background)',
    replace: '    if (!this.background)',
  },
  {
    name: 'lease kept by a production that ended without a result',
    file: 'lib/core/read/load.ts',
    find: '      cancelRenewal();\n      desk.release(flight);',
    replace: '      cancelRenewal();',
  },
  {
    name: 'put without the lease check',
    file: 'test/support/simulated-server.ts',
    find: '    if (lease !== undefined && this.lease(key) !== lease) return false;\n',
    replace: '    void lease;\n',
  },
  {
    name: 'put without the lease check, in memory',
    file: 'lib/backends/memory/memory-store.ts',
    find: '    if (lease !== undefined && !this.space.leases.isHeld(key, lease, this.now())) return false;\n',
    replace: '    void lease;\n',
  },
  {
    name: 'put with the clocks of after the method',
    file: 'lib/core/invalidate/set.ts',
    find: 'this.#entry(call, parcel, put.startTicks, ',
    replace:
      'this.#entry(call, parcel, (await keeper.ensure(parcel.groups, now)).map((scope) => scope.clock ?? 0), ',
  },
  {
    name: 'put that was refused and leaves the key as it is',
    file: 'lib/core/invalidate/set.ts',
    find: "    if (events.wanted) events.emit({ type: 'fill_refused', key: label(call.storageKey) });\n    return apply([removal]);",
    replace:
      "    if (events.wanted) events.emit({ type: 'fill_refused', key: label(call.storageKey) });\n    return true;",
  },
];
