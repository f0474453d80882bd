import { describe, expect, it } from 'vitest';
import { redact, toBackendError } from '../../../../lib/backends/redis/connection/errors.js';

describe('errors', () => {
  it('says whether the outcome of a write is unknown, and hides every form of a secret', () => {
    expect(toBackendError(new Error('READONLY x'), 'set', true)).toMatchObject({
      code: 'CACHE_BACKEND_FAILED',
      unknownOutcome: false,
    });
    expect(toBackendError(new Error('read ECONNRESET'), 'set', true)).toMatchObject({
      code: 'CACHE_BACKEND_UNAVAILABLE',
      unknownOutcome: true,
    });
    expect(toBackendError('odd', 'get', false)).toMatchObject({ unknownOutcome: false });
    expect(redact('redis://:p%40ss@h p@ss', ['p@ss'])).toBe('redis://:***@h ***');
  });
});
