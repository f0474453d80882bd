import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Payload } from '../ports/codec.js';
import type { GroupInvalidation, ScopeGroups, ScopeReading } from '../ports/groups.js';
import type {
  FillReply,
  FillRequest,
  LeaseRequest,
  Notice,
  ReadRequest,
  SharedBackend,
} from '../ports/shared-backend.js';
import type { Tick } from '../ports/time.js';
import { eventually, sleep, type SuiteRunner, type Wait } from './runner.js';

export interface SharedBackendSuite extends SuiteRunner {
  /** Shown in the titles. */
  readonly name: string;
  /** Opens the namespace; called several times for the same one, as by several processes. */
  readonly open: (namespace: string) => SharedBackend | Promise<SharedBackend>;
  /** Called after each test, when its backends have been closed. */
  readonly close?: () => unknown;
  /** Default: really sleeps. */
  readonly wait?: Wait;
  /** The shortest time that tests wait for, in ms: enough for a few round trips. Default 100. */
  readonly shortMs?: number;
}

export const LONG = 600_000;

export const STORED: FillReply = { stored: true };
export const LOST: FillReply = { stored: false, settleUntil: 0 };

/** A payload of its own for each number. */
export function value(n: number): string {
  return `value ${String(n)}`;
}

/** What one test works with: two users of one namespace. */
export class Fixture {
  readonly notices: Notice[] = [];
  readonly #opened: SharedBackend[] = [];

  private constructor(
    readonly suite: SharedBackendSuite,
    readonly namespace: string,
  ) {}

  /** Declares a test that works with a fixture of its own. */
  static tests(
    suite: SharedBackendSuite,
  ): (title: string, test: (fixture: Fixture) => Promise<void>) => void {
    return (title, test) => {
      suite.it(title, async () => {
        const fixture = new Fixture(suite, `conformance-${randomUUID()}`);
        try {
          await fixture.open(fixture.namespace);
          await fixture.open(fixture.namespace);
          await test(fixture);
        } finally {
          await fixture.close();
        }
      });
    };
  }

  get first(): SharedBackend {
    return this.#at(0);
  }

  get second(): SharedBackend {
    return this.#at(1);
  }

  get shortMs(): number {
    return this.suite.shortMs ?? 100;
  }

  async open(namespace: string): Promise<SharedBackend> {
    const backend = await this.suite.open(namespace);
    this.#opened.push(backend);
    await eventually('the backend to be up', () => backend.state === 'up');
    return backend;
  }

  /** Collects the notices that `second` receives. */
  async listen(): Promise<() => void> {
    const end = this.second.subscribe((notice) => this.notices.push(notice));
    await eventually('the backend to be coherent', () => this.second.isCoherent());
    return end;
  }

  waitForNotice<Kind extends Notice['kind']>(
    kind: Kind,
    matches: (notice: Extract<Notice, { kind: Kind }>) => boolean,
  ): Promise<Extract<Notice, { kind: Kind }>> {
    const isIt = (notice: Notice): notice is Extract<Notice, { kind: Kind }> =>
      notice.kind === kind && matches(notice as Extract<Notice, { kind: Kind }>);
    return eventually(`a notice of ${kind}`, () => this.notices.find(isIt));
  }

  wait(ms: number): Promise<unknown> {
    return (this.suite.wait ?? sleep)(ms);
  }

  /** @param n number of the value; undefined: nothing is stored */
  async expectStored(key: string, n: number | undefined): Promise<void> {
    for (const backend of [this.first, this.second])
      expectPayload((await backend.read(readOf(key))).stored, n);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((backend) => backend.close()));
    await this.suite.close?.();
  }

  #at(index: number): SharedBackend {
    const backend = this.#opened[index];
    assert.ok(backend);
    return backend;
  }
}

/** As strings, because a backend may give bytes where it was given text. */
export function expectPayload(stored: Payload | undefined, n: number | undefined): void {
  const text = stored instanceof Uint8Array ? Buffer.from(stored).toString('latin1') : stored;
  assert.equal(text, n === undefined ? undefined : value(n));
}

export function readOf(
  key: string,
  scopes: readonly ScopeGroups[] = [],
  withLease = false,
): ReadRequest {
  return { key, scopes, withLease, text: true };
}

export function leaseOf(
  key: string,
  token: string,
  more: Partial<LeaseRequest> = {},
): LeaseRequest {
  return { key, token, leaseMs: LONG, ...more };
}

export function fillOf(
  key: string,
  token: string,
  n: number,
  more: Partial<FillRequest> = {},
): FillRequest {
  return { key, token, payload: value(n), ttlMs: LONG, ...more };
}

export function invalidationOf(
  groups: readonly string[],
  more: Partial<GroupInvalidation> = {},
): GroupInvalidation {
  return { scope: '', groups, match: 'any', mode: 'hard', settleMs: 0, ...more };
}

/** How valid an entry in these groups is whose load began at `start`: what the promise is about. */
export function validityOf(
  start: Tick | undefined,
  groups: readonly string[],
  reading: ScopeReading | undefined,
): 'valid' | 'soft' | 'invalidated' {
  if (start === undefined || reading?.clock === undefined) return 'invalidated';
  let soft = false;
  for (const marker of reading.markers) {
    if (marker === undefined) return 'invalidated';
    const moves = [
      marker,
      ...marker.combinations.filter((combination) =>
        combination.groups.every((group) => groups.includes(group)),
      ),
    ];
    if (moves.some((move) => move.hard > start)) return 'invalidated';
    soft ||= moves.some((move) => move.soft > start);
  }
  return soft ? 'soft' : 'valid';
}
