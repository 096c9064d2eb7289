import { createHash } from 'node:crypto';

/**
 * The only thing that makes two vectors comparable. Vectors of two spaces never meet: not in one collection, not in
 * one query.
 */
export interface VectorSpace {
  /** Derived from all the other fields; lower-case letters, digits and hyphens, at most 100 characters. */
  readonly id: string;
  /** `embedding.provider`. */
  readonly provider: string;
  /** The model's name without any path of this machine. */
  readonly model: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /** Everything else that changes the vectors: weights, number format, how pixels and words are prepared. */
  readonly preprocessing: string;
}

const LONGEST_READABLE_PART = 60;
const DIGEST_LENGTH = 10;

export function createVectorSpace(parts: Omit<VectorSpace, 'id'>): VectorSpace {
  const { provider, model, dimensions, preprocessing } = parts;
  const readable = `${provider}-${model}-${String(dimensions)}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(-LONGEST_READABLE_PART);
  const digest = createHash('sha256')
    .update(JSON.stringify([provider, model, dimensions, preprocessing]))
    .digest('hex')
    .slice(0, DIGEST_LENGTH);
  return { id: `${readable}-${digest}`, provider, model, dimensions, preprocessing };
}
