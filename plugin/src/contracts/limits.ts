/** Limits of the HTTP API that every caller meets and the panel shows. */
export const apiLimits = {
  defaultLimit: 25,
  maxLimit: 100,
  /** Examples in `like` and in `unlike`, each. */
  maxExamples: 20,
} as const;
