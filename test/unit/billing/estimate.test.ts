import { describe, expect, it } from '@jest/globals';
import { noFigures } from '../../../plugin/src/billing/contract';
import { estimate, totalOf, type EstimateOptions } from '../../../plugin/src/billing/cost';
import { unlimitedQuota, type EmbeddingQuota } from '../../../plugin/src/embedding/contract';

const hosted: EstimateOptions = {
  images: 1_000,
  waiting: 0,
  isLocal: false,
  limits: {
    ...unlimitedQuota,
    requestsPerMinute: 50,
    imagesPerCall: 8,
    concurrentCalls: 4,
    tokensPerImage: 4_000,
  },
  usage: null,
  prices: {},
};
/** 100 images of 500 tokens in 80 s of requests, and searches, which don't count. */
const usage = {
  ...noFigures,
  images: 100,
  imageTokens: 50_000,
  texts: 900,
  textTokens: 9_000,
  imageMilliseconds: 80_000,
};

describe('a hosted model', () => {
  it('that has no usage yet is estimated by its request rate alone', () => {
    expect(estimate(hosted)).toEqual({
      images: 1_000,
      embeddings: 1_000,
      waiting: 0,
      requests: 125,
      tokens: null,
      cost: null,
      seconds: 167,
    });
  });

  it('that has no usage yet takes as long as whole batches of the expected tokens, with a share for searches', () => {
    const limits = {
      ...unlimitedQuota,
      imagesPerCall: 8,
      concurrentCalls: 4,
      tokensPerMinute: 100_000,
      tokensPerImage: 4_000,
    };
    expect(estimate({ ...hosted, limits })).toMatchObject({ tokens: null, seconds: 3_750 });
  });

  it('whose images exceed the limit per minute embeds one per minute', () => {
    const limits = {
      ...unlimitedQuota,
      imagesPerCall: 1,
      concurrentCalls: 4,
      tokensPerMinute: 100_000,
      tokensPerImage: 256_000,
    };
    expect(estimate({ ...hosted, images: 30, limits })).toMatchObject({ seconds: 1_800 });
  });

  it('costs what images have cost so far', () => {
    const prices = { pricePerMillionTokens: 2 };
    expect(estimate({ ...hosted, usage, prices })).toMatchObject({ tokens: 500_000, cost: 1 });
    expect(estimate({ ...hosted, prices })).toMatchObject({ tokens: null, cost: null });
  });

  it('that charges by image costs the same from the first image', () => {
    const prices = { pricePerThousandImages: 3 };
    expect(estimate({ ...hosted, prices }).cost).toBe(3);
    expect(estimate({ ...hosted, prices, usage }).cost).toBeCloseTo(3);
  });

  it('costs what the provider reported, whatever the price', () => {
    const stated = { ...usage, cost: 0.5 };
    const prices = { pricePerThousandImages: 3 };
    expect(estimate({ ...hosted, prices, usage: stated }).cost).toBeCloseTo(5);
  });

  it('takes as long as it has so far, if that is slower than its rate', () => {
    expect(estimate({ ...hosted, usage }).seconds).toBe(200);
    const limited = (quota: Partial<EmbeddingQuota>): EstimateOptions => ({
      ...hosted,
      usage,
      limits: {
        ...unlimitedQuota,
        imagesPerCall: 8,
        concurrentCalls: 4,
        tokensPerImage: 4_000,
        ...quota,
      },
    });
    expect(estimate(limited({ requestsPerMinute: 10 })).seconds).toBe(834);
    expect(estimate(limited({ tokensPerMinute: 100_000 })).seconds).toBe(341);
    expect(estimate(limited({ imagesPerMinute: 250 })).seconds).toBe(268);
  });

  it("that can't be opened has no requests and no time", () => {
    expect(estimate({ ...hosted, limits: null })).toMatchObject({ requests: null, seconds: null });
  });
});

describe('a local model', () => {
  const local: EstimateOptions = {
    ...hosted,
    isLocal: true,
    limits: { ...unlimitedQuota, imagesPerCall: 8, concurrentCalls: 1, tokensPerImage: 0 },
    prices: { pricePerThousandImages: 3 },
  };

  it('costs nothing, and takes as long as it has so far', () => {
    expect(estimate({ ...local, usage })).toMatchObject({ tokens: null, cost: 0, seconds: 800 });
  });

  it('has no time before its first image', () => {
    expect(estimate(local)).toMatchObject({ cost: 0, requests: 125, seconds: null });
  });
});

it('no images take no time and no money', () => {
  expect(estimate({ ...hosted, images: 0 })).toMatchObject({ requests: 0, cost: 0, seconds: 0 });
});

describe('several spaces', () => {
  const one = { ...estimate({ ...hosted, usage }), isLocal: false };
  const local = { ...one, tokens: null, cost: 0, seconds: 800, isLocal: true };

  it('add up, and take as long as the slowest one', () => {
    expect(totalOf([{ ...one, cost: 1 }, local])).toEqual({
      images: 2_000,
      embeddings: 2_000,
      waiting: 0,
      requests: 250,
      tokens: 500_000,
      cost: 1,
      seconds: 800,
    });
  });

  it('are unknown if one of them is', () => {
    expect(totalOf([{ ...one, cost: null, seconds: null }, local])).toMatchObject({
      cost: null,
      seconds: null,
    });
  });
});

it('counts further views, which are embedded and paid like images', () => {
  const figures = estimate({ ...hosted, viewsPerImage: 2.5 });
  expect(figures).toMatchObject({ images: 1_000, embeddings: 2_500, requests: 313 });
});
