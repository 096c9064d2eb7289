/** Limits of the HTTP API, for every caller. */
export const apiLimits = {
  defaultLimit: 25,
  maxLimit: 100,
  /** Results before the page; each of them is checked against the caller's permissions. */
  maxStart: 10_000,
  /** Examples in `like` and in `unlike`, each. */
  maxExamples: 20,
  /** Files per `POST reindex`. */
  maxReindexedFiles: 100,
  /** Characters of `url`. */
  maxUrlLength: 2_048,
  /** Numbers of `vector`. */
  maxDimensions: 8_192,
  /** Keys and list items of `filters` on all levels together. */
  maxFilterNodes: 200,
  /** Ids in an `$in` on `id`, which don't count among those. */
  maxFilterIds: 1_000,
  /** Levels of `filters`: `{ mime: { $eq: … } }` has two. */
  maxFilterLevels: 10,
  /** Names in `fields`. */
  maxFields: 50,
  /** How much longer the longer side of a square image may be, in percent. */
  squareTolerancePercent: 5,
  /** `colorTolerance` by default, and the largest. */
  colorTolerance: 10,
  maxColorTolerance: 50,
  /** That a request may name. */
  maxTags: 20,
} as const;
