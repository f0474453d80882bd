/**
 * Reads key texts back: the proof that they are injective. Kept apart from the library on purpose;
 * nothing in it needs to parse a key.
 */
export interface ParsedKey {
  tenant: string | undefined;
  segment: string | undefined;
  params: Map<string, unknown>;
}

export function parseKey(text: string): ParsedKey {
  const parsed: ParsedKey = { tenant: undefined, segment: undefined, params: new Map() };
  for (const part of text.split('/')) {
    if (part.startsWith('tenant:'))
      parsed.tenant = decodeURIComponent(part.slice('tenant:'.length));
    else if (part.startsWith('segment:'))
      parsed.segment = decodeURIComponent(part.slice('segment:'.length));
    else
      for (const param of part.split('&'))
        parsed.params.set(decodeURIComponent(before(param, '=')), parseValue(after(param, '=')));
  }
  return parsed;
}

export function parseValue(text: string): unknown {
  const call = /^([a-z]*)\((.*)\)$/.exec(text);
  if (call === null) return parseLeaf(text);
  const inner = call[2] ?? '';
  const items = inner === '' || inner === ':' ? [] : splitAtTop(inner, ',');
  switch (call[1]) {
    case 'date':
      return new Date(inner);
    case 'bytes':
      return Uint8Array.from(inner.match(/../g) ?? [], (byte) => parseInt(byte, 16));
    case 'set':
      return new Set(items.map(parseValue));
    case 'map':
      return new Map(
        items
          .map((item) => splitAtTop(item, ':'))
          .map(([key, member]) => [parseValue(key ?? ''), parseValue(member ?? '')]),
      );
    default: {
      const isObject =
        inner === ':' || (items.length > 0 && splitAtTop(items[0] ?? '', ':').length === 2);
      if (!isObject) return items.map(parseValue);
      return Object.fromEntries(
        items.map((item) => [decodeURIComponent(before(item, ':')), parseValue(after(item, ':'))]),
      );
    }
  }
}

const LITERALS: Readonly<Record<string, unknown>> = {
  null: null,
  undefined,
  true: true,
  false: false,
  NaN,
  Infinity,
  '-Infinity': -Infinity,
  '-0': -0,
};

function parseLeaf(text: string): unknown {
  if (text.startsWith("'")) return decodeURIComponent(text.slice(1));
  if (Object.hasOwn(LITERALS, text)) return LITERALS[text];
  if (/^-?\d+n$/.test(text)) return BigInt(text.slice(0, -1));
  if (/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(text)) return Number(text);
  return decodeURIComponent(text);
}

function splitAtTop(text: string, separator: string): string[] {
  const items: string[] = [''];
  let depth = 0;
  for (const char of text) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (char === separator && depth === 0) items.push('');
    else items.push(`${items.pop() ?? ''}${char}`);
  }
  return items;
}

const before = (text: string, mark: string) => text.slice(0, text.indexOf(mark));
const after = (text: string, mark: string) => text.slice(text.indexOf(mark) + 1);
