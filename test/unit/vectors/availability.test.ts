import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ImageSearchError } from '../../../plugin/src/errors';
import { Availability, type Outage } from '../../../plugin/src/vectors/availability';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';

const silence = new ImageSearchError({
  code: 'store-unavailable',
  message: "It didn't answer.",
  retryable: true,
});

let clock: FakeClock;
let isUp: boolean;
let probes: number;
let outages: Outage[];
let availability: Availability;

beforeEach(() => {
  clock = createFakeClock();
  isUp = false;
  probes = 0;
  outages = [];
  availability = new Availability({
    probe: () => {
      probes += 1;
      return Promise.resolve(isUp);
    },
    onBack: (outage) => outages.push(outage),
    clock,
    random: () => 1 - Number.EPSILON,
  });
});
afterEach(() => {
  availability.stop();
});

const assert = () => {
  availability.assertNotHanging();
};

describe('the availability of a server', () => {
  it('refuses requests after two timeouts in a row, and says when to retry', async () => {
    availability.recordSilence(silence, { isTimeout: true });
    expect(assert).not.toThrow();
    availability.recordSilence(silence, { isTimeout: true });
    expect(assert).toThrow(
      expect.objectContaining({
        code: 'store-unavailable',
        message: silence.message,
        retryable: true,
        retryAfterMs: expect.any(Number),
      }),
    );
    await clock.advance(60_000);
    expect(assert).toThrow(silence.message);
    expect(probes).toBeGreaterThan(5);
  });

  it('never refuses while connections are refused: those fail at once by themselves', () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      availability.recordSilence(silence, { isTimeout: false });
    }
    expect(assert).not.toThrow();
  });

  it('is back at the first probe that succeeds, and tells once what failed meanwhile', async () => {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      availability.recordSilence(silence, { isTimeout: true });
    }
    expect(assert).toThrow();
    await clock.advance(5_000);
    isUp = true;
    await clock.advance(10_000);
    expect(assert).not.toThrow();
    expect(outages).toEqual([{ milliseconds: expect.any(Number), failures: 3 }]);
    const asked = probes;
    await clock.advance(60_000);
    expect(probes).toBe(asked);
  });

  it('is asked as rarely as before when it hangs again at once', async () => {
    for (let round = 0; round < 4; round += 1) {
      availability.recordSilence(silence, { isTimeout: true });
      await clock.advance(1_000);
      availability.recordAnswer();
    }
    expect(probes).toBeLessThan(3);
  });

  it('is back with any answer, and one timeout among answers is nothing', () => {
    availability.recordSilence(silence, { isTimeout: true });
    availability.recordAnswer();
    availability.recordSilence(silence, { isTimeout: true });
    expect(assert).not.toThrow();
    availability.recordAnswer();
    expect(outages).toHaveLength(2);
  });
});
