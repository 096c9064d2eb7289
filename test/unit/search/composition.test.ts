import { describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../../sample/seeded-random';
import { composeQuery, lengthOf } from '../../../plugin/src/search/composition';
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
  it('is the example when there is one', () => {
    expectClose(composeQuery([first], []), [...first]);
  });

  it('lies in the middle of several', () => {
    const half = Math.SQRT1_2;
    expectClose(composeQuery([east, north], []), [half, half]);
    expectClose(composeQuery([east, east, north], []), [2 / Math.sqrt(5), 1 / Math.sqrt(5)]);
  });

  it('leans away from what is to be avoided by half its weight, however many there are', () => {
    const expected = [1 / Math.sqrt(1.25), -0.5 / Math.sqrt(1.25)];
    expectClose(composeQuery([east], [north]), expected);
    expectClose(composeQuery([east], [north, north, north]), expected);
  });

  it('keeps the direction of the example even when that is to be avoided too', () => {
    expectClose(composeQuery([first], [first]), [...first]);
  });

  it('is of unit length, whatever it is made of, and does not depend on order', () => {
    const query = composeQuery([first, second], [third]);
    expect(Math.hypot(...query)).toBeCloseTo(1, 6);
    expectClose(composeQuery([second, first], [third]), [...query]);
  });

  it('leaves its examples as they are', () => {
    const copy = [...first];
    const query = composeQuery([first], [second]);
    query.fill(0);
    expect([...first]).toEqual(copy);
  });

  it('takes vectors of thousands of dimensions', () => {
    const long = randomUnitVector(random, 8_192);
    expect(Math.hypot(...composeQuery([long, long], [long]))).toBeCloseTo(1, 5);
  });

  it('takes vectors of more numbers than a function has arguments', () => {
    const long = new Float32Array(500_000).fill(1);
    expect(lengthOf(composeQuery([long], []))).toBeCloseTo(1, 5);
  });

  it.each([
    ['each other', [east, west], []],
    ['what is to be avoided', [east, east, east, west], [east]],
  ])('refuses examples that cancel %s out', (_name, like, unlike) => {
    expect(() => composeQuery(like, unlike)).toThrow(
      expect.objectContaining({ code: 'invalid-input', retryable: false }),
    );
  });

  it('needs something to look for', () => {
    expect(() => composeQuery([], [first])).toThrow(RangeError);
  });
});
