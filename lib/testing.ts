export { describeBackend, type BackendSuite } from './testing/backend-conformance.js';
export {
  describeCodec,
  type CodecAbilities,
  type KeptType,
  type TestRunner,
} from './testing/codec-conformance.js';
export { FakeClock } from './testing/fake-clock.js';
export { describeFencedStore } from './testing/fenced-conformance.js';
export type { FencedSuite } from './testing/fenced-harness.js';
export type { SuiteRunner, Wait } from './testing/runner.js';
