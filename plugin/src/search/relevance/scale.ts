import { dotProduct } from '../../vectors/similarity';
import { relevanceFrom } from '../contract';
import type { Calibration } from './contract';

/**
 * How much a text's likeness to texts without a meaning counts against it. Measured, as the marks below, by
 * test/bench/relevance.ts.
 */
const NONSENSE_WEIGHT = 0.5;
/** Shares of the null texts that a match beats. */
const TEXT_MARKS = { likely: 0.8, strong: 0.95 };
/** Shares of the library's images whose nearest other image is less similar. */
const IMAGE_MARKS = { likely: 0.05, strong: 0.5 };
export const { likely: LIKELY, strong: STRONG } = relevanceFrom;

/** One example of a query, against which the nearest images are judged. */
export interface JudgedExample {
  vector: Float32Array;
  kind: 'text' | 'image';
}

/** Relevance by similarity: points in ascending order, between which it is linear. */
export type RelevanceScale = readonly { score: number; relevance: number }[];

/**
 * How far an image answers a text, beyond what it has in common with any text and the text with nonsense.
 *
 * @param vectors unit-length ones of the same space
 */
export function textSignal(
  { image, text }: { image: Float32Array; text: Float32Array },
  { neutral, nonsense }: Pick<Calibration, 'neutral' | 'nonsense'>,
): number {
  return (
    dotProduct(text, image) -
    dotProduct(neutral, image) -
    NONSENSE_WEIGHT * dotProduct(nonsense, text)
  );
}

/** `textSignal` of many images with one text. */
export function signalOfText(
  text: Float32Array,
  { neutral, nonsense }: Pick<Calibration, 'neutral' | 'nonsense'>,
): (image: Float32Array) => number {
  const direction = text.map((value, index) => value - (neutral[index] ?? 0));
  const lost = NONSENSE_WEIGHT * dotProduct(nonsense, text);
  return (image) => dotProduct(direction, image) - lost;
}

/** Whether a vector of unknown origin is rather one of a text or of an image. */
export function kindOfVector(
  vector: Float32Array,
  { center, neutral }: Pick<Calibration, 'center' | 'neutral'>,
): JudgedExample['kind'] {
  const length = Math.sqrt(dotProduct(neutral, neutral)) || 1;
  return dotProduct(vector, neutral) / length > dotProduct(vector, center) ? 'text' : 'image';
}

/**
 * The relevance that similarities to a query mean. The nearest images tell where the scale of this query begins: what
 * one of them has in common with any query isn't relevance. Of several examples, the one that is answered best counts.
 *
 * @param nearest the images that score best, with their whole file's vector
 * @returns null if nothing can be said about any of the examples
 */
export function scaleOf(
  examples: readonly JudgedExample[],
  nearest: readonly { score: number; vector: Float32Array }[],
  calibration: Calibration,
): RelevanceScale | null {
  const isSingle = examples.length === 1;
  let best: { relevance: number; scale: RelevanceScale } | null = null;
  for (const { kind, vector } of examples) {
    const marks = marksOf(kind, calibration);
    if (marks === null) continue;
    for (const { score, vector: image } of nearest) {
      // A further view has matched better than the whole file.
      const lost = isSingle ? Math.max(0, score - dotProduct(vector, image)) : 0;
      const signal =
        kind === 'text'
          ? textSignal({ image, text: vector }, calibration) + lost
          : dotProduct(vector, image) + lost;
      const relevance = relevanceOf(marks, signal);
      if (best !== null && relevance <= best.relevance) continue;
      const offset = score - signal;
      best = { relevance, scale: marks.map((mark) => ({ ...mark, score: mark.score + offset })) };
    }
  }
  return best?.scale ?? null;
}

/** 0 to 1. */
export function relevanceOf(scale: RelevanceScale, score: number): number {
  let below = { score: -Infinity, relevance: 0 };
  for (const point of scale) {
    if (score < point.score) {
      const share = (score - below.score) / (point.score - below.score);
      return (
        below.relevance + (Number.isFinite(share) ? share : 0) * (point.relevance - below.relevance)
      );
    }
    below = point;
  }
  return below.relevance;
}

/** The lowest similarity with this relevance; Infinity if none has it. */
export function scoreFrom(scale: RelevanceScale, relevance: number): number {
  if (relevance <= 0) return -1;
  const at = scale.findIndex((point) => point.relevance >= relevance);
  const point = scale[at];
  if (point === undefined) return Infinity;
  const below = scale[at - 1];
  if (below === undefined || point.relevance === below.relevance) return point.score;
  const share = (relevance - below.relevance) / (point.relevance - below.relevance);
  return below.score + share * (point.score - below.score);
}

/** The scale with another similarity from which a match is likely. */
export function withLikelyFrom(scale: RelevanceScale, likely: number): RelevanceScale {
  const from = scoreFrom(scale, LIKELY);
  return scale.map((point) => ({ ...point, score: point.score + likely - from }));
}

/**
 * What a text means for one image, by their `textSignal`, whatever the rest of the library shows: how rarely a text that
 * nothing answers reaches as much with an image. A likely match is one of 1,000, a strong one of 5,000, in a library of
 * any size.
 */
export function pairScale({ pairs: [rare, likely, strong] }: Calibration): RelevanceScale {
  return [
    { score: rare, relevance: 0 },
    { score: likely, relevance: LIKELY },
    { score: strong, relevance: STRONG },
    { score: 2 * strong - likely, relevance: 1 },
  ];
}

function marksOf(
  kind: JudgedExample['kind'],
  { images, texts }: Calibration,
): RelevanceScale | null {
  const reached = kind === 'text' ? texts : images;
  if (reached.length === 0) return null;
  const { likely, strong } = kind === 'text' ? TEXT_MARKS : IMAGE_MARKS;
  const lowest = reached[0] ?? 0;
  const highest = Math.max(reached.at(-1) ?? 0, lowest);
  const likelyFrom = quantile(reached, likely);
  const strongFrom = Math.max(quantile(reached, strong), likelyFrom);
  return [
    { score: Math.min(lowest, likelyFrom), relevance: 0 },
    { score: likelyFrom, relevance: LIKELY },
    { score: strongFrom, relevance: STRONG },
    { score: Math.max(highest, 2 * strongFrom - likelyFrom), relevance: 1 },
  ];
}

/** Between the two nearest values. */
export function quantile(ascending: readonly number[], share: number): number {
  const at = (ascending.length - 1) * share;
  const below = ascending[Math.floor(at)] ?? 0;
  const above = ascending[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}
