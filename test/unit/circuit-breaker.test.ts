import { beforeEach, describe, expect, it } from '@jest/globals';
import { backoffMs, HealthRecord, type CircuitBreaker } from '../../plugin/src/circuit-breaker';
import { createSeededRandom } from '../../sample/seeded-random';
import { failure } from '../support/failures';
import { createFakeClock, type FakeClock } from '../support/fake-clock';

const DAY_MS = 86_400_000;
const ALMOST_ONE = 1 - Number.EPSILON;
const passing = failure('provider-unavailable', { retryable: true });
const lasting = failure('provider-unauthorized');

let clock: FakeClock;
let health: HealthRecord;
let breaker: CircuitBreaker;

beforeEach(() => {
  clock = createFakeClock();
  // Without jitter a pause is half of its step: 1 s, 2 s, 4 s, …
  health = new HealthRecord({ clock, random: () => 0 });
  breaker = health.indexing;
});

describe('a circuit breaker', () => {
  it('is closed at first', () => {
    expect([breaker.state(), breaker.pauseMs(), breaker.error()]).toEqual(['closed', 0, null]);
    expect(breaker.recordSuccess()).toBe(false);
  });

  it('opens at the third temporary failure in a row', () => {
    expect([breaker.recordFailure(passing), breaker.recordFailure(passing)]).toEqual([null, null]);
    expect([breaker.state(), breaker.pauseMs()]).toEqual(['closed', 0]);
    expect(breaker.recordFailure(passing)).toBe(1_000);
    expect([breaker.state(), breaker.pauseMs(), breaker.error()]).toEqual(['open', 1_000, passing]);
  });

  it.each([-DAY_MS, DAY_MS])(
    'pauses as long when the clock is set by %d ms',
    async (difference) => {
      breaker.recordFailure(lasting);
      clock.set(difference);
      expect([breaker.state(), breaker.pauseMs()]).toEqual(['open', 1_000]);
      await clock.advance(1_000);
      expect(breaker.state()).toBe('half-open');
    },
  );

  it('stays closed while successes come in between', () => {
    for (let round = 0; round < 5; round += 1) {
      expect(breaker.recordFailure(passing)).toBeNull();
      expect(breaker.recordFailure(passing)).toBeNull();
      expect(breaker.recordSuccess()).toBe(false);
    }
    expect(breaker.state()).toBe('closed');
  });

  it.each([
    ["a failure that isn't temporary", lasting],
    [
      'a failure with a retry time',
      failure('provider-unavailable', { retryable: true, retryAfterMs: 1 }),
    ],
  ])('opens at once at %s', (_name, error) => {
    breaker.recordFailure(error);
    expect([breaker.state(), breaker.error()]).toEqual(['open', error]);
  });

  it('pauses as long as the provider requested', () => {
    const retryAfterMs = 4_200_000;
    breaker.recordFailure(failure('provider-unavailable', { retryable: true, retryAfterMs }));
    expect(breaker.pauseMs()).toBe(retryAfterMs);
  });

  it('is half-open after the pause: work can be tried, and a success closes it', async () => {
    breaker.recordFailure(lasting);
    await clock.advance(999);
    expect(breaker.pauseMs()).toBe(1);
    await clock.advance(1);
    expect([breaker.pauseMs(), breaker.state()]).toEqual([0, 'half-open']);
    expect(breaker.recordSuccess()).toBe(true);
    expect([breaker.state(), breaker.error()]).toEqual(['closed', null]);
  });

  it('opens for longer if the attempt after the pause fails, up to five minutes', async () => {
    const pauses: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      breaker.recordFailure(lasting);
      pauses.push(breaker.pauseMs());
      await clock.advance(breaker.pauseMs());
    }
    expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(pauses.slice(-2)).toEqual([150_000, 150_000]);
  });

  it('starts over after a success', async () => {
    breaker.recordFailure(lasting);
    await clock.advance(1_000);
    breaker.recordFailure(lasting);
    await clock.advance(2_000);
    breaker.recordSuccess();
    breaker.recordFailure(passing);
    expect(breaker.state()).toBe('closed');
    breaker.recordFailure(lasting);
    expect(breaker.pauseMs()).toBe(1_000);
  });

  it('counts batches in progress when it opened as one failure', async () => {
    expect(breaker.recordFailure(lasting)).toBe(1_000);
    for (let batch = 0; batch < 4; batch += 1) expect(breaker.recordFailure(lasting)).toBeNull();
    expect(breaker.pauseMs()).toBe(1_000);
    await clock.advance(1_000);
    breaker.recordFailure(passing);
    expect(breaker.pauseMs()).toBe(2_000);
  });

  it('ends a pause on request without closing, and pauses briefly on the next failure', async () => {
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(breaker.pauseMs());
      breaker.recordFailure(lasting);
    }
    breaker.retryNow();
    expect([breaker.pauseMs(), breaker.state()]).toEqual([0, 'half-open']);
    breaker.recordFailure(passing);
    expect(breaker.pauseMs()).toBe(1_000);
  });
});

describe('a probe', () => {
  it('is sent only while half-open, and closes or opens for longer', async () => {
    let probes = 0;
    const probe = (isHealthy: boolean) =>
      breaker.probe(() => {
        probes += 1;
        return Promise.resolve(isHealthy);
      });
    expect(await probe(true)).toBe(false);
    breaker.recordFailure(lasting);
    expect(await probe(true)).toBe(false);
    expect(probes).toBe(0);
    await clock.advance(1_000);
    expect(await probe(false)).toBe(false);
    expect([breaker.pauseMs(), breaker.error()]).toEqual([2_000, lasting]);
    await clock.advance(2_000);
    expect(await probe(true)).toBe(true);
    expect([breaker.state(), probes]).toEqual(['closed', 2]);
  });

  it('is one at a time, and its failure says nothing once work has succeeded', async () => {
    breaker.recordFailure(lasting);
    await clock.advance(1_000);
    let end: (isHealthy: boolean) => void = () => undefined;
    const probing = breaker.probe(() => new Promise((resolve) => (end = resolve)));
    expect(await breaker.probe(() => Promise.resolve(true))).toBe(false);
    expect(breaker.state()).toBe('half-open');
    breaker.recordSuccess();
    end(false);
    expect(await probing).toBe(false);
    expect(breaker.state()).toBe('closed');
  });
});

describe('a health record', () => {
  const states = () => [health.indexing.state(), health.search.state(), health.opening.state()];

  it('spares searches a provider that indexing found to be down', () => {
    health.indexing.recordFailure(lasting);
    expect(states()).toEqual(['open', 'open', 'closed']);
    expect(health.search.error()).toBe(lasting);
  });

  it.each([
    ['one that names a time', failure('provider-unavailable', { retryAfterMs: 60_000 })],
    ['a store', failure('store-unavailable')],
  ])('lets searches go on when indexing pauses for %s', (_name, error) => {
    health.indexing.recordFailure(error);
    expect(states()).toEqual(['open', 'closed', 'closed']);
  });

  it("lets searches retry a model that can't be opened", () => {
    health.opening.recordFailure(lasting);
    health.indexing.recordFailure(lasting);
    expect(states()).toEqual(['open', 'closed', 'open']);
  });

  it('lets searches find out for themselves once indexing resumes', () => {
    health.indexing.recordFailure(lasting);
    health.indexing.recordSuccess();
    expect(states()).toEqual(['closed', 'closed', 'closed']);
    health.search.recordFailure(lasting);
    health.indexing.recordSuccess();
    expect(states()).toEqual(['closed', 'open', 'closed']);
  });

  it("keeps indexing's pause whatever searches and openings find out", () => {
    health.indexing.recordFailure(lasting);
    health.search.recordSuccess();
    health.opening.recordSuccess();
    expect(states()).toEqual(['open', 'closed', 'closed']);
  });

  it('keeps searches waiting for no longer than a minute', () => {
    health.search.recordFailure(failure('provider-unavailable', { retryAfterMs: 3_600_000 }));
    expect(health.search.pauseMs()).toBe(60_000);
  });

  it('ends every pause on request', () => {
    for (const circuit of [health.opening, health.indexing, health.search]) {
      circuit.recordFailure(lasting);
    }
    health.retryNow();
    expect(states()).toEqual(['half-open', 'half-open', 'half-open']);
  });

  it("ends the store's pauses with its return, and none of the provider's", () => {
    health.indexing.recordFailure(failure('provider-unavailable', { retryAfterMs: 3_600_000 }));
    health.opening.recordFailure(failure('store-unavailable'));
    health.resumeStore();
    expect(health.indexing.state()).toBe('open');
    expect(health.opening.state()).toBe('half-open');
  });
});

describe('backoffMs', () => {
  const policy = { firstRetryMs: 1_000, longestRetryMs: 10_000 };

  it.each([
    [1, 500, 1_000],
    [2, 1_000, 2_000],
    [3, 2_000, 4_000],
    [4, 4_000, 8_000],
    [5, 5_000, 10_000],
    [60, 5_000, 10_000],
    [5_000, 5_000, 10_000],
  ])('after attempt %i waits between %i and %i ms', (attempts, shortest, longest) => {
    expect(backoffMs(policy, attempts, 0)).toBe(shortest);
    expect(backoffMs(policy, attempts, 0.5)).toBe((shortest + longest) / 2);
    expect(backoffMs(policy, attempts, ALMOST_ONE)).toBeCloseTo(longest, 6);
  });

  it('spreads simultaneous failures', () => {
    const random = createSeededRandom('backoff');
    const waits = Array.from({ length: 200 }, () => backoffMs(policy, 3, random.fraction()));
    expect(Math.min(...waits)).toBeLessThan(2_200);
    expect(Math.max(...waits)).toBeGreaterThan(3_800);
    expect(new Set(waits).size).toBe(waits.length);
  });

  it('waits at least as long as requested, and no longer because of it', () => {
    expect(backoffMs(policy, 1, 0, 60_000)).toBe(60_000);
    expect(backoffMs(policy, 3, 0, 10)).toBe(2_000);
  });
});
