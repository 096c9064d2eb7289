import { describe, expect, it } from '@jest/globals';
import { CodeMatrix } from '../../../../plugin/src/vectors/embedded/code-matrix';
import {
  createScalarKernel,
  createSimdKernel,
  type KernelFactory,
} from '../../../../plugin/src/vectors/embedded/kernel';
import { createSeededRandom } from '../../../../sample/seeded-random';

const simdKernel: KernelFactory = (memory, width) => {
  const kernel = createSimdKernel(memory, width);
  if (kernel === null) throw new Error('This Node.js has no WebAssembly SIMD.');
  return kernel;
};
const kernels = { 'WebAssembly SIMD': simdKernel, JavaScript: createScalarKernel };

const shapes = [
  { rows: 1, dimensions: 1 },
  { rows: 3, dimensions: 16 },
  { rows: 4096, dimensions: 17 },
  { rows: 9001, dimensions: 33 },
  { rows: 5000, dimensions: 128 },
  { rows: 4500, dimensions: 140 },
];

describe.each(Object.entries(kernels))('CodeMatrix, with %s', (_, kernel) => {
  it.each(shapes)(
    'multiplies $rows rows of $dimensions codes like plain arithmetic',
    ({ rows, dimensions }) => {
      const { matrix, codes, random } = fill({ rows, dimensions, kernel, queries: 1 });
      const query = randomQuery(random, dimensions);
      matrix.query().set(query);
      const expected = codes.map((code) => multiply(code, query));
      expect([...matrix.score(rows)]).toEqual(expected);
      expect([...matrix.score(0)]).toEqual([]);
      const some = Uint32Array.from([rows - 1, 0, Math.floor(rows / 2)]);
      expect([...matrix.scoreRows(some)]).toEqual([...some].map((row) => expected[row]));
      expect([...matrix.scoreRows(new Uint32Array())]).toEqual([]);
    },
  );

  it.each(shapes)(
    'collects the rows of $rows with $dimensions codes that reach a threshold, for several queries at once',
    ({ rows, dimensions }) => {
      const { matrix, codes, random } = fill({ rows, dimensions, kernel, queries: 3 });
      const queries = [0, 1, 2].map(() => randomQuery(random, dimensions));
      const products = queries.map((query) => codes.map((code) => multiply(code, query)));
      const thresholds = products.map((values) => values.toSorted((a, b) => a - b)[rows >> 1] ?? 0);
      for (const [number, query] of queries.entries()) matrix.query(number).set(query);
      const found = queries.map((): [number, number][] => []);
      matrix.collect({ count: rows, thresholds }, (number, values) => {
        for (let index = 0; index < values.length; index += 2) {
          found[number]?.push([values[index] ?? NaN, values[index + 1] ?? NaN]);
        }
        return thresholds[number] ?? 0;
      });
      expect(found).toEqual(
        products.map((values, number) =>
          [...values.entries()].filter(([, value]) => value >= (thresholds[number] ?? 0)),
        ),
      );
    },
  );

  it('raises the threshold from block to block', () => {
    const { matrix } = fill({ rows: 9000, dimensions: 16, kernel, queries: 1 });
    const lengths: number[] = [];
    matrix.query().fill(1);
    matrix.collect({ count: 9000, thresholds: [-(2 ** 31)] }, (_query, found) => {
      lengths.push(found.length / 2);
      return 2 ** 31 - 1;
    });
    expect(lengths).toEqual([1024]);
  });
});

function fill(options: {
  rows: number;
  dimensions: number;
  queries: number;
  kernel: KernelFactory;
}) {
  const { rows, dimensions, queries, kernel } = options;
  const random = createSeededRandom('code matrix');
  const matrix = new CodeMatrix({ dimensions, capacity: 1, queries, kernel });
  const someCodes = Array.from({ length: 97 }, () =>
    Array.from({ length: dimensions }, () => random.integer(-127, 127)),
  );
  const codes = Array.from({ length: rows }, (_, row) => someCodes[row % someCodes.length] ?? []);
  for (const [row, code] of codes.entries()) {
    matrix.reserve(row + 1);
    matrix.row(row).set(code);
  }
  return { matrix, codes, random };
}

function randomQuery(random: ReturnType<typeof createSeededRandom>, dimensions: number): number[] {
  return Array.from({ length: dimensions }, () => random.integer(-32_767, 32_767));
}

function multiply(code: readonly number[], query: readonly number[]): number {
  return code.reduce((sum, value, index) => sum + value * (query[index] ?? 0), 0);
}
