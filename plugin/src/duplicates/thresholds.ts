import type { VectorSpace } from '../embedding/contract';
import type { DuplicateThresholds } from './contract';

/** Measured by `npm run measure:duplicates`; see docs/duplicates.md. */
const samePicture: DuplicateThresholds['samePicture'] = {
  fingerprintDistance: 32,
  quality: 0.1,
  correlation: 0.95,
  largestDifference: 0.6,
};

const alignment = { covered: 0.5, matching: 0.8, correlation: 0.9 };

/**
 * Least cosine similarity of a picture and its variant, for models that were measured.
 */
const measuredSimilarities: readonly { model: RegExp; similarity: number }[] = [];

/** For other models: what most of them answer for two quite different pictures. */
const CAREFUL_SIMILARITY = 0.6;

/** The bounds of verdicts on pictures of this vector space. */
export function thresholdsFor({ model }: Pick<VectorSpace, 'model'>): DuplicateThresholds {
  const measured = measuredSimilarities.find((entry) => entry.model.test(model));
  const similarity = measured?.similarity ?? CAREFUL_SIMILARITY;
  return { samePicture, variant: { similarity, ...alignment } };
}
