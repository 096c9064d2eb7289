/** Limits of the HTTP API that every caller meets and the panel shows. */
export const apiLimits = {
  defaultLimit: 25,
  maxLimit: 100,
  /** Hits before the page; all of them are compared with what the caller may see. */
  maxStart: 10_000,
  /** Examples in `like` and in `unlike`, each. */
  maxExamples: 20,
  /** Files of one `POST reindex`. */
  maxReindexedFiles: 100,
  /** Characters of `url`. */
  maxUrlLength: 2_048,
  /** Numbers of `vector`. */
  maxDimensions: 8_192,
  /** Keys and list items of `filters`, all levels together. */
  maxFilterNodes: 200,
  /** Levels of `filters`: `{ mime: { $eq: … } }` has two. */
  maxFilterLevels: 10,
  /** Up to so many percent longer than the other may the longer side of a square picture be. */
  squareTolerancePercent: 5,
} as const;
