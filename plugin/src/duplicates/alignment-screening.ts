import type { Guess } from './alignment-search';
import type { ComparablePicture } from './comparable-picture';
import { scaledSize } from './plane';
import { correlationAt } from './searchable';

/** Longer side of the outer picture, in pixels: twice that of the search, where chance has half the say. */
const EDGE = 40;
/** Furthest that a guess is taken to be off, in pixels. */
const REACH = 2;
/** How much of the smaller picture must be seen of both. */
const LEAST_OVERLAP = 0.6;
/**
 * What a guess must score, here and in the search together: its scale may be off by a few per cent, of which the search
 * sees less. Four in five guesses about unrelated pictures stay below it, and 1 in 1,000 edited pictures is lost.
 */
const LEAST_SCORE = 0.43;
const WEIGHT_OF_SEARCH = 1 / 3;

/** Those of the guesses that promise something on larger planes as well, moved to where they do so most, best first. */
export function screened(
  one: ComparablePicture,
  other: ComparablePicture,
  guesses: readonly Guess[],
): Guess[] {
  return guesses
    .map((guess) => {
      const [outer, inner] = guess.inner === 'other' ? [one, other] : [other, one];
      const moved = moveToBest(outer, inner, guess);
      const score = WEIGHT_OF_SEARCH * guess.score + (1 - WEIGHT_OF_SEARCH) * moved.score;
      return { ...moved, score };
    })
    .filter(({ score }) => score >= LEAST_SCORE)
    .sort((left, right) => right.score - left.score);
}

/** The guess at the best place near by, with its correlation there. */
function moveToBest(outer: ComparablePicture, inner: ComparablePicture, guess: Guess): Guess {
  const { isMirrored } = guess;
  const shrink = EDGE / Math.max(outer.plane.width, outer.plane.height);
  const groundSize = scaledSize(outer.plane, shrink);
  const size = scaledSize(inner.plane, shrink * guess.scale);
  const ground = outer.searchable({ ...groundSize, isMirrored });
  const piece = inner.searchable({ ...size, isMirrored: false });
  // As in the search, the ground is turned, not the piece.
  const turned = (left: number): number =>
    isMirrored ? groundSize.width - size.width - left : left;
  const start = {
    left: turned(Math.round(guess.left * shrink)),
    top: Math.round(guess.top * shrink),
  };
  let best = { ...start, score: -1 };
  for (let down = -REACH; down <= REACH; down += 1) {
    for (let right = -REACH; right <= REACH; right += 1) {
      const spot = { left: start.left + right, top: start.top + down };
      const score = correlationAt(ground, piece, spot, LEAST_OVERLAP);
      if (score > best.score) best = { ...spot, score };
    }
  }
  const place = { left: turned(best.left) / shrink, top: best.top / shrink };
  return { ...guess, ...place, score: best.score };
}
