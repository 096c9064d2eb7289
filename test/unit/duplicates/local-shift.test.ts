import { describe, expect, it } from '@jest/globals';
import { normalisedForRefinement } from '../../../plugin/src/duplicates/alignment-refinement';
import { localShift } from '../../../plugin/src/duplicates/local-shift';
import type { Plane } from '../../../plugin/src/duplicates/plane';

const WHOLE = { left: 0, top: 0, right: 1, bottom: 1 };
const LEFT_HALF = { ...WHOLE, right: 0.5 };
const [width, height] = [48, 36];

/** Something to hold on to everywhere, moved to the left by so many pixels. */
function texture(movedAt: (column: number) => number): Plane {
  const values = Float32Array.from({ length: width * height }, (_, place) => {
    const x = (place % width) + movedAt(place % width);
    const y = Math.floor(place / width);
    return 128 + 40 * Math.sin(x / 2) + 40 * Math.cos(y / 2.3) + 20 * Math.sin((x + 2 * y) / 5);
  });
  return { width, height, values };
}

const still = normalisedForRefinement(texture(() => 0));
const seen = (movedAt: (column: number) => number): Float32Array =>
  normalisedForRefinement(texture(movedAt)).values;

describe('the shift of details', () => {
  it('is none between two pictures that lie on each other', () => {
    expect(localShift(still, still.values, WHOLE)).toBe(0);
  });

  it.each([0.2, 0.5])('is told in pixels: %d', (pixels) => {
    expect(
      localShift(
        still,
        seen(() => pixels),
        WHOLE,
      ),
    ).toBeCloseTo(pixels, 1);
  });

  it('does not cancel out when parts have moved against each other', () => {
    const movedAt = (column: number): number => (column < width / 2 ? 0.4 : -0.4);
    expect(localShift(still, seen(movedAt), WHOLE)).toBeGreaterThan(0.3);
  });

  it('is that of the part that is looked at', () => {
    const movedAt = (column: number): number => (column < 30 ? 0 : 0.6);
    expect(localShift(still, seen(movedAt), LEFT_HALF)).toBeLessThan(0.05);
    expect(localShift(still, seen(movedAt), WHOLE)).toBeGreaterThan(0.25);
  });

  it('is not told by what shows nothing', () => {
    const flat = { width, height, values: new Float32Array(width * height).fill(90) };
    expect(localShift(normalisedForRefinement(flat), still.values, WHOLE)).toBe(0);
    const nothing = new Float32Array(width * height).fill(Number.NaN);
    expect(localShift(still, nothing, WHOLE)).toBe(0);
  });
});
