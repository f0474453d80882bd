import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CacheBackend } from '../ports/backend.js';
import { sleep, type SuiteRunner, type Wait } from './runner.js';

export interface BackendSuite extends SuiteRunner {
  /** Shown in the titles. */
  readonly name: string;
  /**
   * Makes the backend; called once for each test. Tests use keys of their own, so that a shared
   * server need not be empty.
   */
  readonly open: () => CacheBackend | Promise<CacheBackend>;
  /** Called after each test; default: the backend's own `close`. */
  readonly close?: (backend: CacheBackend) => unknown;
  /** Default: really sleeps. */
  readonly wait?: Wait;
  /** Does the backend have `delete`? Default false. */
  readonly canDelete?: boolean;
  /** The length of a ttl in the tests, in milliseconds: enough for two round trips. Default 100. */
  readonly ttlMs?: number;
}

/**
 * What every backend must do: keep bytes under a key for a time. Enough for a backend of one's own:
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * import { describeBackend } from 'nest-query-cache/testing';
 *
 * describeBackend({ describe, it, name: 'MyBackend', open: () => new MyBackend() });
 * ```
 */
export function describeBackend(suite: BackendSuite): void {
  const { describe, wait = sleep, canDelete = false, ttlMs = 100 } = suite;
  const LONG = 600_000;
  const it = (title: string, test: (backend: CacheBackend, key: string) => Promise<void>): void => {
    suite.it(title, async () => {
      const backend = await suite.open();
      try {
        await test(backend, `conformance:${randomUUID()}`);
      } finally {
        await (suite.close === undefined ? backend.close?.() : suite.close(backend));
      }
    });
  };

  describe(`${suite.name} as a backend`, () => {
    it('has nothing under a key that was never set', async (backend, key) => {
      assert.equal((await backend.get(key)) ?? undefined, undefined);
    });

    it('gives back the bytes that were set, whatever they are', async (backend, key) => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i);
      for (const bytes of [
        every,
        new Uint8Array(0),
        Uint8Array.of(0),
        Uint8Array.of(0xff, 0xfe, 0x0d, 0x0a, 0x00),
        Buffer.from('é😀'),
      ]) {
        await backend.set(key, bytes, LONG);
        same(await backend.get(key), bytes);
      }
    });

    it('keeps a view of a larger buffer as what the view shows', async (backend, key) => {
      const bytes = Uint8Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5);
      await backend.set(key, bytes, LONG);
      same(await backend.get(key), Uint8Array.of(1, 2, 3));
    });

    it('keeps a value of one mebibyte', async (backend, key) => {
      const bytes = Uint8Array.from({ length: 1_048_576 }, (_, i) => (i * 31) % 256);
      await backend.set(key, bytes, LONG);
      same(await backend.get(key), bytes);
    });

    it('takes keys as they are, and never one for another', async (backend, key) => {
      const keys = [
        key,
        `${key} `,
        `${key}*`,
        `${key}?`,
        `${key}{x}`,
        `${key}\r\nGET x`,
        `${key}\0`,
        `${key}é`,
        `${key}E\u0301`,
        `${key}/${'k'.repeat(400)}`,
      ];
      await Promise.all(keys.map((each, i) => backend.set(each, Uint8Array.of(i), LONG)));
      for (const [i, each] of keys.entries()) same(await backend.get(each), Uint8Array.of(i));
    });

    it('replaces what was there', async (backend, key) => {
      await backend.set(key, Uint8Array.of(1, 1, 1), LONG);
      await backend.set(key, Uint8Array.of(2), LONG);
      same(await backend.get(key), Uint8Array.of(2));
    });

    it('keeps its own copy of what it was given and gives out', async (backend, key) => {
      const given = Uint8Array.of(1, 2, 3);
      await backend.set(key, given, LONG);
      given.fill(9);
      const taken = await backend.get(key);
      same(taken, Uint8Array.of(1, 2, 3));
      taken?.fill(9);
      same(await backend.get(key), Uint8Array.of(1, 2, 3));
    });

    it('forgets a value when its time is over, and not before', async (backend, key) => {
      await backend.set(key, Uint8Array.of(1), ttlMs);
      await backend.set(`${key}:long`, Uint8Array.of(2), LONG);
      same(await backend.get(key), Uint8Array.of(1));
      await wait(ttlMs);
      assert.equal((await backend.get(key)) ?? undefined, undefined);
      same(await backend.get(`${key}:long`), Uint8Array.of(2));
    });

    it('counts the time anew when a value is replaced', async (backend, key) => {
      await backend.set(key, Uint8Array.of(1), ttlMs);
      await backend.set(key, Uint8Array.of(2), LONG);
      await wait(ttlMs);
      same(await backend.get(key), Uint8Array.of(2));
      await backend.set(key, Uint8Array.of(3), ttlMs);
      await wait(ttlMs);
      assert.equal((await backend.get(key)) ?? undefined, undefined);
    });

    it('takes a time of one millisecond', async (backend, key) => {
      await backend.set(key, Uint8Array.of(1), 1);
      await wait(5);
      assert.equal((await backend.get(key)) ?? undefined, undefined);
    });

    it('serves many calls at once', async (backend, key) => {
      const many = Array.from({ length: 200 }, (_, i) => i);
      await Promise.all(
        many.map((i) => backend.set(`${key}:${String(i)}`, Uint8Array.of(i), LONG)),
      );
      const read = await Promise.all(many.map((i) => backend.get(`${key}:${String(i)}`)));
      read.forEach((bytes, i) => {
        same(bytes, Uint8Array.of(i));
      });
    });

    if (!canDelete) {
      it('says that it cannot delete, by having no such method', async (backend) => {
        assert.ok(
          !('delete' in backend),
          'The backend has delete: give the suite canDelete: true, so that it is tested.',
        );
      });
      return;
    }

    it('has nothing under a key that was deleted, and takes it again', async (backend, key) => {
      await backend.set(key, Uint8Array.of(1), LONG);
      await backend.set(`${key}:other`, Uint8Array.of(2), LONG);
      await backend.delete?.(key);
      assert.equal((await backend.get(key)) ?? undefined, undefined);
      same(await backend.get(`${key}:other`), Uint8Array.of(2));
      await backend.set(key, Uint8Array.of(3), LONG);
      same(await backend.get(key), Uint8Array.of(3));
    });

    it('does not mind deleting what is not there', async (backend, key) => {
      await backend.delete?.(key);
      await backend.delete?.(key);
    });
  });
}

function same(actual: Uint8Array | null | undefined, expected: Uint8Array): void {
  assert.ok(
    actual instanceof Uint8Array,
    `Expected ${String(expected.byteLength)} bytes as a Uint8Array; got ${String(actual)}.`,
  );
  assert.ok(
    Buffer.from(actual).equals(expected),
    `Expected the bytes that were set (${String(expected.byteLength)}); ` +
      `got ${String(actual.byteLength)} others.`,
  );
}
