import { createHash } from 'node:crypto';
import { ImageSearchError } from '../errors';
import type { EmbeddingIdentity, VectorSpace } from './contract';

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

/**
 * A model's answer → the only form in which vectors leave a provider: a new Float32Array of unit length.
 *
 * @param what names the vector in messages: `The embedding of text 3`
 * @throws ImageSearchError `provider-bad-answer` for anything but `dimensions` finite numbers with a direction.
 * Retryable: it may be a glitch, and the number of attempts ends it for a model that always answers like that.
 */
export function toUnitVector(
  values: ArrayLike<number>,
  dimensions: number,
  what: string,
): Float32Array {
  if (values.length !== dimensions) {
    throw badVector(
      `${what} has ${String(values.length)} values instead of ${String(dimensions)}.`,
    );
  }
  const length = euclideanLength(values);
  if (!Number.isFinite(length)) throw badVector(`${what} has values that aren't finite numbers.`);
  if (length === 0) throw badVector(`${what} is all zeros, which has no direction.`);
  return Float32Array.from(values, (value) => value / length);
}

const LONGEST_SHOWN_TEXT = 80;

/**
 * Like `toUnitVector`, for the vector of a text. A model that knows none of a text's words may embed it as zero, which
 * says nothing of the model's health.
 *
 * @throws ImageSearchError `text-unknown` for a vector of zeros, and `provider-bad-answer`
 */
export function toUnitTextVector(
  values: ArrayLike<number>,
  dimensions: number,
  { text, what }: { text: string; what: string },
): Float32Array {
  if (values.length !== dimensions || euclideanLength(values) !== 0) {
    return toUnitVector(values, dimensions, what);
  }
  const shown = text.length > LONGEST_SHOWN_TEXT ? `${text.slice(0, LONGEST_SHOWN_TEXT)}…` : text;
  throw new ImageSearchError({
    code: 'text-unknown',
    message: `The text "${shown}" can't be searched for: the model knows none of its words. Use other words.`,
  });
}

/** Scaled by the largest value, so that squares neither overflow nor vanish. NaN or Infinity for values like that. */
function euclideanLength(values: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < values.length; index += 1) {
    const magnitude = Math.abs(values[index] ?? Number.NaN);
    if (!Number.isFinite(magnitude)) return Number.NaN;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest === 0) return 0;
  let sumOfSquares = 0;
  for (let index = 0; index < values.length; index += 1) {
    const scaled = (values[index] ?? Number.NaN) / largest;
    sumOfSquares += scaled * scaled;
  }
  return largest * Math.sqrt(sumOfSquares);
}

function badVector(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'provider-bad-answer', message, retryable: true });
}

export function isSameIdentity(one: EmbeddingIdentity, other: EmbeddingIdentity): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}
