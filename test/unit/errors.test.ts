import { describe, expect, it } from '@jest/globals';
import {
  errorCodes,
  errorTraits,
  failureReason,
  ImageSearchError,
  isBlameless,
  isContentFailure,
  isProviderOutage,
  isRejection,
  isSharedFailure,
  type ErrorCode,
} from '../../plugin/src/errors';
import { failure } from '../support/failures';

const sharedCodes: ErrorCode[] = [
  'provider-not-installed',
  'provider-model-missing',
  'provider-model-changed',
  'provider-unavailable',
  'provider-unauthorized',
  'store-not-installed',
  'store-unavailable',
  'store-space-clash',
  'not-ready',
];

function codesWith(test: (code: ErrorCode) => boolean): ErrorCode[] {
  return errorCodes.filter(test).sort();
}

/** The codes of each value, in alphabetical order. */
function codesBy<Value extends string | number>(valueOf: (code: ErrorCode) => Value) {
  const groups: Partial<Record<Value, ErrorCode[]>> = {};
  for (const code of [...errorCodes].sort()) (groups[valueOf(code)] ??= []).push(code);
  return groups;
}

describe('The table of error traits', () => {
  it('has a row for every code, and no other', () => {
    expect(Object.keys(errorTraits).sort()).toEqual([...errorCodes].sort());
  });

  it('says what is worth a retry, unless the error says otherwise', () => {
    const message = 'It failed.';
    expect(codesWith((code) => new ImageSearchError({ code, message }).retryable)).toEqual([
      'aborted',
      'budget-reached',
      'image-unreachable',
      'not-ready',
      'provider-bad-answer',
      'provider-unavailable',
      'rate-limited',
      'storage-unavailable',
      'store-unavailable',
      'unexpected',
      'url-unreachable',
    ]);
    for (const retryable of [true, false]) {
      const errors = errorCodes.map((code) => new ImageSearchError({ code, message, retryable }));
      expect(new Set(errors.map((error) => error.retryable))).toEqual(new Set([retryable]));
    }
  });

  it('says which failures switch searches over to the fallback', () => {
    expect(codesWith((code) => isProviderOutage(failure(code)))).toEqual([
      'provider-bad-answer',
      'provider-model-changed',
      'provider-model-missing',
      'provider-not-installed',
      'provider-unauthorized',
      'provider-unavailable',
    ]);
    expect(isProviderOutage(new Error('It failed.'))).toBe(false);
  });

  it('says which failures of the provider an image may be to blame for', () => {
    expect(codesWith((code) => isRejection(failure(code)))).toEqual([
      'provider-bad-answer',
      'provider-rejected-input',
    ]);
  });

  it('says what HTTP answers', () => {
    expect(codesBy((code) => errorTraits[code].httpStatus)).toEqual({
      400: [
        'image-unreadable',
        'invalid-input',
        'provider-rejected-input',
        'text-unknown',
        'url-unreachable',
      ],
      404: [
        'entry-not-found',
        'file-not-found',
        'image-missing',
        'merge-not-found',
        'pair-not-found',
      ],
      409: ['conflict', 'not-ready', 'space-mismatch'],
      413: ['image-too-large'],
      415: ['image-decoder-missing', 'image-unsupported'],
      429: ['rate-limited'],
      500: ['config-invalid', 'unexpected'],
      502: ['image-unreachable', 'storage-refused'],
      503: [
        'aborted',
        'budget-reached',
        'provider-bad-answer',
        'provider-model-changed',
        'provider-model-missing',
        'provider-not-installed',
        'provider-unauthorized',
        'provider-unavailable',
        'storage-unavailable',
        'store-not-installed',
        'store-space-clash',
        'store-unavailable',
      ],
    });
  });

  it('keeps server faults and what others said from outside callers', () => {
    const hidden = codesWith((code) => errorTraits[code].isOperatorOnly);
    expect(hidden).toEqual(
      codesWith(
        (code) => errorTraits[code].httpStatus >= 500 || code === 'provider-rejected-input',
      ),
    );
  });

  it('says what the panel shows', () => {
    expect(codesBy(failureReason)).toEqual({
      unreadable: ['image-unreadable'],
      'too-large': ['image-too-large'],
      unsupported: ['image-unsupported'],
      'decoder-missing': ['image-decoder-missing'],
      missing: ['image-missing'],
      rejected: ['provider-rejected-input'],
      unreachable: ['image-unreachable', 'storage-unavailable'],
      'storage-refused': ['storage-refused'],
      provider: [
        'provider-bad-answer',
        'provider-model-changed',
        'provider-model-missing',
        'provider-not-installed',
        'provider-unauthorized',
        'provider-unavailable',
      ],
      store: ['store-not-installed', 'store-space-clash', 'store-unavailable'],
      unexpected: [
        'aborted',
        'budget-reached',
        'config-invalid',
        'conflict',
        'entry-not-found',
        'file-not-found',
        'invalid-input',
        'merge-not-found',
        'not-ready',
        'pair-not-found',
        'rate-limited',
        'space-mismatch',
        'text-unknown',
        'unexpected',
        'url-unreachable',
      ],
    });
  });

  it('has a reason for a code that only another version knows', () => {
    expect(failureReason('invented-later')).toBe('unexpected');
    expect(failureReason('toString')).toBe('unexpected');
  });
});

describe('isSharedFailure', () => {
  it('is true only for failures of the provider or the store as a whole', () => {
    const shared = errorCodes.filter((code) => isSharedFailure(failure(code)));
    expect(new Set(shared)).toEqual(new Set(sharedCodes));
  });
});

describe('isBlameless', () => {
  it('is also true for a storage whose files wait', () => {
    const blameless = errorCodes.filter((code) => isBlameless(failure(code)));
    expect(new Set(blameless)).toEqual(new Set([...sharedCodes, 'storage-unavailable']));
  });
});

describe('isContentFailure', () => {
  it("is true only for failures that mean the bytes can't have a vector", () => {
    const content = errorCodes.filter((code) => isContentFailure(failure(code)));
    expect(new Set(content)).toEqual(
      new Set([
        'image-unreadable',
        'image-too-large',
        'image-decoder-missing',
        'image-unsupported',
        'provider-rejected-input',
      ]),
    );
  });
});
