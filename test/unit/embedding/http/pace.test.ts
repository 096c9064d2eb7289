import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { unlimitedQuota, type EmbeddingQuota } from '../../../../plugin/src/embedding/contract';
import { Pace, type Demand } from '../../../../plugin/src/embedding/http/pace';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock';

const { signal: never } = new AbortController();

function createPace(quota: Partial<EmbeddingQuota>): {
  clock: FakeClock;
  /** Asks for a turn; `begun` tells when each began, in milliseconds from the start. */
  ask: (demand?: Partial<Demand>, signal?: AbortSignal) => Promise<(tokens: number) => void>;
  begun: number[];
} {
  const clock = createFakeClock();
  const start = clock.now();
  const pace = new Pace({ ...unlimitedQuota, ...quota }, clock);
  const begun: number[] = [];
  return {
    clock,
    begun,
    ask: async (demand = {}, signal = never) => {
      const turn = await pace.takeTurn(
        { images: 0, tokens: 0, isUrgent: false, ...demand },
        signal,
      );
      begun.push(clock.now() - start);
      return turn;
    },
  };
}

describe('a quota of requests', () => {
  it('is never exceeded in any minute, and a tenth of it is left to searches', async () => {
    const { ask, begun, clock } = createPace({ requestsPerMinute: 20 });
    const all = Promise.all(Array.from({ length: 60 }, () => ask()));
    await clock.runUntil(() => begun.length === 60);
    await all;
    for (const time of begun) {
      const within = begun.filter((other) => other >= time && other < time + 60_000);
      expect(within.length).toBeLessThanOrEqual(18);
    }
    expect(Math.max(...begun)).toBe(180_000);
  });

  it('lets a search through at once while pictures wait', async () => {
    const { ask, begun, clock } = createPace({ requestsPerMinute: 10 });
    const pictures = Promise.all(Array.from({ length: 12 }, () => ask()));
    await clock.advance(1);
    expect(begun).toHaveLength(9);
    await ask({ isUrgent: true });
    expect(begun).toHaveLength(10);
    await clock.runUntil(() => begun.length === 13);
    await pictures;
  });

  it('of one request is not left to searches alone', async () => {
    const { ask, begun } = createPace({ requestsPerMinute: 1 });
    await ask();
    expect(begun).toEqual([0]);
  });

  it('that is used up by searches fails the next one with the time to wait', async () => {
    const { ask, clock } = createPace({ requestsPerMinute: 2 });
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

describe('a quota of pictures', () => {
  it('counts pictures, whatever the number of requests, and no texts', async () => {
    const { ask, begun, clock } = createPace({ imagesPerMinute: 10 });
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
  it('goes by the billed number as soon as that is known', async () => {
    const { ask, begun, clock } = createPace({ tokensPerMinute: 1_000 });
    const correct = await ask({ tokens: 800 });
    correct(100);
    await ask({ tokens: 700 });
    const third = ask({ tokens: 700 });
    await clock.runUntil(() => begun.length === 3);
    await third;
    expect(begun).toEqual([0, 0, 60_000]);
  });

  it('lets who waits go on at once when less was billed than expected', async () => {
    const { ask, begun, clock } = createPace({ tokensPerMinute: 1_000 });
    const correct = await ask({ tokens: 800 });
    const second = ask({ tokens: 800 });
    await clock.advance(5_000);
    expect(begun).toEqual([0]);
    correct(50);
    await clock.advance(0);
    expect(begun).toEqual([0, 5_000]);
    await second;
  });

  it('lets a request that is larger than the quota through when it is alone', async () => {
    const { ask, begun, clock } = createPace({ tokensPerMinute: 1_000 });
    await ask({ tokens: 5_000 });
    const second = ask({ tokens: 5_000 });
    await clock.runUntil(() => begun.length === 2);
    await second;
    expect(begun).toEqual([0, 60_000]);
  });
});

describe('what is left to searches', () => {
  it('is there after a picture that counts more than the whole quota', async () => {
    const { ask, begun, clock } = createPace({ tokensPerMinute: 1_000 });
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

  it('keeps no such picture from its turn while somebody searches', async () => {
    const { ask, begun } = createPace({ tokensPerMinute: 1_000 });
    await ask({ tokens: 100, isUrgent: true });
    await ask({ tokens: 5_000 });
    expect(begun).toEqual([0, 0]);
  });

  it('is all that searches may use beside indexing', async () => {
    const { ask, begun, clock } = createPace({ tokensPerMinute: 1_000 });
    await ask({ tokens: 300, isUrgent: true });
    const indexed = ask({ tokens: 800 });
    await clock.advance(1);
    expect(begun).toEqual([0]);
    await clock.runUntil(() => begun.length === 2);
    await indexed;
    expect(begun).toEqual([0, 60_000]);
  });
});

describe('who waits', () => {
  it('leaves when it is aborted, and what comes after it takes its place', async () => {
    const { ask, begun, clock } = createPace({ requestsPerMinute: 1 });
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
