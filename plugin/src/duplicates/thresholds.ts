import type { VectorSpace } from '../embedding/contract';
import type { DuplicateThresholds } from './contract';

/** Measured by `npm run measure:duplicates`; see docs/duplicates.md. */
const samePicture: DuplicateThresholds['samePicture'] = {
  fingerprintDistance: 32,
  quality: 0.1,
  correlation: 0.95,
  largestDifference: 0.6,
  shift: 0.35,
};

const alignment = { covered: 0.5, matching: 0.8, correlation: 0.9, disagreement: 0.42 };

/**
 * Least cosine similarity of a picture and its variant, by the model's name, for models that were measured: all but 1 in
 * 100 variants are closer, and nearly all unrelated pictures are not.
 */
const measuredSimilarities: ReadonlyMap<string, number> = new Map([['mini-clip', 0.45]]);

/**
 * For other models. Most of them put quite different pictures below it or not far above, so that it costs few variants;
 * pairs that it lets through in vain cost time, not a false verdict.
 */
const GENEROUS_SIMILARITY = 0.5;

/** The bounds of verdicts on pictures of this vector space. */
export function thresholdsFor({ model }: Pick<VectorSpace, 'model'>): DuplicateThresholds {
  const similarity = measuredSimilarities.get(model) ?? GENEROUS_SIMILARITY;
  return { samePicture, variant: { similarity, ...alignment } };
}
