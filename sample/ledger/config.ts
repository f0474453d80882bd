/** All settings from the environment, read once at start. */
export interface LedgerConfig {
  /** `PORT`: 0 takes any free port. Without it: 3000, or the next free one. */
  readonly port: number | undefined;
  /** `DATABASE_URL`: a PostgreSQL to use instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  /**
   * `REDIS_URL`: a Redis to share the cache with other processes. Without it the cache lives in
   * this process.
   */
  readonly redisUrl: string | undefined;
  /**
   * `REDIS_TIMEOUT`: how many milliseconds a call waits for Redis before it proceeds without it.
   * Default 250.
   */
  readonly redisTimeout: number;
  /** `CACHE_L1=on`: a near cache in this process, in front of Redis. Default off. */
  readonly l1: boolean;
  /** `CACHE_NAMESPACE`: prefix of everything in Redis. Default 'ledger'. */
  readonly namespace: string;
  /** `LEDGER_ENTRIES`: how many entries the generator makes. Default 200,000. */
  readonly entries: number;
  /**
   * `LEDGER_SEED`: another seed makes other entries; the same seed always makes the same. Default
   * 1.
   */
  readonly seed: number;
}

/** An empty variable counts as unset. */
export function readConfig(env: NodeJS.ProcessEnv): LedgerConfig {
  const text = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  return {
    port: integer('PORT', text('PORT'), 0, 65_535),
    databaseUrl: text('DATABASE_URL'),
    redisUrl: text('REDIS_URL'),
    redisTimeout: integer('REDIS_TIMEOUT', text('REDIS_TIMEOUT'), 10, 60_000) ?? 250,
    l1: choice('CACHE_L1', text('CACHE_L1')),
    namespace: text('CACHE_NAMESPACE') ?? 'ledger',
    entries: integer('LEDGER_ENTRIES', text('LEDGER_ENTRIES'), 0, 10_000_000) ?? 200_000,
    seed: integer('LEDGER_SEED', text('LEDGER_SEED'), 0, 1_000_000) ?? 1,
  };
}

function integer(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, but is '${text}'.`);
}

function choice(name: string, text: string | undefined): boolean {
  if (text === undefined || text === 'off') return false;
  if (text === 'on') return true;
  throw new Error(`${name} must be on or off, but is '${text}'.`);
}
