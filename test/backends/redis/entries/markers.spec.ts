import fc from 'fast-check';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMarker, parseTick } from '../../../../lib/backends/redis/entries/markers.js';
import { ENSURE } from '../../../../lib/backends/redis/entries/scripts.js';
import type { Marker } from '../../../../lib/ports/groups.js';
import { type RedisServer, startRedis } from '../../../support/redis.js';

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
  it('parses a marker as it was written', () => {
    fc.assert(
      fc.property(marker, (one) => {
        expect(parseMarker(written(one))).toEqual(one);
      }),
    );
  });

  it('parses a damaged marker as none or as a well formed one', () => {
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

  it('agrees with the scripts about which markers cannot be read, so that they are made anew', async () => {
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
          '1000',
        ]);
        expect(reply[2] === text).toBe(parseMarker(text) !== undefined);
      }),
      { numRuns: 300 },
    );
  });
});
