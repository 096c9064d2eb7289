import { describe, expect, it } from '@jest/globals';
import { toUnitVector } from '../../../plugin/src/embedding/vector-space';

describe('toUnitVector', () => {
  it('keeps the direction at length 1', () => {
    expect([...toUnitVector([3, 0, -4], 3, 'It')]).toEqual([
      Math.fround(0.6),
      0,
      Math.fround(-0.8),
    ]);
  });

  it.each([
    ['a list', [1, 2, 2]],
    ['a Float32Array', Float32Array.of(1, 2, 2)],
    ['numbers whose squares overflow', [1e300, 2e300, 2e300]],
    ['numbers whose squares vanish', [1e-300, 2e-300, 2e-300]],
    ['numbers below what a Float32Array holds', [1e-60, 2e-60, 2e-60]],
  ])('accepts %s', (_, values) => {
    const vector = toUnitVector(values, 3, 'It');
    expect(vector).toBeInstanceOf(Float32Array);
    expect([...vector].map((value) => Math.round(value * 3))).toEqual([1, 2, 2]);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
  });

  it("doesn't change its input", () => {
    const values = Float32Array.of(3, 4);
    expect(toUnitVector(values, 2, 'It')).not.toBe(values);
    expect([...values]).toEqual([3, 4]);
  });

  it.each([
    ['too short', [1, 2], 'has 2 values instead of 3'],
    ['too long', [1, 2, 3, 4], 'has 4 values instead of 3'],
    ['empty', [], 'has 0 values'],
    ['NaN', [1, Number.NaN, 2], "aren't finite numbers"],
    ['infinite', [1, Number.NEGATIVE_INFINITY, 2], "aren't finite numbers"],
    ['all zeros', [0, -0, 0], 'no direction'],
  ])('rejects a vector that is %s, without showing its values', (_, values, reason) => {
    const attempt = () => toUnitVector(values, 3, 'The vector of text 7');
    expect(attempt).toThrow(reason);
    expect(attempt).toThrow('The vector of text 7');
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'provider-bad-answer', retryable: true }),
    );
  });
});
