import type { Counters } from '../../lib/core/observe/stats.js';
import type {
  CacheOptions,
  InvalidateRequest,
  InvalidationResult,
} from '../../lib/core/options/types.js';
import type { Report, Work } from './actor.js';

/** What survives the way to another process. */
export type PlainCacheOptions = Omit<
  CacheOptions,
  'backend' | 'clock' | 'tenant' | 'ttl' | 'codec' | 'staleIfErrorWhen'
> & {
  readonly codec?: 'json' | 'cbor';
};

export interface OpenOptions {
  /** Of Redis; undefined: in memory. */
  readonly url: string | undefined;
  readonly rows: number;
  readonly processes: number;
  readonly index: number;
  readonly databasePort: number;
  readonly cache: PlainCacheOptions;
  /** Of the Redis backend; long where the speed of the machine must not matter. */
  readonly commandTimeout?: number;
}

export interface Production {
  readonly row: number;
  readonly version: number;
  readonly start: number;
  readonly end: number;
}

export type Command =
  | { readonly do: 'open'; readonly options: OpenOptions }
  | { readonly do: 'run'; readonly work: Work }
  | { readonly do: 'history' }
  | {
      readonly do: 'burst';
      readonly rows: readonly number[];
      readonly callers: number;
      readonly producerMs: number;
      /** The monotonic moment at which all begin. */
      readonly at: number;
      readonly lagMs?: number;
      /** Tell the parent when all productions have begun. */
      readonly hold?: boolean;
    }
  | { readonly do: 'look'; readonly rows: readonly number[] }
  | { readonly do: 'delete'; readonly row: number }
  | { readonly do: 'invalidate'; readonly request: InvalidateRequest }
  | { readonly do: 'state' }
  | { readonly do: 'close' };

export interface Answers {
  readonly open: object;
  readonly run: Report;
  readonly history: Float64Array;
  readonly burst: {
    readonly began: number;
    readonly versions: readonly number[];
    readonly failed: number;
  };
  /** The versions found; undefined where there was nothing, -1 for a value of another row. */
  readonly look: readonly (number | undefined)[];
  readonly delete: InvalidationResult;
  readonly invalidate: InvalidationResult;
  readonly state: {
    readonly stats: Counters & {
      readonly flights: number;
      readonly journal: number;
      readonly background: number;
    };
    readonly productions: readonly Production[];
    readonly events: Readonly<Record<string, number>>;
  };
  readonly close: {
    readonly flights: number;
    readonly journal: number;
    readonly background: number;
    readonly closeMs: number;
    readonly heapGrowthMb: number;
    readonly timers: number;
  };
}
