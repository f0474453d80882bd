import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../../lib/backends/redis/connection/client-adapter.js';
import { InFlightLimit } from '../../../../lib/backends/redis/connection/in-flight-limit.js';
import type {
  Argument,
  RedisClient,
} from '../../../../lib/backends/redis/connection/client-adapter.js';
import type { BackendError } from '../../../../lib/ports/errors.js';

const TIMEOUT_MS = 250;

/** A node that answers when the test says so, in the order of what was written. */
class Node {
  readonly written: {
    readonly name: string;
    readonly args: readonly Argument[];
    readonly answer: (reply: unknown) => void;
  }[] = [];
  readonly names: string[] = [];
  silences = 0;
  readonly window: InFlightLimit;

  constructor() {
    const send = (_key: string, args: Argument[]): Promise<unknown> =>
      new Promise((resolve) => {
        const name = String(args[0]);
        this.names.push(name);
        this.written.push({ name, args, answer: resolve });
      });
    this.window = new InFlightLimit(
      { send } as unknown as RedisClient,
      TIMEOUT_MS,
      (_command, _error, _code, silent) => {
        if (silent) this.silences++;
      },
    );
  }

  ask(name: string, more: Partial<Command> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.window.send({ key: 'k', args: [name], ...more }, { resolve, reject });
    }).then(String, (error: unknown) => (error as BackendError).code);
  }

  async answer(count: number): Promise<void> {
    for (const { name, answer } of this.written.splice(0, count)) answer(name);
    await sleep(0);
  }
}

describe('what is under way to a node', () => {
  it('is bounded, and all of a bulk is done in the end', async () => {
    const node = new Node();
    const bulk = Array.from({ length: 5_000 }, (_, i) => node.ask(String(i)));
    await sleep(0);
    let most = 0;
    while (node.written.length > 0) {
      most = Math.max(most, node.written.length);
      await node.answer(50);
    }
    expect(most).toBeLessThan(300);
    expect(await Promise.all(bulk)).toEqual(bulk.map((_, i) => String(i)));
    expect(node.silences).toBe(0);
  });

  it('leaves room for a single command soon, although a bulk came before it', async () => {
    const node = new Node();
    const bulk = Array.from({ length: 3_000 }, () => node.ask('bulk'));
    await sleep(5);
    const single = node.ask('single');
    await node.answer(5);
    expect(node.names.indexOf('single')).toBeGreaterThan(0);
    while (node.written.length > 0) await node.answer(500);
    expect(await single).toBe('single');
    await Promise.all(bulk);
  });

  it('makes a last argument when it is written, not when it is asked for', async () => {
    const node = new Node();
    let moment = 'asked';
    const bulk = Array.from({ length: 400 }, () => node.ask('bulk'));
    const last = node.ask('last', { last: () => moment });
    moment = 'written';
    while (node.written.length > 0) {
      const found = node.written.find(({ name }) => name === 'last');
      if (found !== undefined) expect(found.args).toEqual(['last', 'written']);
      await node.answer(100);
    }
    await Promise.all([last, ...bulk]);
  });
});

describe('a node that does not answer', () => {
  it('fails what is under way at the deadline, and what waits for its turn when it is given up', async () => {
    const node = new Node();
    const asked = performance.now();
    const bulk = Array.from({ length: 1_000 }, () => node.ask('x'));
    const under = await bulk[0];
    expect(under).toBe('CACHE_BACKEND_TIMEOUT');
    expect(performance.now() - asked).toBeGreaterThan(TIMEOUT_MS * 0.9);
    expect(node.silences).toBeGreaterThan(0);
    node.window.rejectAll('it is given up.');
    expect(new Set(await Promise.all(bulk))).toEqual(
      new Set(['CACHE_BACKEND_TIMEOUT', 'CACHE_BACKEND_UNAVAILABLE']),
    );
  });

  it('does not become trusted by answers that came too late for anyone', async () => {
    const node = new Node();
    const first = node.ask('first');
    await sleep(TIMEOUT_MS / 2);
    const second = node.ask('second');
    expect(await first).toBe('CACHE_BACKEND_TIMEOUT');
    await node.answer(1);
    expect(await second).toBe('CACHE_BACKEND_TIMEOUT');
    expect(node.silences).toBe(2);
  });

  it('is not taken for gone because this process was busy', async () => {
    const node = new Node();
    const asked = node.ask('x');
    await sleep(TIMEOUT_MS * 0.3);
    // not late for its own timer: over before the deadline, and little time is left
    for (const end = performance.now() + TIMEOUT_MS * 0.6; performance.now() < end;);
    await sleep(TIMEOUT_MS * 0.4);
    await node.answer(1);
    expect([await asked, node.silences]).toEqual(['x', 0]);
  });
});

describe('a node that is slow', () => {
  it('is used as it is while it goes on answering', async () => {
    const node = new Node();
    const asked = Array.from({ length: 6 }, (_, i) => node.ask(String(i)));
    for (let i = 0; i < 6; i++) {
      await sleep(TIMEOUT_MS / 2);
      await node.answer(1);
    }
    expect([await Promise.all(asked), node.silences]).toEqual([['0', '1', '2', '3', '4', '5'], 0]);
  });

  it('does not hold up a caller beyond the time he gave, whether he waits for his turn or for the answer', async () => {
    const node = new Node();
    const bulk = Array.from({ length: 1_000 }, () => node.ask('bulk'));
    let answered = 0;
    const ended = Promise.all([
      node.ask('a', { timeoutMs: TIMEOUT_MS }),
      node.ask('b', { timeoutMs: TIMEOUT_MS / 2 }),
    ]);
    const going = setInterval(() => {
      answered++;
      void node.answer(1);
    }, TIMEOUT_MS / 10);
    expect(await ended).toEqual(['CACHE_BACKEND_TIMEOUT', 'CACHE_BACKEND_TIMEOUT']);
    expect(answered).toBeLessThan(bulk.length);
    expect(node.silences).toBe(0);
    clearInterval(going);
    node.window.rejectAll('the end.');
    while (node.written.length > 0) await node.answer(1_000);
    await Promise.all(bulk);
  });
});
