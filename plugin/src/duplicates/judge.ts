import { LRUCache } from 'lru-cache';
import { align, isHinted } from './alignment';
import { prepareSearch } from './alignment-search';
import { repaintedPart } from './colour-comparison';
import { comparablePicture, type ComparablePicture } from './comparable-picture';
import type { DuplicateThresholds, DuplicateVerdict, Judge, PictureTrace } from './contract';
import { fingerprintDistance, wordsOf } from './fingerprint-distance';
import { localShift } from './local-shift';
import { compareWhole } from './whole-comparison';

/** Each takes up to half a megabyte. */
const KEPT_PICTURES = 32;
/** Part of the whole picture that may have other colours. */
const MOST_REPAINTED = 0.03;
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };
/** Difference of proportions, as a factor, that rounding to whole pixels and careless resizing leave. */
const SAME_PROPORTIONS = 1.04;

/** Written so that a figure that is no number makes no duplicate. */
export function createJudge(thresholds: DuplicateThresholds): Judge {
  const kept = new LRUCache<string, ComparablePicture>({ max: KEPT_PICTURES });
  const open = (trace: PictureTrace): ComparablePicture | null => {
    const key = `${trace.fingerprint?.bits ?? ''} ${trace.thumbnail ?? ''}`;
    const picture = kept.get(key) ?? comparablePicture(trace);
    if (picture !== null) kept.set(key, picture);
    return picture;
  };
  const compare: Judge['judge'] = (one, other, similarity) => {
    if (one.contentHash === other.contentHash) return { kind: 'identical' };
    const distance = distanceOf(one, other);
    const mayBeSame = maySameWhole(one, other, distance, thresholds.samePicture);
    const mayBeVariant = similarity !== null && similarity >= thresholds.variant.similarity;
    // Most pairs end here: unpacking their thumbnails would take longer than all of this.
    if (!mayBeSame && !mayBeVariant) return null;
    const [openOne, openOther] = [open(one), open(other)];
    if (openOne === null || openOther === null) return null;
    const whole = mayBeSame
      ? judgeWhole(openOne, openOther, distance, thresholds.samePicture)
      : null;
    if (whole !== null || !mayBeVariant) return whole;
    const alignment = align(openOne, openOther, thresholds.variant);
    if (alignment === null) return null;
    return { kind: 'variant', similarity, fingerprintDistance: distance, alignment };
  };
  return {
    prepare(trace) {
      const picture = open(trace);
      if (picture !== null) prepareSearch(picture);
    },

    judge(one, other, similarity) {
      const verdict = compare(one, other, similarity);
      if (verdict !== null) return verdict;
      // Whole pictures alone: that is what saving without transparency leaves.
      if (one.onBlack && !other.onBlack) return compare({ ...one, ...one.onBlack }, other, null);
      if (other.onBlack && !one.onBlack) return compare(one, { ...other, ...other.onBlack }, null);
      return null;
    },

    isPromising: (one, other) =>
      one.fingerprint !== null &&
      other.fingerprint !== null &&
      isHinted(wordsOf(one.fingerprint.bits), wordsOf(other.fingerprint.bits)),
  };
}

/** Bits in which the fingerprints differ; no number when one of them is not known. */
function distanceOf(one: PictureTrace, other: PictureTrace): number {
  if (one.fingerprint === null || other.fingerprint === null) return Number.NaN;
  return fingerprintDistance(wordsOf(one.fingerprint.bits), wordsOf(other.fingerprint.bits));
}

function maySameWhole(
  one: PictureTrace,
  other: PictureTrace,
  distance: number,
  bounds: DuplicateThresholds['samePicture'],
): boolean {
  if (!(distance <= bounds.fingerprintDistance)) return false;
  const quality = Math.min(one.fingerprint?.quality ?? 0, other.fingerprint?.quality ?? 0);
  if (!(quality >= bounds.quality)) return false;
  const proportions = (one.width * other.height) / (one.height * other.width);
  return proportions < SAME_PROPORTIONS && proportions > 1 / SAME_PROPORTIONS;
}

function judgeWhole(
  one: ComparablePicture,
  other: ComparablePicture,
  distance: number,
  bounds: DuplicateThresholds['samePicture'],
): DuplicateVerdict | null {
  const { correlation, largestDifference } = compareWhole(one, other);
  if (!(correlation >= bounds.correlation)) return null;
  if (!(largestDifference <= bounds.largestDifference)) return null;
  const common = { left: 0, top: 0, right: 1, bottom: 1 };
  const view = { width: one.plane.width, height: one.plane.height, isMirrored: false };
  const shift = localShift(one.normalised(view), other.normalised(view).values, common);
  if (!(shift <= bounds.shift)) return null;
  const lying = { outer: one, inner: other, isMirrored: false, region: WHOLE, common };
  if (!(repaintedPart(lying) <= MOST_REPAINTED)) return null;
  return { kind: 'same-picture', fingerprintDistance: distance, correlation, largestDifference };
}
