import type { Tick } from '../../../ports/entry.js';
import { BackendError } from '../../../ports/errors.js';
import type {
  GroupInvalidation,
  ScopeGroups,
  ScopeReading,
} from '../../../ports/shared-backend.js';
import { ENSURE, INVALIDATE } from './scripts.js';
import { parseMarker, parseTick } from './marker-text.js';
import type { Names } from './redis-keys.js';
import { groupsHeads } from '../notices/message.js';
import type { Scripts } from './script-runner.js';
import type { Teller } from '../notices/publisher.js';

/** Markers and clocks live at least this long after their last use: losing one costs misses, keeping all for ever costs memory. */
const KEEP_MS = 24 * 3_600_000;
/** More combinations of tags in one marker become an invalidation of its first tag, which takes away more. */
const MOST_COMBINATIONS = 32;

export interface GroupParts {
  readonly names: Names;
  readonly scripts: Scripts;
  readonly teller: Teller;
  /** Given the server's time of an answer and how long the answer took. */
  readonly learnTime: (serverMs: number, roundTripMs: number) => void;
}

export async function ensure(
  parts: GroupParts,
  { scope, groups }: ScopeGroups,
  keepMs: number,
  timeoutMs: number | undefined,
): Promise<ScopeReading> {
  const { names } = parts;
  const sentAt = performance.now();
  const keys = [names.clock(scope), ...groups.map((group) => names.marker(scope, group))];
  const keep = [String(Math.ceil(keepMs)), String(Math.ceil(Math.max(keepMs * 2, KEEP_MS)))];
  const reply = texts(
    await parts.scripts.run(ENSURE, keys, keep, timeoutMs === undefined ? {} : { timeoutMs }),
  );
  parts.learnTime(Number(reply[0]), performance.now() - sentAt);
  return { clock: parseTick(reply[1]), markers: groups.map((_, i) => parseMarker(reply[i + 2])) };
}

export async function invalidate(
  parts: GroupParts,
  invalidation: GroupInvalidation,
): Promise<Tick> {
  const { names, teller } = parts;
  const { scope, match, mode, settleMs } = invalidation;
  const groups = [...new Set(invalidation.groups)].sort();
  const combined = match === 'all' && groups.length > 1;
  const targets = combined ? groups.slice(0, 1) : groups;
  const heads = groupsHeads({
    ...invalidation,
    groups,
    match: combined ? 'all' : 'any',
    settleMs: Math.ceil(settleMs),
  });
  const sentAt = performance.now();
  const reply = texts(
    await parts.scripts.run(
      INVALIDATE,
      [
        names.clock(scope),
        ...targets.map((group) => names.marker(scope, group)),
        ...teller.withinScript,
      ],
      [
        ...teller.preface,
        String(targets.length),
        mode,
        String(Math.ceil(settleMs)),
        String(KEEP_MS),
        combined ? groups.join(' ') : '',
        String(MOST_COMBINATIONS),
        ...heads,
      ],
    ),
  );
  parts.learnTime(Number(reply[0]), performance.now() - sentAt);
  const tick = parseTick(reply[1]);
  if (tick === undefined)
    throw new BackendError(
      'FAILED',
      `Redis answered invalidate with ${JSON.stringify(reply)} where a tick was expected.`,
      {
        unknownOutcome: true,
      },
    );
  await teller.afterwards(
    heads.map((head) => `${head}${String(reply[1])},"until":${String(reply[2])}}`),
  );
  return tick;
}

function texts(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
