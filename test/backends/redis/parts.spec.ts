import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDeadline, withDeadline } from '../../../lib/backends/redis/connection/deadline.js';
import { redact, toBackendError } from '../../../lib/backends/redis/connection/errors.js';
import { ENSURE } from '../../../lib/backends/redis/entries/scripts.js';
import { parseMarker, parseTick } from '../../../lib/backends/redis/entries/markers.js';
import {
  escapeGlob,
  hashTag,
  RedisKeys,
  slotOf,
} from '../../../lib/backends/redis/entries/redis-keys.js';
import { parseBody } from '../../../lib/backends/redis/notices/message.js';
import { delayBefore } from '../../../lib/backends/redis/connection/delay.js';
import { ServerClock } from '../../../lib/backends/redis/connection/server-clock.js';
import { parseStream } from '../../../lib/backends/redis/notices/message.js';
import type { Marker } from '../../../lib/ports/groups.js';
import { type RedisServer, startRedis } from '../../support/redis.js';
import { createClient } from 'redis';

const tick = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const pair = fc.tuple(tick, tick).map(([a, b]) => ({ hard: Math.min(a, b), soft: Math.max(a, b) }));
const group = fc.stringMatching(/^[ts]:[A-Za-z0-9%._-]{1,20}$/);
const marker: fc.Arbitrary<Marker> = fc
  .record({
    head: pair,
    settleUntil: tick,
    combinations: fc.array(
      fc.record({ at: pair, groups: fc.array(group, { minLength: 2, maxLength: 5 }) }),
      { maxLength: 5 },
    ),
  })
  .map(({ head, settleUntil, combinations }) => ({
    ...head,
    settleUntil,
    combinations: combinations.map(({ at, groups }) => ({ ...at, groups })),
  }));
const written = ({ hard, soft, settleUntil, combinations }: Marker): string =>
  [
    hard === soft && settleUntil === 0
      ? String(hard)
      : `${String(hard)} ${String(soft)} ${String(settleUntil)}`,
    ...combinations.map((one) => `${String(one.hard)} ${String(one.soft)} ${one.groups.join(' ')}`),
  ].join('\n');

describe('marker text', () => {
  it('is read as what was written', () => {
    fc.assert(
      fc.property(marker, (one) => {
        expect(parseMarker(written(one))).toEqual(one);
      }),
    );
  });

  it('that is damaged is read as no marker or as one that is well formed', () => {
    fc.assert(
      fc.property(
        marker,
        fc.nat(),
        fc.string({ unit: 'binary', maxLength: 3 }),
        (one, at, noise) => {
          const text = written(one);
          const position = at % (text.length + 1);
          const parsed = parseMarker(
            text.slice(0, position) + noise + text.slice(position + noise.length),
          );
          if (parsed !== undefined)
            expect(
              parsed.soft >= parsed.hard &&
                Number.isSafeInteger(parsed.soft) &&
                parsed.combinations.every(({ groups }) => groups.length > 0),
            ).toBe(true);
        },
      ),
    );
  });

  it('refuses what is no whole number of microseconds up to 2^53', () => {
    for (const text of [
      '',
      ' 1',
      '1 ',
      '-1',
      '1.5',
      '1e3',
      '99999999999999999',
      '9007199254740993',
      '2 1 0',
      '1 2',
      '1\n',
      '1\n1 2',
      '1\n2 1 t:a',
      '1\n1 2  t:a',
    ]) {
      expect([text, parseMarker(text)]).toEqual([text, undefined]);
    }
    expect([
      parseTick('9007199254740991'),
      parseTick('9007199254740993'),
      parseTick('x'),
      parseTick(undefined),
    ]).toEqual([9007199254740991, undefined, undefined, undefined]);
  });
});

describe('marker text in the scripts', () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    redis = await startRedis();
    client = createClient({ url: redis.url });
    await client.connect();
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });

  it('counts as unreadable there exactly when it does here, so that what nobody can read is made anew', async () => {
    const damaged = fc
      .tuple(marker, fc.nat(), fc.constantFrom('', ' ', '\n', '9', 'x', '  ', '-'))
      .map(([one, at, noise]) => {
        const text = written(one);
        const position = at % (text.length + 1);
        return text.slice(0, position) + noise + text.slice(position);
      });
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => {
        await client.set('m', text);
        const reply = await client.sendCommand<string[]>([
          'EVAL',
          ENSURE.source,
          '2',
          'c',
          'm',
          '1000',
          '1000',
        ]);
        expect(reply[2] === text).toBe(parseMarker(text) !== undefined);
      }),
      { numRuns: 300 },
    );
  });
});

describe('names', () => {
  it('put a value with its lease, and a clock with its markers, into one slot', () => {
    const names = new RedisKeys('ns');
    expect(
      new Set(
        [names.value('k'), names.lease('k'), names.waiters('k'), names.settle('k')].map(slotOf),
      ).size,
    ).toBe(1);
    expect(
      new Set([names.clock('42'), names.marker('42', '*'), names.marker('42', 't:a')].map(slotOf))
        .size,
    ).toBe(1);
    expect([names.value('k'), names.marker('', '*'), names.stream]).toEqual([
      'ns:{k}',
      'ns:{~}:m:*',
      'ns:{~}:n',
    ]);
  });

  it('know the slots of the cluster specification', () => {
    expect([
      slotOf('123456789'),
      slotOf('foo{bar}baz'),
      slotOf('bar'),
      slotOf('foo{}{bar}'),
    ]).toEqual([12739, 5061, 5061, slotOf('foo{}{bar}')]);
    expect([hashTag('foo{}{bar}'), hashTag('a{b}c{d}'), hashTag('a{b'), hashTag('{{a}}')]).toEqual([
      'foo{}{bar}',
      'b',
      'a{b',
      '{a',
    ]);
  });

  it('escape what Redis would take for a pattern', () => {
    expect(escapeGlob('a*b?c[d]e\\f^g-h')).toBe('a\\*b\\?c\\[d\\]e\\\\f\\^g\\-h');
  });
});

describe('deadlines', () => {
  it('fire once, not after they were cancelled, and let what is in time win', async () => {
    let fired = 0;
    startDeadline(5, () => fired++);
    startDeadline(5, () => fired++)();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(fired).toBe(1);
    await expect(withDeadline(Promise.resolve(7), 5, () => new Error('late'))).resolves.toBe(7);
    await expect(
      withDeadline(new Promise(() => undefined), 5, () => new Error('late')),
    ).rejects.toThrow('late');
  });

  it('that come late because the process was busy give the answer another chance', async () => {
    let answered = false;
    const answer = new Promise((resolve) =>
      setTimeout(() => {
        // asked for after the block: one more turn of the loop than the deadline itself
        setImmediate(() => setTimeout(resolve, 5, 'answer'));
        answered = true;
      }, 1),
    );
    const result = withDeadline(answer, 30, () => new Error('late'));
    const end = performance.now() + 150;
    while (performance.now() < end);
    expect(answered).toBe(false);
    await expect(result).resolves.toBe('answer');
  });
});

describe('the pause before an attempt', () => {
  it('keeps attempts 200 ms apart, grows, and never exceeds 0.7 s unless the server refuses', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const pause = delayBefore(failures, performance.now(), new Error('x'), () => random);
          expect(pause).toBeGreaterThan(150);
          expect(pause).toBeLessThanOrEqual(700);
          expect(
            delayBefore(failures, performance.now() - 5_000, new Error('x'), () => random),
          ).toBeLessThanOrEqual(700);
        },
      ),
    );
    expect(delayBefore(0, performance.now() - 5_000, new Error('x'))).toBe(0);
    expect(delayBefore(1, 0, new Error('WRONGPASS invalid'))).toBeGreaterThanOrEqual(1_000);
  });
});

describe('shared time', () => {
  it('prefers the answer that took least, lets it age, and believes a contradiction', () => {
    const time = new ServerClock();
    expect(time.now(5)).toBe(5);
    time.learn(1_000, 10, 5, 0);
    expect(time.now(5)).toBe(1_005);
    time.learn(1_090, 100, 100, 100);
    expect(time.now(5)).toBe(1_005);
    time.learn(1_101, 4, 100, 101);
    expect(time.now(100)).toBe(1_103);
    time.learn(500_000, 100, 200, 200);
    expect(time.now(200)).toBe(500_050);
    time.learn(NaN, 0, 0, 201);
    expect(time.now(200)).toBe(500_050);
  });

  it('is never further off than half the round trip of the answer it rests on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(fc.tuple(fc.nat(100), fc.nat(100)), { minLength: 1 }),
        (skew, answers) => {
          const time = new ServerClock();
          let local = 1e12;
          let least = Infinity;
          for (const [there, back] of answers) {
            local += there + back;
            least = Math.min(least, there + back);
            time.learn(local + skew - back, there + back, local, local);
          }
          expect(Math.abs(time.now(local) - local - skew)).toBeLessThanOrEqual(least / 2 + 1);
        },
      ),
    );
  });
});

describe('notices', () => {
  it('that are anything at all are read without an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .anything()
            .map((value) => JSON.stringify({ v: 1, kind: 'groups', scope: value, groups: value })),
        ),
        (text) => {
          const heard = parseBody(text);
          expect(['string', 'object']).toContain(typeof heard);
        },
      ),
    );
  });

  it('are found in both forms of the reply', () => {
    const entry = ['1-1', ['p', '0', 's', 'me', 'b', '{}']];
    const expected = [{ id: '1-1', before: '0', sender: 'me', body: '{}' }];
    expect([
      parseStream({ s: [entry] }),
      parseStream([['s', [entry]]]),
      parseStream(null),
      parseStream('x'),
    ]).toEqual([expected, expected, [], []]);
  });
});

describe('failures', () => {
  it('name the outcome of writes and hide every form of a secret', () => {
    expect(toBackendError(new Error('READONLY x'), 'set', true)).toMatchObject({
      code: 'CACHE_BACKEND_FAILED',
      unknownOutcome: false,
    });
    expect(toBackendError(new Error('read ECONNRESET'), 'set', true)).toMatchObject({
      code: 'CACHE_BACKEND_UNAVAILABLE',
      unknownOutcome: true,
    });
    expect(toBackendError('odd', 'get', false)).toMatchObject({ unknownOutcome: false });
    expect(redact('redis://:p%40ss@h p@ss', ['p@ss'])).toBe('redis://:***@h ***');
  });
});
