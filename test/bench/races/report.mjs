import { table } from '../lib/page.mjs';

const NOTHING = '–';

const tally = (result) => {
  if (result === undefined) return NOTHING;
  const text = result.bad === 0 ? `0 / ${result.rounds}` : `**${result.bad} / ${result.rounds}**`;
  return result.note ? `${text} (${result.note})` : text;
};

const settled = (value) =>
  value === undefined ? NOTHING : typeof value === 'number' ? `${value} ms` : `**${value}**`;
const healed = (value) => (value === undefined ? '**not in 8 s**' : `${value} ms`);
const who = ({ library, setup }) => `${library.name}, ${setup.name}`;

export function report({ rows, redis, node, rounds }) {
  const packages = [...new Set(rows.flatMap(({ versions }) => versions))].sort();
  const shared = rows.filter(({ setup }) => setup.shared);
  const faultRows = shared.flatMap((row) => [
    ...(row.faults ? [[who(row), row.faults]] : []),
    ...(row.limitedFaults ? [[`${who(row)}, with limits`, row.limitedFaults]] : []),
  ]);
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} with Node ${node} and Redis ${redis}: ${packages.join(', ')}.`,
    `### Old values after an acknowledged invalidation, one process\n\nOf ${rounds} rounds, in how many the read returned the old value.`,
    table(
      [
        '',
        'delete, read while the load runs',
        'delete, read after it',
        'tag, while',
        'tag, after',
        'clear, while',
        'clear, after',
        'refresh under way, delete',
      ],
      rows.map((row) => [
        who(row),
        ...[
          'deleteWhile',
          'deleteAfter',
          'tagWhile',
          'tagAfter',
          'clearWhile',
          'clearAfter',
          'refresh',
        ].map((name) => tally(row.one[name])),
      ]),
    ),
    `### Old values, two processes on one Redis\n\nB loads while A deletes, or B already has the value; read 500 ms later.`,
    table(
      ['', 'load overtaken: read in A', 'read in B', 'B had it: read in B'],
      shared.map((row) => [
        who(row),
        tally(row.two.overtakenHere),
        tally(row.two.overtakenThere),
        tally(row.two.kept),
      ]),
    ),
    '### One production for many, and what a caller can spoil',
    table(
      [
        '',
        'productions, 4 processes x 250 callers',
        'productions, 100 callers, producer fails',
        '`null` is kept',
        '`undefined` is kept',
        'value after its reader changed it: from a miss',
        'from a hit',
        'first production never settles: the key answers again',
      ],
      rows.map(({ one, herd, ...row }) => [
        who(row),
        herd.productions === 1 ? '1' : `${herd.productions}`,
        one.failing.productions === 1 ? '1' : `**${one.failing.productions}**`,
        one.nulls.null ? 'yes' : 'no',
        one.nulls.undefined ? 'yes' : 'no',
        one.spoiled === undefined
          ? NOTHING
          : one.spoiled.afterMiss === 'changed'
            ? '**changed**'
            : one.spoiled.afterMiss,
        one.spoiled === undefined
          ? NOTHING
          : one.spoiled.afterHit === 'changed'
            ? '**changed**'
            : one.spoiled.afterHit,
        one.stuck.freeAfter === undefined ? '**not in 2 s**' : `after ${one.stuck.freeAfter} ms`,
      ]),
    ),
    '### Redis freezes, Redis dies\n\nA miss whose producer answers at once: when does the caller have the value? And when is Redis in use again?',
    table(
      [
        '',
        'frozen',
        'in use after it thawed',
        'killed',
        'in use after it restarted',
        'unhandled errors',
      ],
      faultRows.map(([name, result]) => [
        name,
        settled(result.frozen === 'pending' ? 'pending after 2 s' : result.frozen),
        healed(result.thawed),
        settled(result.killed === 'pending' ? 'pending after 2 s' : result.killed),
        healed(result.restarted),
        result.unhandled === 0 ? '0' : `**${result.unhandled}**`,
      ]),
    ),
    `### Set-ups\n\n${rows.map((row) => `- **${who(row)}**: ${row.setup.text}`).join('\n')}`,
  ].join('\n\n');
}
