/** Limits of the HTTP API that every caller meets and the panel shows. */
export const apiLimits = {
  defaultLimit: 25,
  maxLimit: 100,
  /** Examples in `like` and in `unlike`, each. */
  maxExamples: 20,
  /** Keys and list items of `filters`, all levels together. */
  maxFilterNodes: 200,
  /** Levels of `filters`: `{ mime: { $eq: … } }` has two. */
  maxFilterLevels: 10,
} as const;
