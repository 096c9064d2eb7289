/** How deep a search looks for expected files: what comes later counts as not found. */
export const EVALUATION_DEPTH = 100;
/** Ranks that count for nDCG. */
export const NDCG_DEPTH = 10;
/** Ranks whose recall is measured. */
export const RECALL_DEPTHS = [1, 5, 10] as const;

/** A query whose right answers are known. */
export interface GoldenQuery {
  query: string;
  /** Ids of the files that should be found; empty for a query that no file of the library answers. */
  expected: ReadonlySet<number>;
}

/** What a search answered, best first. */
export interface EvaluatedAnswer {
  fileIds: readonly number[];
  /** Whether the search says that nothing is close; null when it can't tell. */
  isNothingClose: boolean | null;
}

export interface EvaluatedQuery {
  query: string;
  expected: number[];
  /** The first files that were found, best first; at most ten. */
  found: number[];
  /** Of the first expected file, from 1; null if none is among the first hundred. */
  rank: number | null;
  /** Share of the expected files among the first 1, 5, 10; null for a query that expects none. */
  recall: Record<`@${(typeof RECALL_DEPTHS)[number]}`, number> | null;
  /** Normalized discounted cumulative gain of the first ten, 0 to 1; null for a query that expects none. */
  ndcg: number | null;
  isNothingClose: boolean | null;
  milliseconds: number;
}

/** Means over the queries; null where there is nothing to average. */
export interface EvaluationSummary {
  /** Queries that expect files, and queries that expect none. */
  queries: { answerable: number; empty: number };
  'recall@1': number | null;
  'recall@5': number | null;
  'recall@10': number | null;
  /** Mean reciprocal rank of the first expected file, 0 to 1. */
  mrr: number | null;
  'ndcg@10': number | null;
  /** Share of the answerable queries for which the search wrongly says that nothing is close. */
  'nothingClose.wrong': number | null;
  /** Share of the empty queries for which the search says so. */
  'nothingClose.right': number | null;
  /** Milliseconds; embedding the query is part of it. */
  'latency.p50': number | null;
  'latency.p95': number | null;
}

export interface Evaluation {
  summary: EvaluationSummary;
  queries: EvaluatedQuery[];
}

/**
 * Asks every query once, one after another, and measures the answers.
 *
 * @param search at least `EVALUATION_DEPTH` files deep, if it has as many
 * @param now milliseconds since some moment
 * @throws whatever `search` throws
 */
export async function evaluateSearch(
  golden: readonly GoldenQuery[],
  {
    search,
    now,
    onProgress,
  }: {
    search: (query: string) => Promise<EvaluatedAnswer>;
    now: () => number;
    onProgress?: (done: number) => void;
  },
): Promise<Evaluation> {
  const queries: EvaluatedQuery[] = [];
  for (const { query, expected } of golden) {
    const startedAt = now();
    const answer = await search(query);
    queries.push(judge({ query, expected }, answer, now() - startedAt));
    onProgress?.(queries.length);
  }
  return { summary: summarize(queries), queries };
}

function judge(
  { query, expected }: GoldenQuery,
  { fileIds, isNothingClose }: EvaluatedAnswer,
  milliseconds: number,
): EvaluatedQuery {
  const found = fileIds.slice(0, EVALUATION_DEPTH);
  const isRight = found.map((fileId) => expected.has(fileId));
  const first = isRight.indexOf(true);
  const recallAt = (depth: number): number =>
    isRight.slice(0, depth).filter(Boolean).length / expected.size;
  return {
    query,
    expected: [...expected],
    found: found.slice(0, NDCG_DEPTH),
    rank: first === -1 ? null : first + 1,
    recall:
      expected.size === 0 ? null : { '@1': recallAt(1), '@5': recallAt(5), '@10': recallAt(10) },
    ndcg: expected.size === 0 ? null : gainOf(isRight) / bestGain(expected.size),
    isNothingClose,
    milliseconds,
  };
}

/** Discounted cumulative gain of the first ranks, each right file counting 1. */
function gainOf(isRight: readonly boolean[]): number {
  return isRight
    .slice(0, NDCG_DEPTH)
    .reduce((gain, right, index) => gain + (right ? 1 / Math.log2(index + 2) : 0), 0);
}

function bestGain(expected: number): number {
  return gainOf(Array.from({ length: Math.min(expected, NDCG_DEPTH) }, () => true));
}

function summarize(queries: readonly EvaluatedQuery[]): EvaluationSummary {
  const answerable = queries.filter(({ expected }) => expected.length > 0);
  const empty = queries.filter(({ expected }) => expected.length === 0);
  const saysNothing = ({ isNothingClose }: EvaluatedQuery): number[] =>
    isNothingClose === null ? [] : [Number(isNothingClose)];
  const times = queries.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  return {
    queries: { answerable: answerable.length, empty: empty.length },
    'recall@1': mean(answerable.flatMap(({ recall }) => recall?.['@1'] ?? [])),
    'recall@5': mean(answerable.flatMap(({ recall }) => recall?.['@5'] ?? [])),
    'recall@10': mean(answerable.flatMap(({ recall }) => recall?.['@10'] ?? [])),
    mrr: mean(answerable.map(({ rank }) => (rank === null ? 0 : 1 / rank))),
    'ndcg@10': mean(answerable.flatMap(({ ndcg }) => ndcg ?? [])),
    'nothingClose.wrong': mean(answerable.flatMap(saysNothing)),
    'nothingClose.right': mean(empty.flatMap(saysNothing)),
    'latency.p50': quantile(times, 0.5),
    'latency.p95': quantile(times, 0.95),
  };
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? null;
}

/** The answerable queries that were answered worst, worst first. */
export function worstQueries(queries: readonly EvaluatedQuery[], limit: number): EvaluatedQuery[] {
  return queries
    .filter(({ ndcg }) => ndcg !== null && ndcg < 1)
    .toSorted(
      (a, b) => (a.ndcg ?? 0) - (b.ndcg ?? 0) || (b.rank ?? Infinity) - (a.rank ?? Infinity) || 0,
    )
    .slice(0, limit);
}
