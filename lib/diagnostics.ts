// Sub-path entry `nest-query-cache/diagnostics`: what a cache reports, and a look into a backend.
export { type Explanation, explainStored } from './codecs/explain.js';
export type { CacheEvents, CacheEvent, CacheListener, Outcome } from './core/observe/events.js';
export type { Counters } from './core/observe/stats.js';
export type { Inspection } from './core/read/inspect.js';
