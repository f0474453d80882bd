// Sub-path entry `nest-query-cache/backend`: for authors of backends.
export type { BackendContext, BackendProblem, CacheBackend } from './ports/backend.js';
export type { Clock } from './ports/clock.js';
export type { Entry } from './ports/entry.js';
export type { GroupInvalidation } from './ports/groups.js';
export type { MemoryTier } from './ports/memory-tier.js';
export type { Notice, SharedBackend } from './ports/shared-backend.js';
export type { Tick } from './ports/time.js';
