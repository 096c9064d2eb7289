import { describe, expect, it } from '@jest/globals';
import type { ImageSearchError } from '../../../plugin/src/errors';
import { nextStateAfter, type RetryPolicy } from '../../../plugin/src/indexing/batch-indexer';
import { failure } from '../../support/failures';

const policy: RetryPolicy = { maxAttempts: 4, firstRetryMs: 1_000, longestRetryMs: 10_000 };
const NOW = Date.UTC(2026, 0, 1);

function judge(error: ImageSearchError, attempts = 1, random = 0) {
  return nextStateAfter({ error, attempts, policy, now: NOW, random });
}

describe('nextStateAfter', () => {
  it('retries a retryable failure, with increasing delays', () => {
    const error = failure('image-unreachable', { retryable: true });
    const waits = [1, 2, 3].map((attempts) => judge(error, attempts));
    expect(waits).toEqual([
      { state: 'pending', dueAt: new Date(NOW + 500) },
      { state: 'pending', dueAt: new Date(NOW + 1_000) },
      { state: 'pending', dueAt: new Date(NOW + 2_000) },
    ]);
  });

  it('honors the time that the provider requested', () => {
    const error = failure('provider-unavailable', { retryable: true, retryAfterMs: 90_000 });
    expect(judge(error)).toEqual({ state: 'pending', dueAt: new Date(NOW + 90_000) });
  });

  it('fails after the last attempt', () => {
    const error = failure('image-unreachable', { retryable: true });
    expect(judge(error, 3)).toMatchObject({ state: 'pending' });
    expect(judge(error, 4)).toEqual({ state: 'failed' });
    expect(judge(error, 9)).toEqual({ state: 'failed' });
  });

  it.each(['image-too-large', 'image-unsupported'] as const)(
    'skips an image that is %s',
    (code) => {
      expect(judge(failure(code))).toEqual({ state: 'skipped' });
    },
  );

  it.each(['image-unreadable', 'provider-rejected-input', 'image-unreachable'] as const)(
    'fails an image at once if it is permanently %s',
    (code) => {
      expect(judge(failure(code))).toEqual({ state: 'failed' });
    },
  );
});
