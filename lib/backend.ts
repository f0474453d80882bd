// Sub-path entry `nest-query-cache/backend`: for authors of backends.
export type { BackendContext, BackendProblem, CacheBackend } from './ports/backend.js';
export type { Clock } from './ports/clock.js';
export type { Entry, Tick } from './ports/entry.js';
export type {
  SharedBackend as FencedStore,
  GroupInvalidation,
  MemoryTier as NearStore,
  Notice,
} from './ports/shared-backend.js';
