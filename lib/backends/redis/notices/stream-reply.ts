export interface StreamEntry {
  readonly id: string;
  /** The id of the entry before it, as its writer saw it. */
  readonly before: string | undefined;
  readonly sender: string;
  readonly body: string;
}

/** The entries of an XREAD of one stream: a map in RESP3, a list of pairs in RESP2, null when there are none. */
export function parseStream(reply: unknown): readonly StreamEntry[] {
  if (reply === null || typeof reply !== 'object') return [];
  const lists: unknown[] = Array.isArray(reply)
    ? reply.map((pair: unknown) => (Array.isArray(pair) ? (pair[1] as unknown) : undefined))
    : Object.values(reply);
  return lists.flatMap((list) => (Array.isArray(list) ? list.map(parseEntry) : []));
}

function parseEntry(raw: unknown): StreamEntry {
  const [id, fields] = Array.isArray(raw) ? (raw as unknown[]) : [];
  const found = new Map<string, string>();
  if (Array.isArray(fields))
    for (let i = 0; i + 1 < fields.length; i += 2)
      found.set(String(fields[i]), String(fields[i + 1]));
  return {
    id: String(id),
    before: found.get('p'),
    sender: found.get('s') ?? '',
    body: found.get('b') ?? '',
  };
}
