// Tests whose published form (0.4.5, from 2020) asks for something else than RFC 9111 of 2022. The
// maintainers have since corrected them in their repository under the same ids; these are the
// corrected expectations. `last` replaces what the last request of the test expects.

/**
 * RFC 9111 section 5.1: of several Age values the first counts, and one that is not a number is
 * ignored.
 */
const ageReused = [
  'dup-0',
  'dup-0-twoline',
  'dup-old',
  'float',
  'negative',
  'nonnumeric',
  'prefix-twoline',
].map((name) => `age-parse-${name}`);

/**
 * RFC 9111 section 5.3: an Expires that is not a date is in the past. The published form only asks
 * what caches do.
 */
const expiresInvalid = [
  '1-digit-hour',
  '2-digit-year',
  'aest',
  'date-dashes',
  'multiple-lines',
  'multiple-spaces',
  'no-comma',
  'time-periods',
  'utc',
].map((name) => `freshness-expires-invalid-${name}`);

/**
 * RFC 9111 section 5.2.2: not served stale. The published form waits for an answer from an origin
 * that has closed the connection.
 */
const notServedStale = ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'].map(
  (name) => `stale-close-${name}`,
);

const refused = {
  disconnect: true,
  expected_type: undefined,
  expected_status: 504,
  check_body: false,
  expected_response_headers_missing: ['server-request-count'],
};

export const corrections = new Map([
  ...ageReused.map((id) => [id, { last: { expected_type: 'cached' } }]),
  ...expiresInvalid.map((id) => [id, { last: { expected_type: 'not_cached' } }]),
  ...notServedStale.map((id) => [id, { last: refused }]),
  // A missing comma in the published form, which other tests say makes the date invalid.
  ['freshness-expires-32bit', { expires: 'Tue, 19 Jan 2038 14:14:08 GMT' }],
  ['freshness-expires-far-future', { expires: 'Sun, 21 Nov 2286 04:46:39 GMT' }],
]);

export function correct(test) {
  const correction = corrections.get(test.id);
  if (correction === undefined) return test;
  const requests = test.requests.map((request) => ({ ...request }));
  const last = requests.length - 1;
  const expected = Object.entries({ ...requests[last], ...correction.last }).filter(
    ([, value]) => value !== undefined,
  );
  requests[last] = Object.fromEntries(expected);
  if (correction.expires !== undefined) {
    requests[0].response_headers = requests[0].response_headers.map((header) =>
      header[0] === 'Expires' ? ['Expires', correction.expires, false] : header,
    );
  }
  return { ...test, requests };
}
