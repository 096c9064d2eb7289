import { describe, expect, it } from '@jest/globals';
import { composeQuery, lengthOf } from '../../../plugin/src/search/query-vectors';
import { createSeededRandom } from '../../../sample/seeded-random';
import { randomUnitVector } from '../../support/random-vectors';

const random = createSeededRandom('composition');
const [first, second, third] = [8, 8, 8].map((length) => randomUnitVector(random, length)) as [
  Float32Array,
  Float32Array,
  Float32Array,
];
const east = Float32Array.of(1, 0);
const north = Float32Array.of(0, 1);
const west = Float32Array.of(-1, 0);

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, index) => {
    expect(actual[index]).toBeCloseTo(value, 6);
  });
}

describe('composeQuery', () => {
  it('is the example itself if there is only one', () => {
    expectClose(composeQuery([first], []), [...first]);
  });

  it('is the mean of several', () => {
    const half = Math.SQRT1_2;
    expectClose(composeQuery([east, north], []), [half, half]);
    expectClose(composeQuery([east, east, north], []), [2 / Math.sqrt(5), 1 / Math.sqrt(5)]);
  });

  it('moves away from counterexamples by half their weight, regardless of their number', () => {
    const expected = [1 / Math.sqrt(1.25), -0.5 / Math.sqrt(1.25)];
    expectClose(composeQuery([east], [north]), expected);
    expectClose(composeQuery([east], [north, north, north]), expected);
  });

  it('keeps the direction of an example that is also a counterexample', () => {
    expectClose(composeQuery([first], [first]), [...first]);
  });

  it('always has unit length, and is independent of order', () => {
    const query = composeQuery([first, second], [third]);
    expect(Math.hypot(...query)).toBeCloseTo(1, 6);
    expectClose(composeQuery([second, first], [third]), [...query]);
  });

  it("doesn't change its examples", () => {
    const copy = [...first];
    const query = composeQuery([first], [second]);
    query.fill(0);
    expect([...first]).toEqual(copy);
  });

  it('handles vectors with thousands of dimensions', () => {
    const long = randomUnitVector(random, 8_192);
    expect(Math.hypot(...composeQuery([long, long], [long]))).toBeCloseTo(1, 5);
  });

  it('handles vectors with more numbers than a function may have arguments', () => {
    const long = new Float32Array(500_000).fill(1);
    expect(lengthOf(composeQuery([long], []))).toBeCloseTo(1, 5);
  });

  it.each([
    ['each other', [east, west], []],
    ['counterexamples', [east, east, east, west], [east]],
  ])('rejects examples that cancel %s out', (_name, like, unlike) => {
    expect(() => composeQuery(like, unlike)).toThrow(
      expect.objectContaining({ code: 'invalid-input', retryable: false }),
    );
  });

  it('requires something to search for', () => {
    expect(() => composeQuery([], [first])).toThrow(RangeError);
  });
});
