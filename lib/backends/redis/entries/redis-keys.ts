/**
 * The names of all that a namespace keeps in Redis. What must change together shares a hash tag,
 * and so a cluster slot: a value with its lease, and the clock of a scope with its markers. No key
 * of a cache begins with `~`.
 */
export class RedisKeys {
  readonly stream: string;
  readonly #head: string;

  constructor(readonly namespace: string) {
    this.#head = `${namespace}:{`;
    this.stream = `${this.#head}~}:n`;
  }

  value(key: string): string {
    return `${this.#head}${key}}`;
  }
  lease(key: string): string {
    return `${this.#head}${key}}:l`;
  }
  /** Exists while processes wait for the lease, so that its end is published only then. */
  waiters(key: string): string {
    return `${this.#head}${key}}:w`;
  }
  /** Lives as long as the settle window of the last delete. */
  settle(key: string): string {
    return `${this.#head}${key}}:s`;
  }
  clock(scope: string): string {
    return `${this.#head}~${scope}}:c`;
  }
  marker(scope: string, group: string): string {
    return `${this.#head}~${scope}}:m:${group}`;
  }

  /**
   * A pattern for SCAN that matches exactly the values of a scope: only their names end with the
   * brace, and no part of a name contains one.
   */
  valuesPattern(scope: string): string {
    return `${escapeGlob(scope === '' ? this.#head : `${this.#head}tenant:${scope}/`)}*}`;
  }
}

/** Escapes a string for a Redis glob pattern. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&');
}

/**
 * What decides the cluster slot of a name: the part in the first non-empty braces, else all of it.
 */
export function hashTag(name: string): string {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open + 1);
  return close > open + 1 ? name.slice(open + 1, close) : name;
}

/**
 * The cluster slot of a name: CRC16 (XMODEM) of its hash tag modulo 16,384 (Redis Cluster
 * specification).
 */
export function slotOf(name: string): number {
  let crc = 0;
  for (const byte of Buffer.from(hashTag(name))) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc % 16_384;
}
