import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { unlimitedQuota, type EmbeddingQuota } from '../../../../plugin/src/embedding/contract';
import { RateLimiter, type Demand } from '../../../../plugin/src/embedding/hosted/rate-limiter';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock';

function createRateLimiter(quota: Partial<EmbeddingQuota>): {
  clock: FakeClock;
  /** Asks for a turn; `begun` tells when each began, in milliseconds from the start. */
  ask: (demand?: Partial<Demand>, signal?: AbortSignal) => Promise<(tokens: number) => void>;
  begun: number[];
} {
  const clock = createFakeClock();
  const start = clock.now();
  const rateLimiter = new RateLimiter({ ...unlimitedQuota, ...quota }, clock);
  const begun: number[] = [];
  return {
    clock,
    begun,
    ask: async (demand = {}, signal = new AbortController().signal) => {
      const turn = await rateLimiter.takeTurn(
        { images: 0, tokens: 0, isUrgent: false, ...demand },
        signal,
      );
      begun.push(clock.now() - start);
      return turn;
    },
  };
}

describe('a quota of requests', () => {
  it('is never exceeded in any minute, and a tenth of it is reserved for searches', async () => {
    const { ask, begun, clock } = createRateLimiter({ requestsPerMinute: 20 });
    const all = Promise.all(Array.from({ length: 60 }, () => ask()));
    await clock.runUntil(() => begun.length === 60);
    await all;
    for (const time of begun) {
      const within = begun.filter((other) => other >= time && other < time + 60_000);
      expect(within.length).toBeLessThanOrEqual(18);
    }
    expect(Math.max(...begun)).toBe(180_000);
  });

  it('lets a search through at once while images wait', async () => {
    const { ask, begun, clock } = createRateLimiter({ requestsPerMinute: 10 });
    const images = Promise.all(Array.from({ length: 12 }, () => ask()));
    await clock.advance(1);
    expect(begun).toHaveLength(9);
    await ask({ isUrgent: true });
    expect(begun).toHaveLength(10);
    await clock.runUntil(() => begun.length === 13);
    await images;
  });

  it("of one request isn't reserved for searches alone", async () => {
    const { ask, begun } = createRateLimiter({ requestsPerMinute: 1 });
    await ask();
    expect(begun).toEqual([0]);
  });

  it('that is used up by searches fails the next one with the time to wait', async () => {
    const { ask, clock } = createRateLimiter({ requestsPerMinute: 2 });
    await ask({ isUrgent: true });
    await clock.advance(20_000);
    await ask({ isUrgent: true });
    await expect(ask({ isUrgent: true })).rejects.toMatchObject({
      code: 'provider-unavailable',
      retryable: true,
      retryAfterMs: 40_000,
      message: expect.stringContaining('embedding.requestsPerMinute'),
    });
    await clock.advance(31_000);
    const soon = ask({ isUrgent: true });
    await clock.advance(9_001);
    await expect(soon).resolves.toBeInstanceOf(Function);
  });
});

describe('a quota of images', () => {
  it('counts images, not requests or texts', async () => {
    const { ask, begun, clock } = createRateLimiter({ imagesPerMinute: 10 });
    await ask({ images: 6 });
    const second = ask({ images: 4 });
    await clock.advance(1);
    await ask({ isUrgent: true, tokens: 50 });
    expect(begun).toEqual([0, 1]);
    await clock.runUntil(() => begun.length === 3);
    await second;
    expect(begun[2]).toBe(60_000);
  });
});

describe('a quota of tokens', () => {
  it('uses the billed number as soon as it is known', async () => {
    const { ask, begun, clock } = createRateLimiter({ tokensPerMinute: 1_000 });
    const correct = await ask({ tokens: 800 });
    correct(100);
    await ask({ tokens: 700 });
    const third = ask({ tokens: 700 });
    await clock.runUntil(() => begun.length === 3);
    await third;
    expect(begun).toEqual([0, 0, 60_000]);
  });

  it('releases waiting requests at once if less was billed than expected', async () => {
    const { ask, begun, clock } = createRateLimiter({ tokensPerMinute: 1_000 });
    const correct = await ask({ tokens: 800 });
    const second = ask({ tokens: 800 });
    await clock.advance(5_000);
    expect(begun).toEqual([0]);
    correct(50);
    await clock.advance(0);
    expect(begun).toEqual([0, 5_000]);
    await second;
  });

  it('allows a request larger than the quota if it is alone', async () => {
    const { ask, begun, clock } = createRateLimiter({ tokensPerMinute: 1_000 });
    await ask({ tokens: 5_000 });
    const second = ask({ tokens: 5_000 });
    await clock.runUntil(() => begun.length === 2);
    await second;
    expect(begun).toEqual([0, 60_000]);
  });
});

describe('the share of searches', () => {
  it('is available after an image that exceeds the whole quota', async () => {
    const { ask, begun, clock } = createRateLimiter({ tokensPerMinute: 1_000 });
    await ask({ tokens: 5_000 });
    for (let search = 0; search < 10; search += 1) await ask({ tokens: 10, isUrgent: true });
    expect(begun).toHaveLength(11);
    await expect(ask({ tokens: 10, isUrgent: true })).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
    const next = ask({ tokens: 5_000 });
    await clock.runUntil(() => begun.length === 12);
    await next;
    expect(begun[11]).toBe(60_000);
  });

  it("doesn't block such an image while searches arrive", async () => {
    const { ask, begun } = createRateLimiter({ tokensPerMinute: 1_000 });
    await ask({ tokens: 100, isUrgent: true });
    await ask({ tokens: 5_000 });
    expect(begun).toEqual([0, 0]);
  });

  it('limits searches during indexing', async () => {
    const { ask, begun, clock } = createRateLimiter({ tokensPerMinute: 1_000 });
    await ask({ tokens: 300, isUrgent: true });
    const indexed = ask({ tokens: 800 });
    await clock.advance(1);
    expect(begun).toEqual([0]);
    await clock.runUntil(() => begun.length === 2);
    await indexed;
    expect(begun).toEqual([0, 60_000]);
  });
});

describe('a waiting request', () => {
  it('leaves when aborted, and the next one takes its place', async () => {
    const { ask, begun, clock } = createRateLimiter({ requestsPerMinute: 1 });
    await ask();
    const controller = new AbortController();
    const leaving = ask({}, controller.signal);
    const queued = ask({}, controller.signal);
    const staying = ask();
    await nextTurn();
    controller.abort();
    await expect(leaving).rejects.toThrow();
    await expect(queued).rejects.toThrow();
    await clock.runUntil(() => begun.length === 2);
    await staying;
    expect(begun).toEqual([0, 60_000]);
  });
});
