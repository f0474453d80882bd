import { describeFills } from './fill-conformance.js';
import { describeLeases } from './lease-conformance.js';
import { describeMarkers } from './marker-conformance.js';
import { describeNotices } from './notice-conformance.js';
import type { SharedBackendSuite } from './shared-backend-fixture.js';

/**
 * What a backend with leases, markers and notices (`openShared`) must do: no value that was loaded
 * before an invalidation is stored or valid after it, in any process.
 */
export function describeSharedBackend(suite: SharedBackendSuite): void {
  describeLeases(suite);
  describeFills(suite);
  describeMarkers(suite);
  describeNotices(suite);
}
