import { LRUCache } from 'lru-cache';
import { align, alignTile } from './alignment';
import { prepareSearch } from './alignment-search';
import { comparableImage, type ComparableImage } from './comparable-image';
import { compareWhole, measureLocalShift, recoloredShare } from './comparison';
import type { DuplicateThresholds, DuplicateVerdict, ImageTrace, Judge } from './contract';
import { closeTurns, fingerprintDistance, isClose, isMirrorClose, toWords } from './fingerprint';
import { isTelling, type Tile, tilesOf } from './tiles';

/** Each takes up to half a megabyte. */
const CACHED_IMAGES = 32;
/** Share of the whole image that may have different colors. */
const MAX_RECOLORED = 0.03;
/**
 * Number of bits, of 256, in which a tile and a whole image that look alike may differ. Of 23,490 tiles and other images, none
 * differ in fewer than 93.
 */
export const TILE_DISTANCE = 75;
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };
/** Difference in aspect ratio, as a factor, that rounding and careless resizing cause. */
const MAX_ASPECT_DIFFERENCE = 1.04;

/** Every comparison is written so that NaN rejects the pair. */
export function createJudge(thresholds: DuplicateThresholds): Judge {
  const kept = new LRUCache<string, ComparableImage>({ max: CACHED_IMAGES });
  const open = (trace: ImageTrace): ComparableImage | null => {
    const key = `${trace.fingerprint?.bits ?? ''} ${trace.thumbnail ?? ''}`;
    const image = kept.get(key) ?? comparableImage(trace);
    if (image !== null) kept.set(key, image);
    return image;
  };
  const compare: Judge['judge'] = (one, other, similarity) => {
    if (one.contentHash === other.contentHash) return { kind: 'identical' };
    const distance = distanceOf(one, other);
    const mayBeSame = mayBeSameImage(one, other, distance, thresholds.sameImage);
    // A turned image may be far off by embedding, but its fingerprint tells.
    const mayBeEdited =
      similarity !== null &&
      (similarity >= thresholds.edited.similarity || mayBeTurned(one, other));
    // Most pairs end here, before the costly step of unpacking thumbnails.
    if (!mayBeSame && !mayBeEdited) return null;
    const [openOne, openOther] = [open(one), open(other)];
    if (openOne === null || openOther === null) return null;
    const whole = mayBeSame
      ? judgeSameImage(openOne, openOther, distance, thresholds.sameImage)
      : null;
    if (whole !== null || !mayBeEdited) return whole;
    const alignment = align(openOne, openOther, thresholds.edited);
    if (alignment === null) return null;
    return { kind: 'edited', similarity, fingerprintDistance: distance, alignment };
  };
  return {
    prepare(trace) {
      const image = open(trace);
      if (image !== null) prepareSearch(image);
    },

    judge(one, other, similarity) {
      const verdict = compare(one, other, similarity);
      if (verdict !== null) return verdict;
      // Saving without transparency puts an image on black, whatever else was done to it.
      if (one.onBlack && !other.onBlack) {
        return compare({ ...one, ...one.onBlack }, other, similarity);
      }
      if (other.onBlack && !one.onBlack) {
        return compare(one, { ...other, ...other.onBlack }, similarity);
      }
      return null;
    },

    judgeTiles(one, other) {
      for (const [outer, inner, side] of [
        [one, other, 'other'],
        [other, one, 'one'],
      ] as const) {
        const tile = inner.fingerprint && closestTile(outer, inner.fingerprint);
        const [openOuter, openInner] = tile ? [open(outer), open(inner)] : [null, null];
        if (!tile || openOuter === null || openInner === null) continue;
        const alignment = alignTile({ outer: openOuter, inner: openInner, side, ...tile });
        const fingerprintDistance = distanceOf(one, other);
        return { kind: 'edited', similarity: null, fingerprintDistance, alignment };
      }
      return null;
    },

    isPromising(one, other) {
      return looksOf(one, other).some(([first, second]) => {
        if (first === null || second === null) return false;
        const words = [toWords(first.bits), toWords(second.bits)] as const;
        return isClose(...words) || isMirrorClose(...words) || closeTurns(...words).length > 0;
      });
    },
  };
}

type Fingerprint = ImageTrace['fingerprint'];

/** The fingerprints to compare: as they are, and on black if one of them shows an image with transparency. */
function looksOf(one: ImageTrace, other: ImageTrace): [Fingerprint, Fingerprint][] {
  const looks: [Fingerprint, Fingerprint][] = [[one.fingerprint, other.fingerprint]];
  if (one.onBlack && !other.onBlack) looks.push([one.onBlack.fingerprint, other.fingerprint]);
  if (other.onBlack && !one.onBlack) looks.push([one.fingerprint, other.onBlack.fingerprint]);
  return looks;
}

/** The tile of an image that looks most like another image, if one does at all. */
function closestTile(
  image: ImageTrace,
  fingerprint: NonNullable<Fingerprint>,
): (Tile & { distance: number }) | null {
  if (!isTelling(fingerprint)) return null;
  const words = toWords(fingerprint.bits);
  const [closest] = tilesOf(image)
    .map((tile) => ({
      ...tile,
      distance: fingerprintDistance(words, toWords(tile.fingerprint.bits)),
    }))
    .sort((left, right) => left.distance - right.distance);
  return closest && closest.distance <= TILE_DISTANCE ? closest : null;
}

/** Number of differing fingerprint bits; NaN when a fingerprint is missing. */
function distanceOf(one: ImageTrace, other: ImageTrace): number {
  if (one.fingerprint === null || other.fingerprint === null) return Number.NaN;
  return fingerprintDistance(toWords(one.fingerprint.bits), toWords(other.fingerprint.bits));
}

function mayBeTurned(one: ImageTrace, other: ImageTrace): boolean {
  if (one.fingerprint === null || other.fingerprint === null) return false;
  return closeTurns(toWords(one.fingerprint.bits), toWords(other.fingerprint.bits)).length > 0;
}

function mayBeSameImage(
  one: ImageTrace,
  other: ImageTrace,
  distance: number,
  bounds: DuplicateThresholds['sameImage'],
): boolean {
  if (!(distance <= bounds.fingerprintDistance)) return false;
  const quality = Math.min(one.fingerprint?.quality ?? 0, other.fingerprint?.quality ?? 0);
  if (!(quality >= bounds.quality)) return false;
  const aspectDifference = (one.width * other.height) / (one.height * other.width);
  return aspectDifference < MAX_ASPECT_DIFFERENCE && aspectDifference > 1 / MAX_ASPECT_DIFFERENCE;
}

function judgeSameImage(
  one: ComparableImage,
  other: ComparableImage,
  distance: number,
  bounds: DuplicateThresholds['sameImage'],
): DuplicateVerdict | null {
  const { correlation, largestDifference } = compareWhole(one, other);
  if (!(correlation >= bounds.correlation)) return null;
  if (!(largestDifference <= bounds.largestDifference)) return null;
  const common = { left: 0, top: 0, right: 1, bottom: 1 };
  const view = { width: one.plane.width, height: one.plane.height, isMirrored: false };
  const shift = measureLocalShift(one.normalized(view), other.normalized(view).values, common);
  if (!(shift <= bounds.shift)) return null;
  const placed = { outer: one, inner: other, isMirrored: false, region: WHOLE, common };
  if (!(recoloredShare(placed) <= MAX_RECOLORED)) return null;
  return { kind: 'same-image', fingerprintDistance: distance, correlation, largestDifference };
}

/** Measured by `npm run measure:duplicates`; see docs/duplicates.md. */
const sameImage: DuplicateThresholds['sameImage'] = {
  fingerprintDistance: 32,
  quality: 0.1,
  correlation: 0.95,
  largestDifference: 0.6,
  shift: 0.35,
};

const alignment = { covered: 0.5, matching: 0.65, correlation: 0.88, disagreement: 0.8 };

/**
 * Minimum cosine similarity of an image and an edited version, by model name, for models that were measured: 99 in
 * 100 edited versions are closer, and nearly all unrelated images are not.
 */
const measuredSimilarities: ReadonlyMap<string, number> = new Map([['mini-clip', 0.45]]);

/**
 * For all other models. Most put unrelated images below this or not far above, so few edited versions are missed. A
 * pair that passes in vain costs time, not a false verdict.
 */
const GENEROUS_SIMILARITY = 0.5;

/** The bounds for images embedded by this model. */
export function thresholdsFor({ model }: { model: string }): DuplicateThresholds {
  const similarity = measuredSimilarities.get(model) ?? GENEROUS_SIMILARITY;
  return { sameImage, edited: { similarity, ...alignment } };
}
