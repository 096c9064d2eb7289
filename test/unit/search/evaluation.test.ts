import { describe, expect, it } from '@jest/globals';
import {
  evaluateSearch,
  worstQueries,
  type EvaluatedAnswer,
  type GoldenQuery,
} from '../../../plugin/src/search/evaluation';

const golden: GoldenQuery[] = [
  { query: 'first', expected: new Set([1]) },
  { query: 'third', expected: new Set([3]) },
  { query: 'two of three', expected: new Set([1, 2, 99]) },
  { query: 'missed', expected: new Set([500]) },
  { query: 'nothing shows this', expected: new Set() },
  { query: 'nor this', expected: new Set() },
];

const answers: Record<string, EvaluatedAnswer> = {
  first: { fileIds: [1, 2, 3], isNothingClose: false },
  third: { fileIds: [1, 2, 3], isNothingClose: true },
  'two of three': { fileIds: [1, 7, 2], isNothingClose: false },
  missed: { fileIds: [1, 2, 3], isNothingClose: null },
  'nothing shows this': { fileIds: [1], isNothingClose: true },
  'nor this': { fileIds: [1], isNothingClose: false },
};

async function evaluate(queries: readonly GoldenQuery[] = golden) {
  let time = 0;
  return await evaluateSearch(queries, {
    search: (query) => {
      time += query.length;
      return Promise.resolve(answers[query] ?? { fileIds: [], isNothingClose: null });
    },
    now: () => time,
  });
}

describe('an evaluation', () => {
  it('measures recall, ranks and gains', async () => {
    const { summary } = await evaluate();
    expect(summary.queries).toEqual({ answerable: 4, empty: 2 });
    expect(summary['recall@1']).toBeCloseTo((1 + 0 + 1 / 3 + 0) / 4);
    expect(summary['recall@5']).toBeCloseTo((1 + 1 + 2 / 3 + 0) / 4);
    expect(summary['recall@10']).toBeCloseTo((1 + 1 + 2 / 3 + 0) / 4);
    expect(summary.mrr).toBeCloseTo((1 + 1 / 3 + 1 + 0) / 4);
    // The best order of three files gains 1 + 1/log2(3) + 1/2.
    const twoOfThree = (1 + 0.5) / (1 + 1 / Math.log2(3) + 0.5);
    expect(summary['ndcg@10']).toBeCloseTo((1 + 0.5 + twoOfThree + 0) / 4);
  });

  it('counts empty answers that are right and wrong, and leaves out what is unknown', async () => {
    const { summary } = await evaluate();
    expect(summary['nothingClose.wrong']).toBeCloseTo(1 / 3);
    expect(summary['nothingClose.right']).toBe(0.5);
  });

  it('measures each query by itself', async () => {
    const { queries, summary } = await evaluate();
    expect(queries.map(({ milliseconds }) => milliseconds)).toEqual(
      golden.map(({ query }) => query.length),
    );
    expect(summary['latency.p50']).toBe(8);
    expect(summary['latency.p95']).toBe(18);
    expect(queries[2]).toMatchObject({ rank: 1, found: [1, 7, 2], recall: { '@1': 1 / 3 } });
    expect(queries[4]).toMatchObject({ rank: null, recall: null, ndcg: null });
  });

  it('has no means without queries', async () => {
    const { summary } = await evaluate([]);
    expect(summary).toMatchObject({ 'recall@1': null, mrr: null, 'latency.p50': null });
  });

  it('counts files behind the first hundred as not found', async () => {
    const fileIds = Array.from({ length: 150 }, (_, index) => index + 1);
    const { queries } = await evaluateSearch([{ query: 'deep', expected: new Set([101]) }], {
      search: () => Promise.resolve({ fileIds, isNothingClose: null }),
      now: () => 0,
    });
    expect(queries[0]?.rank).toBeNull();
  });

  it('lists the worst answers first, and no right ones', async () => {
    const { queries } = await evaluate();
    expect(worstQueries(queries, 10).map(({ query }) => query)).toEqual([
      'missed',
      'third',
      'two of three',
    ]);
    expect(worstQueries(queries, 1)).toHaveLength(1);
  });
});
