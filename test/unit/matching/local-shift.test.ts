import { describe, expect, it } from '@jest/globals';
import { withSlopes } from '../../../plugin/src/matching/alignment-refinement';
import { measureLocalShift } from '../../../plugin/src/matching/comparison';
import type { Plane } from '../../../plugin/src/matching/plane';

const WHOLE = { left: 0, top: 0, right: 1, bottom: 1 };
const LEFT_HALF = { ...WHOLE, right: 0.5 };
const [width, height] = [48, 36];

/** Texture everywhere, shifted left by this many pixels. */
function texture(movedAt: (column: number) => number): Plane {
  const values = Float32Array.from({ length: width * height }, (_, place) => {
    const x = (place % width) + movedAt(place % width);
    const y = Math.floor(place / width);
    return 128 + 40 * Math.sin(x / 2) + 40 * Math.cos(y / 2.3) + 20 * Math.sin((x + 2 * y) / 5);
  });
  return { width, height, values };
}

const still = withSlopes(texture(() => 0));
const seen = (movedAt: (column: number) => number): Float32Array =>
  withSlopes(texture(movedAt)).values;

describe('the shift of details', () => {
  it('is zero between aligned images', () => {
    expect(measureLocalShift(still, still.values, WHOLE)).toBe(0);
  });

  it.each([0.2, 0.5])('is measured in pixels: %d', (pixels) => {
    expect(
      measureLocalShift(
        still,
        seen(() => pixels),
        WHOLE,
      ),
    ).toBeCloseTo(pixels, 1);
  });

  it("doesn't cancel out when parts move in opposite directions", () => {
    const movedAt = (column: number): number => (column < width / 2 ? 0.4 : -0.4);
    expect(measureLocalShift(still, seen(movedAt), WHOLE)).toBeGreaterThan(0.3);
  });

  it('is measured within the given part only', () => {
    const movedAt = (column: number): number => (column < 30 ? 0 : 0.6);
    expect(measureLocalShift(still, seen(movedAt), LEFT_HALF)).toBeLessThan(0.05);
    expect(measureLocalShift(still, seen(movedAt), WHOLE)).toBeGreaterThan(0.25);
  });

  it('ignores windows without texture', () => {
    const flat = { width, height, values: new Float32Array(width * height).fill(90) };
    expect(measureLocalShift(withSlopes(flat), still.values, WHOLE)).toBe(0);
    const nothing = new Float32Array(width * height).fill(Number.NaN);
    expect(measureLocalShift(still, nothing, WHOLE)).toBe(0);
  });
});
