import type { ComparablePicture } from './comparable-picture';
import { scaledSize, type PlaneSize } from './plane';
import { correlationAt, type Searchable, type Spot } from './searchable';

/** A rough idea of how two pictures may lie on each other. */
export interface Guess {
  /** Which of the two lies on the other. */
  inner: 'one' | 'other';
  isMirrored: boolean;
  /** What a thumbnail pixel of the inner picture measures in thumbnail pixels of the outer one. */
  scale: number;
  /** Place of the inner picture's upper left corner, in thumbnail pixels of the outer one. */
  left: number;
  top: number;
  /** What promises most is tried first: correlations of what is seen of both, -1 to 1. */
  score: number;
}

/** Longer side of the outer picture while searching, in pixels. */
const SEARCH_EDGE = 20;
/** Scales that are tried, from a bit too large to fit down to 0.6 of it, and the factor between them. */
const SCALE_STEP = 1.08;
const LARGEST_SCALE = 1.04;
const SCALES = 8;
/** How far the inner picture may jut out, by its own side, and how much of either must be seen of both. */
const OVERHANG = 0.12;
const LEAST_OVERLAP = 0.7;
/** Unrelated pictures reach 0.43 in the median, edited ones 0.58 in 99 of 100 cases. */
const LEAST_SCORE = 0.48;
const MOST_GUESSES = 3;
/** A place whose neighbours cannot reach the least score is left at once. */
const WORTH_A_LOOK_AROUND = 0.25;
/** What the best of every other scale must reach for those beside it to be tried. */
const WORTH_OTHER_SCALES = 0.42;
/** Guesses nearer than this, as part of the outer side or as factor of the scale, come to the same in the end. */
const NEAR = 0.1;

/**
 * Tries every place, scale and both hands of either picture on the other, on planes so small that this takes about a
 * millisecond. Answers the best guesses, best first, no two of them nearly alike; none when nothing fits.
 */
export function searchAlignment(one: ComparablePicture, other: ComparablePicture): Guess[] {
  const guesses = [...guessesWithin(one, other, 'other'), ...guessesWithin(other, one, 'one')]
    .filter(({ score }) => score >= LEAST_SCORE)
    .sort((left, right) => right.score - left.score);
  const kept: Guess[] = [];
  for (const guess of guesses) {
    if (kept.length === MOST_GUESSES) break;
    if (!kept.some((better) => isNear(better, guess))) kept.push(guess);
  }
  return kept;
}

/** Works out ahead what every search takes of a picture, and what one takes if the other is of its proportions. */
export function prepareSearch(picture: ComparablePicture): void {
  const { ground, pieceAt } = layoutOf(picture.plane, picture.plane);
  for (const isMirrored of [false, true]) picture.searchable({ ...ground, isMirrored });
  for (let step = 0; step < SCALES; step += 2) {
    picture.searchable({ ...pieceAt(step), isMirrored: false });
  }
}

function isNear(one: Guess, other: Guess): boolean {
  const most = NEAR * 48;
  return (
    one.inner === other.inner &&
    one.isMirrored === other.isMirrored &&
    Math.abs(Math.log(one.scale / other.scale)) < 2 * NEAR &&
    Math.abs(one.left - other.left) < most &&
    Math.abs(one.top - other.top) < most
  );
}

function guessesWithin(
  outer: ComparablePicture,
  inner: ComparablePicture,
  innerName: Guess['inner'],
): Guess[] {
  const { ground: groundSize, pieceAt, scaleAt, shrink } = layoutOf(outer.plane, inner.plane);
  const guessAt = (isMirrored: boolean, step: number): Guess => {
    const size = pieceAt(step);
    // The ground is turned, not the piece: there is one of it for all scales.
    const ground = outer.searchable({ ...groundSize, isMirrored });
    const spot = bestSpot(ground, inner.searchable({ ...size, isMirrored: false }));
    const left = isMirrored ? groundSize.width - size.width - spot.left : spot.left;
    return {
      inner: innerName,
      isMirrored,
      scale: scaleAt(step),
      left: left / shrink,
      top: spot.top / shrink,
      score: spot.score,
    };
  };
  return [false, true].flatMap((isMirrored) =>
    guessesOfScales((step) => guessAt(isMirrored, step)),
  );
}

/** How large the planes are that are laid on each other; `shrink` is what thumbnail pixels are multiplied by. */
function layoutOf(outer: PlaneSize, inner: PlaneSize) {
  const shrink = SEARCH_EDGE / Math.max(outer.width, outer.height);
  const fitting = Math.min(outer.width / inner.width, outer.height / inner.height);
  const scaleAt = (step: number): number => (fitting * LARGEST_SCALE) / SCALE_STEP ** step;
  const pieceAt = (step: number): PlaneSize => scaledSize(inner, shrink * scaleAt(step));
  return { shrink, ground: scaledSize(outer, shrink), scaleAt, pieceAt };
}

/** Tries every other scale, then those beside the best one if that promises something. */
function guessesOfScales(guessAt: (step: number) => Guess): Guess[] {
  const rough: Guess[] = [];
  let best = { step: 0, score: -1 };
  for (let step = 0; step < SCALES; step += 2) {
    const guess = guessAt(step);
    rough.push(guess);
    if (guess.score > best.score) best = { step, score: guess.score };
  }
  if (best.score < WORTH_OTHER_SCALES) return rough;
  const beside = [best.step - 1, best.step + 1].filter((step) => step >= 0 && step < SCALES);
  return [...rough, ...beside.map(guessAt)];
}

interface ScoredSpot extends Spot {
  score: number;
}

/** The place where the piece fits best on the ground: every other place is tried, then those around the best. */
function bestSpot(ground: Searchable, piece: Searchable): ScoredSpot {
  const columns = offsets(ground.plane.width, piece.plane.width);
  const rows = offsets(ground.plane.height, piece.plane.height);
  let best: ScoredSpot = { left: 0, top: 0, score: -1 };
  for (const top of rows) {
    for (const left of columns) {
      const score = correlationAt(ground, piece, { left, top }, LEAST_OVERLAP);
      if (score > best.score) best = { left, top, score };
    }
  }
  return best.score < WORTH_A_LOOK_AROUND ? best : bestAround(ground, piece, best);
}

function bestAround(ground: Searchable, piece: Searchable, spot: ScoredSpot): ScoredSpot {
  let best = spot;
  for (let top = spot.top - 1; top <= spot.top + 1; top += 1) {
    for (let left = spot.left - 1; left <= spot.left + 1; left += 1) {
      const score = correlationAt(ground, piece, { left, top }, LEAST_OVERLAP);
      if (score > best.score) best = { left, top, score };
    }
  }
  return best;
}

/** Every other place between both overhangs. */
function offsets(ground: number, piece: number): number[] {
  const overhang = Math.round(piece * OVERHANG);
  const room = ground - piece;
  const from = Math.min(0, room) - overhang;
  const to = Math.max(0, room) + overhang;
  return Array.from({ length: Math.floor((to - from) / 2) + 1 }, (_, index) => from + 2 * index);
}
