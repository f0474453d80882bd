export { describeBackend, type BackendSuite } from './testing/backend-conformance.js';
export {
  describeCodec,
  type CodecAbilities,
  type TestRunner,
} from './testing/codec-conformance.js';
export type { KeptType } from './testing/codec-values.js';
export { FakeClock } from './testing/fake-clock.js';
export { describeSharedBackend } from './testing/shared-backend-conformance.js';
export type { SharedBackendSuite } from './testing/shared-backend-fixture.js';
export type { SuiteRunner, Wait } from './testing/runner.js';
