// Sub-path entry `nest-query-cache/diagnostics`: for people who look into a backend. Not loaded by the main entry.
export { type Explanation, explainStored } from './codecs/explain.js';
