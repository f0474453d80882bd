import { systemClock } from '../../../lib/clock.js';
import { RedisBackend, type RedisBackendOptions } from '../../../lib/redis.js';
import type { BackendProblem } from '../../../lib/ports/backend.js';
import type { SharedBackend, Notice } from '../../../lib/ports/shared-backend.js';

export interface Opened {
  readonly backend: RedisBackend;
  readonly store: SharedBackend;
  readonly problems: BackendProblem[];
  readonly notices: Notice[];
  /** Ends the backend; called again it does nothing. */
  close(): Promise<void>;
}

let namespaces = 0;
/** A namespace that no other test uses. */
export function freshNamespace(): string {
  return `test-${String(process.pid)}-${String(++namespaces)}`;
}

export function open(options: RedisBackendOptions, namespace = freshNamespace()): Opened {
  const backend = new RedisBackend(options);
  const problems: BackendProblem[] = [];
  const store = backend.openShared({
    namespace,
    clock: systemClock,
    report: (problem) => void problems.push(problem),
  });
  return { backend, store, problems, notices: [], close: () => backend.close() };
}

/** As `open`, and listening. */
export function listen(options: RedisBackendOptions, namespace = freshNamespace()): Opened {
  const opened = open(options, namespace);
  opened.store.subscribe((notice) => void opened.notices.push(notice));
  return opened;
}
