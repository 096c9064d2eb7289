import { describe, expect, it, jest } from '@jest/globals';
import type { ImageSearchError } from '../../../plugin/src/errors';
import { createCircuitBreaker } from '../../../plugin/src/indexing/circuit-breaker';
import { failure } from '../../support/failures';
import { createFakeClock } from '../../support/fake-clock';

const passing = failure('provider-unavailable', { retryable: true });

function open() {
  const clock = createFakeClock();
  const onOpen = jest.fn<(error: ImageSearchError, pauseMs: number) => void>();
  const onClose = jest.fn<() => void>();
  // Without jitter a pause is half of its step: 1 s, 2 s, 4 s, …
  const breaker = createCircuitBreaker({ clock, random: () => 0, onOpen, onClose });
  return { breaker, clock, onOpen, onClose };
}

describe('the circuit breaker', () => {
  it('is closed at first', () => {
    const { breaker, onOpen, onClose } = open();
    expect([breaker.isClosed(), breaker.pauseMs(), breaker.error()]).toEqual([true, 0, null]);
    breaker.succeed();
    expect(onOpen).not.toHaveBeenCalled();
    expect(onClose).not.toHaveBeenCalled();
  });

  it('opens at the third passing failure in a row', () => {
    const { breaker, onOpen } = open();
    breaker.fail(passing);
    breaker.fail(passing);
    expect([breaker.isClosed(), breaker.pauseMs()]).toEqual([true, 0]);
    breaker.fail(passing);
    expect([breaker.isClosed(), breaker.pauseMs(), breaker.error()]).toEqual([
      false,
      1_000,
      passing,
    ]);
    expect(onOpen.mock.calls).toEqual([[passing, 1_000]]);
  });

  it('stays closed while successes come in between', () => {
    const { breaker, onOpen } = open();
    for (let round = 0; round < 5; round += 1) {
      breaker.fail(passing);
      breaker.fail(passing);
      breaker.succeed();
    }
    expect(breaker.isClosed()).toBe(true);
    expect(onOpen).not.toHaveBeenCalled();
  });

  it.each([
    ['a failure that does not pass by itself', failure('provider-unauthorized')],
    [
      'a failure with a time',
      failure('provider-unavailable', { retryable: true, retryAfterMs: 1 }),
    ],
  ])('opens at once at %s', (_name, error) => {
    const { breaker } = open();
    breaker.fail(error);
    expect([breaker.isClosed(), breaker.error()]).toEqual([false, error]);
  });

  it('pauses as long as the other side asked for', () => {
    const { breaker } = open();
    breaker.fail(failure('provider-unavailable', { retryable: true, retryAfterMs: 42_000 }));
    expect(breaker.pauseMs()).toBe(42_000);
  });

  it('is half-open after the pause: work may be tried, and a success closes it', async () => {
    const { breaker, clock, onClose } = open();
    breaker.fail(failure('provider-unauthorized'));
    await clock.advance(999);
    expect(breaker.pauseMs()).toBe(1);
    await clock.advance(1);
    expect([breaker.pauseMs(), breaker.isClosed()]).toEqual([0, false]);
    expect(onClose).not.toHaveBeenCalled();
    breaker.succeed();
    expect([breaker.isClosed(), breaker.error()]).toEqual([true, null]);
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('opens for longer when the try after the pause fails, up to five minutes', async () => {
    const { breaker, clock } = open();
    const pauses: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      breaker.fail(failure('provider-unauthorized'));
      pauses.push(breaker.pauseMs());
      await clock.advance(breaker.pauseMs());
    }
    expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(pauses.slice(-2)).toEqual([150_000, 150_000]);
  });

  it('starts over after a success', async () => {
    const { breaker, clock } = open();
    breaker.fail(failure('provider-unauthorized'));
    await clock.advance(1_000);
    breaker.fail(failure('provider-unauthorized'));
    await clock.advance(2_000);
    breaker.succeed();
    breaker.fail(passing);
    expect(breaker.isClosed()).toBe(true);
    breaker.fail(failure('provider-unauthorized'));
    expect(breaker.pauseMs()).toBe(1_000);
  });

  it('counts the batches that were under way when it opened as one failure', async () => {
    const { breaker, clock, onOpen } = open();
    breaker.fail(failure('provider-unauthorized'));
    for (let batch = 0; batch < 4; batch += 1) breaker.fail(failure('provider-unauthorized'));
    expect(breaker.pauseMs()).toBe(1_000);
    expect(onOpen).toHaveBeenCalledTimes(1);
    await clock.advance(1_000);
    breaker.fail(passing);
    expect(breaker.pauseMs()).toBe(2_000);
  });

  it('ends a pause when it is reset, is not closed by that, and pauses shortly again', async () => {
    const { breaker, clock, onClose } = open();
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(breaker.pauseMs());
      breaker.fail(failure('provider-unauthorized'));
    }
    breaker.reset();
    expect([breaker.pauseMs(), breaker.isClosed()]).toEqual([0, false]);
    expect(onClose).not.toHaveBeenCalled();
    breaker.fail(passing);
    expect(breaker.pauseMs()).toBe(1_000);
  });
});
