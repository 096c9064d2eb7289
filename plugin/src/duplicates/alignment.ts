import { checkPlacement, type Agreement } from './alignment-check';
import { refinePlacement } from './alignment-refinement';
import { screened } from './alignment-screening';
import { searchAlignment, type Guess } from './alignment-search';
import type { ComparablePicture } from './comparable-picture';
import { repaintedPart } from './colour-comparison';
import type { Alignment } from './contract';
import { fingerprintDistance, mirroredDistance } from './fingerprint-distance';
import { localShift } from './local-shift';
import { seenThrough, type Placement } from './placement';
import type { PlaneSize, Rectangle } from './plane';

export interface AlignmentBounds {
  covered: number;
  matching: number;
  correlation: number;
  disagreement: number;
}

/**
 * Windows that must show something: fewer prove nothing. With few of them, as in drawings on plain ground, outlines agree by
 * chance: nearly all must then match.
 */
const LEAST_WINDOWS = 16;
const MANY_WINDOWS = 40;
const MATCHING_OF_FEW = 0.95;
/** Part of all that either picture shows which must match, however well the chosen rectangle does. */
const LEAST_OVERALL = 0.4;
/** Fingerprints of unrelated pictures differ in at least 80 bits: below, the pictures probably lie edge on edge. */
const HINTING_DISTANCE = 80;
/** Part of what two pictures have in common that may have other colours. */
const MOST_REPAINTED = 0.1;
/** Shortest side of a picture that is aligned, in pixels. */
const LEAST_SIDE = 10;

/**
 * Finds how two pictures lie on each other and whether they then show the same. Null unless they do within the bounds.
 */
export function align(
  one: ComparablePicture,
  other: ComparablePicture,
  bounds: AlignmentBounds,
): Alignment | null {
  const hints = hintedGuesses(one, other);
  return (
    firstConfirmed({ one, other, guesses: hints, bounds }) ??
    firstConfirmed({
      one,
      other,
      guesses: screened(one, other, searchAlignment(one, other)),
      bounds,
    })
  );
}

/** Whether these fingerprints suggest that two pictures lie edge on edge, on one side or the other. */
export function isHinted(one: Int32Array, other: Int32Array): boolean {
  return isNearAsSeen(one, other) || isNearMirrored(one, other);
}

/** Edge on edge, if the fingerprints suggest it. */
function hintedGuesses(one: ComparablePicture, other: ComparablePicture): Guess[] {
  const scale = Math.min(
    one.plane.width / other.plane.width,
    one.plane.height / other.plane.height,
  );
  const guess = { inner: 'other', scale, left: 0, top: 0, score: 1 } as const;
  const guesses: Guess[] = [];
  if (isNearAsSeen(one.fingerprint, other.fingerprint))
    guesses.push({ ...guess, isMirrored: false });
  if (isNearMirrored(one.fingerprint, other.fingerprint))
    guesses.push({ ...guess, isMirrored: true });
  return guesses;
}

function isNearAsSeen(one: Int32Array, other: Int32Array): boolean {
  return fingerprintDistance(one, other) < HINTING_DISTANCE;
}

function isNearMirrored(one: Int32Array, other: Int32Array): boolean {
  return mirroredDistance(one, other) < HINTING_DISTANCE;
}

function firstConfirmed(job: {
  one: ComparablePicture;
  other: ComparablePicture;
  guesses: readonly Guess[];
  bounds: AlignmentBounds;
}): Alignment | null {
  const { one, other, guesses, bounds } = job;
  for (const guess of guesses) {
    const [outer, inner] = guess.inner === 'other' ? [one, other] : [other, one];
    const found = confirm(outer, inner, guess);
    if (found === null || !isWithin(found.agreement, bounds)) continue;
    const { alignment, agreement } = found;
    const { common } = agreement;
    if (!(disagreementOf(agreement, found.shiftWithin(common)) <= bounds.disagreement)) continue;
    const { isMirrored, region } = alignment;
    const repainted = repaintedPart({ outer, inner, isMirrored, region, common });
    if (repainted <= MOST_REPAINTED) return alignment;
  }
  return null;
}

function isWithin(agreement: Agreement, bounds: AlignmentBounds): boolean {
  const { windows } = agreement;
  const matching = windows < MANY_WINDOWS ? MATCHING_OF_FEW : bounds.matching;
  return (
    windows >= LEAST_WINDOWS &&
    agreement.overall >= LEAST_OVERALL &&
    agreement.covered >= bounds.covered &&
    agreement.matching >= matching &&
    agreement.correlation >= bounds.correlation
  );
}

/** What is left to be desired, all together: a little of each is what edits do, much of two or three is another photograph. */
function disagreementOf({ correlation, matching }: Agreement, shift: number): number {
  return 1 - correlation + (1 - matching) + shift;
}

interface Confirmation {
  alignment: Alignment;
  agreement: Agreement;
  /** See `localShift`. */
  shiftWithin: (part: Rectangle) => number;
}

/** Exact place and agreement; null when the guess leads nowhere. */
function confirm(
  outer: ComparablePicture,
  inner: ComparablePicture,
  guess: Guess,
): Confirmation | null {
  const { isMirrored, scale } = guess;
  const size = {
    width: Math.round(inner.plane.width * scale),
    height: Math.round(inner.plane.height * scale),
  };
  if (Math.min(size.width, size.height) < LEAST_SIDE) return null;
  const ground = { ...sizeOf(outer.plane), isMirrored: false };
  const piece = { ...size, isMirrored };
  const [below, above] = [outer.normalised(ground), inner.normalised(piece)];
  const placement = refinePlacement(below, above, {
    left: guess.left,
    top: guess.top,
    scaleX: (inner.plane.width * scale) / size.width,
    scaleY: (inner.plane.height * scale) / size.height,
  });
  if (placement === null) return null;
  const agreement = checkPlacement(outer.grey(ground), inner.grey(piece), placement);
  const { covered, matching, correlation } = agreement;
  const region = regionOf(placement, { outer: outer.plane, inner: size });
  const evidence = { covered: rounded(covered), matching: rounded(matching) };
  const alignment = { inner: guess.inner, isMirrored, region, ...evidence };
  return {
    alignment: { ...alignment, correlation: rounded(correlation) },
    agreement,
    shiftWithin: (part) => localShift(above, seenThrough(below, above, placement), part),
  };
}

function sizeOf({ width, height }: PlaneSize): PlaneSize {
  return { width, height };
}

function regionOf(
  { left, top, scaleX, scaleY }: Placement,
  { outer, inner }: { outer: PlaneSize; inner: PlaneSize },
): Alignment['region'] {
  return {
    left: rounded(left / outer.width),
    top: rounded(top / outer.height),
    width: rounded((scaleX * inner.width) / outer.width),
    height: rounded((scaleY * inner.height) / outer.height),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
