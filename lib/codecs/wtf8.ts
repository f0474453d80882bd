import { Buffer } from 'node:buffer';

/** UTF-8 in which lone surrogates are encoded like any other code point (the WTF-8 encoding). */
export function toWtf8(text: string): Buffer {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff)
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(...Buffer.from(character, 'utf8'));
  }
  return Buffer.from(bytes);
}

/** Undefined when `toWtf8` would not write these bytes for a string with a lone surrogate. */
export function fromWtf8(bytes: Buffer): string | undefined {
  let text = '';
  let from = 0;
  for (let i = 0; i + 2 < bytes.length; i++) {
    const second = bytes[i + 1] ?? 0;
    // 0xED 0xA0..0xBF: a surrogate, which UTF-8 never has.
    if (bytes[i] !== 0xed || second < 0xa0) continue;
    text +=
      bytes.toString('utf8', from, i) +
      String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | ((bytes[i + 2] ?? 0) & 0x3f));
    from = i + 3;
    i += 2;
  }
  text += bytes.toString('utf8', from);
  return from > 0 && toWtf8(text).equals(bytes) ? text : undefined;
}
