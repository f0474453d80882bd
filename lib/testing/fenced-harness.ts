import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Tick } from '../ports/entry.js';
import type {
  AcquireRequest,
  SharedBackend,
  GroupInvalidation,
  Notice,
  ReadRequest,
  ScopeGroups,
  ScopeReading,
} from '../ports/shared-backend.js';
import { eventually, sleep, type SuiteRunner, type Wait } from './runner.js';

export interface FencedSuite<Stored> extends SuiteRunner {
  /** Shown in the titles. */
  readonly name: string;
  /** Opens the namespace; called several times for the same one, as by several processes. */
  readonly open: (namespace: string) => SharedBackend<Stored> | Promise<SharedBackend<Stored>>;
  /** A value of its own for each number. */
  readonly value: (n: number) => Stored;
  /** Called after each test, when its stores have been closed. */
  readonly close?: () => unknown;
  /** Default: really sleeps. */
  readonly wait?: Wait;
  /** The shortest time that is waited for in the tests, in milliseconds: enough for a few round trips. Default 100. */
  readonly shortMs?: number;
}

export const LONG = 600_000;

/** What one test works with: two users of one namespace. */
export class Fixture<Stored> {
  readonly heard: Notice[] = [];
  readonly #opened: SharedBackend<Stored>[] = [];

  private constructor(
    readonly suite: FencedSuite<Stored>,
    readonly namespace: string,
  ) {}

  static async open<Stored>(suite: FencedSuite<Stored>): Promise<Fixture<Stored>> {
    const fixture = new Fixture(suite, `conformance-${randomUUID()}`);
    await fixture.another(fixture.namespace);
    await fixture.another(fixture.namespace);
    return fixture;
  }

  get a(): SharedBackend<Stored> {
    return this.#at(0);
  }

  get b(): SharedBackend<Stored> {
    return this.#at(1);
  }

  get shortMs(): number {
    return this.suite.shortMs ?? 100;
  }

  async another(namespace: string): Promise<SharedBackend<Stored>> {
    const store = await this.suite.open(namespace);
    this.#opened.push(store);
    await eventually('the store to be up', () => store.state === 'up');
    return store;
  }

  /** Listens with `b`. */
  async listen(): Promise<() => void> {
    const end = this.b.subscribe((notice) => this.heard.push(notice));
    await eventually('the store to hear', () => this.b.isCoherent());
    return end;
  }

  /** Waits for a notice that fits. */
  hears<Kind extends Notice['kind']>(
    kind: Kind,
    fits: (notice: Extract<Notice, { kind: Kind }>) => boolean,
  ): Promise<Extract<Notice, { kind: Kind }>> {
    const isIt = (notice: Notice): notice is Extract<Notice, { kind: Kind }> =>
      notice.kind === kind && fits(notice as Extract<Notice, { kind: Kind }>);
    return eventually(`a notice about ${kind}`, () => this.heard.find(isIt));
  }

  wait(ms: number): Promise<unknown> {
    return (this.suite.wait ?? sleep)(ms);
  }

  /** As text that can be compared, whether it came as text, bytes or an entry. */
  shown(stored: unknown): string | undefined {
    if (stored === undefined || typeof stored === 'string') return stored;
    return stored instanceof Uint8Array
      ? Buffer.from(stored).toString('latin1')
      : JSON.stringify(stored);
  }

  expect(stored: Stored | undefined, n: number | undefined): void {
    assert.equal(this.shown(stored), n === undefined ? undefined : this.shown(this.suite.value(n)));
  }

  async holds(key: string, n: number | undefined): Promise<void> {
    for (const store of [this.a, this.b]) this.expect((await store.read(readOf(key))).stored, n);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((store) => store.close()));
    await this.suite.close?.();
  }

  #at(index: number): SharedBackend<Stored> {
    const store = this.#opened[index];
    assert.ok(store);
    return store;
  }
}

export function readOf(
  key: string,
  scopes: readonly ScopeGroups[] = [],
  withLease = false,
): ReadRequest {
  return { key, scopes, withLease, text: true };
}

export function acquireOf<Stored>(
  key: string,
  lease: string,
  more: Partial<AcquireRequest<Stored>> = {},
): AcquireRequest<Stored> {
  return { key, lease, leaseMs: LONG, seen: undefined, dead: undefined, text: true, ...more };
}

export function invalidationOf(
  groups: readonly string[],
  more: Partial<GroupInvalidation> = {},
): GroupInvalidation {
  return { scope: '', groups, match: 'any', mode: 'hard', settleMs: 0, ...more };
}

/** How an entry that is in these groups and began to be loaded at `start` stands: what the promise is about. */
export function standing(
  start: Tick | undefined,
  groups: readonly string[],
  reading: ScopeReading | undefined,
): 'current' | 'soft' | 'dead' {
  if (start === undefined || reading?.clock === undefined) return 'dead';
  let soft = false;
  for (const marker of reading.markers) {
    if (marker === undefined) return 'dead';
    const moves = [
      marker,
      ...marker.combinations.filter((combination) =>
        combination.groups.every((group) => groups.includes(group)),
      ),
    ];
    if (moves.some((move) => move.hard > start)) return 'dead';
    soft ||= moves.some((move) => move.soft > start);
  }
  return soft ? 'soft' : 'current';
}
