import type { FencedSuite } from './fenced-harness.js';
import { describeLeases } from './lease-conformance.js';
import { describeMarkers } from './marker-conformance.js';
import { describeNotices } from './notice-conformance.js';

/**
 * What a backend with leases, markers and notices must do (`openShared`, `openNear`): no value that was loaded before an invalidation is
 * stored or valid after it, whoever asks.
 */
export function describeFencedStore<Stored>(suite: FencedSuite<Stored>): void {
  describeLeases(suite);
  describeMarkers(suite);
  describeNotices(suite);
}
