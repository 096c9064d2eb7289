import { describe, expect, it } from '@jest/globals';
import { errorCodes, type ErrorCode, type ImageSearchError } from '../../../plugin/src/errors';
import {
  backoffMs,
  isContentFailure,
  isSharedFailure,
  judgeFailure,
  type RetryPolicy,
} from '../../../plugin/src/indexing/retry-policy';
import { failure } from '../../support/failures';
import { createSeededRandom } from '../../../sample/seeded-random';

const policy: RetryPolicy = { maxAttempts: 4, firstRetryMs: 1_000, longestRetryMs: 10_000 };
const NOW = Date.UTC(2026, 0, 1);
const ALMOST_ONE = 1 - Number.EPSILON;

const sharedCodes: ErrorCode[] = [
  'provider-not-installed',
  'provider-model-missing',
  'provider-model-changed',
  'provider-unavailable',
  'provider-unauthorized',
  'store-not-installed',
  'store-unavailable',
  'store-space-clash',
  'storage-refused',
  'not-ready',
];

function judge(error: ImageSearchError, attempts = 1, random = 0) {
  return judgeFailure({ error, attempts, policy, now: NOW, random });
}

describe('backoffMs', () => {
  it.each([
    [1, 500, 1_000],
    [2, 1_000, 2_000],
    [3, 2_000, 4_000],
    [4, 4_000, 8_000],
    [5, 5_000, 10_000],
    [60, 5_000, 10_000],
    [5_000, 5_000, 10_000],
  ])('after try %i waits between %i and %i ms', (attempts, shortest, longest) => {
    expect(backoffMs(policy, attempts, 0)).toBe(shortest);
    expect(backoffMs(policy, attempts, 0.5)).toBe((shortest + longest) / 2);
    expect(backoffMs(policy, attempts, ALMOST_ONE)).toBeCloseTo(longest, 6);
  });

  it('spreads what failed together', () => {
    const random = createSeededRandom('backoff');
    const waits = Array.from({ length: 200 }, () => backoffMs(policy, 3, random.fraction()));
    expect(Math.min(...waits)).toBeLessThan(2_200);
    expect(Math.max(...waits)).toBeGreaterThan(3_800);
    expect(new Set(waits).size).toBe(waits.length);
  });

  it('never waits less than the other side asked for, and no longer because of it', () => {
    expect(backoffMs(policy, 1, 0, 60_000)).toBe(60_000);
    expect(backoffMs(policy, 3, 0, 10)).toBe(2_000);
  });
});

describe('judgeFailure', () => {
  it('tries a retryable failure again, later from try to try', () => {
    const error = failure('image-unreachable', { retryable: true });
    const waits = [1, 2, 3].map((attempts) => judge(error, attempts));
    expect(waits).toEqual([
      { state: 'pending', dueAt: new Date(NOW + 500) },
      { state: 'pending', dueAt: new Date(NOW + 1_000) },
      { state: 'pending', dueAt: new Date(NOW + 2_000) },
    ]);
  });

  it('honours the time that the other side named', () => {
    const error = failure('provider-unavailable', { retryable: true, retryAfterMs: 90_000 });
    expect(judge(error)).toEqual({ state: 'pending', dueAt: new Date(NOW + 90_000) });
  });

  it('gives up with the last try', () => {
    const error = failure('image-unreachable', { retryable: true });
    expect(judge(error, 3)).toMatchObject({ state: 'pending' });
    expect(judge(error, 4)).toEqual({ state: 'failed' });
    expect(judge(error, 9)).toEqual({ state: 'failed' });
  });

  it.each(['image-too-large', 'image-unsupported'] as const)(
    'skips a picture that is %s',
    (code) => {
      expect(judge(failure(code))).toEqual({ state: 'skipped' });
    },
  );

  it.each(['image-unreadable', 'provider-rejected-input', 'image-unreachable'] as const)(
    'fails a picture at once that is %s for good',
    (code) => {
      expect(judge(failure(code))).toEqual({ state: 'failed' });
    },
  );
});

describe('isSharedFailure', () => {
  it('holds for failures of provider and store as a whole, and for no other', () => {
    const shared = errorCodes.filter((code) => isSharedFailure(failure(code)));
    expect(new Set(shared)).toEqual(new Set(sharedCodes));
  });
});

describe('isContentFailure', () => {
  it('holds for failures that say of bytes that they have no vector, and for no other', () => {
    const content = errorCodes.filter((code) => isContentFailure(failure(code)));
    expect(new Set(content)).toEqual(
      new Set([
        'image-unreadable',
        'image-too-large',
        'image-unsupported',
        'provider-rejected-input',
      ]),
    );
  });
});
