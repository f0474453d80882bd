/**
 * Words of a private language that the library once had. Each has a standard term, which stands
 * beside it. A word of this list is never right: not in a name, a message or a comment.
 */
const BANNED_WORDS: Readonly<Record<string, string>> = {
  aside: 'captured, apart',
  boarded: 'joined',
  boarding: 'joining',
  desk: 'leases',
  desks: 'leases',
  dial: 'connect',
  lane: 'node, queue',
  lanes: 'nodes, queues',
  learnt: 'observed',
  nobody: 'no one, or say what does not happen',
  rider: 'caller',
  riders: 'callers',
  said: 'given, recorded',
  shelf: 'namespace entries',
  shelves: 'namespace entries',
  somebody: 'a caller, a listener, a user',
  taker: 'value handle',
  takers: 'value handles',
  teller: 'publisher',
  told: 'notified, informed',
  unsaid: 'missing, not given',
  untold: 'not reported',
  unfit: 'uncacheable',
  whoever: 'the caller, the process',
  whomever: 'the caller, the process',
  whosoever: 'the caller, the process',
};

/** Phrases and families of names, and what to write. */
const BANNED_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\bin the place of\b/i, 'instead of'],
  [/\bon the way of\b/i, 'while'],
  [/\bwhat was said\b/i, 'what was given'],
  [/\ba text\b(?! (entry|codec|format|form|payload|value|marker))/i, 'a string'],
  [/(?<![\w.])#?(hear|tell|say)\(/, 'read, write, publish, report, log'],
  [/\.#?(hear|tell|say)\(/, 'read, write, publish, report, log'],
  [/\brefuse(?!If)[A-Z]/, 'assert...'],
  [/\b(MOST|LONGEST|LEAST|SHORTEST)_/, 'MAX_..., MIN_...'],
  [/_(APART_MS|A_SCRIPT|A_CHANGE|A_DEADLINE|AT_ONCE)\b/, '..._INTERVAL_MS, MAX_..._PER_...'],
  [/\bgrace\b/i, 'staleIfError, settle window'],
];

/** The banned words of a line of code, with what to write. */
export function bannedIn(line: string): string[] {
  const words = line.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
  const found = words.flatMap((word) => {
    const lower = word.toLowerCase();
    return Object.hasOwn(BANNED_WORDS, lower) ? [`${lower} (${BANNED_WORDS[lower] ?? ''})`] : [];
  });
  // Two names can be told apart.
  const isApart = /\btold apart\b/.test(line);
  for (const [pattern, better] of BANNED_PATTERNS) {
    const match = pattern.exec(line);
    if (match !== null) found.push(`${match[0]} (${better})`);
  }
  return isApart ? found.filter((hit) => !hit.startsWith('told ')) : found;
}
