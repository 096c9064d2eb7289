import { describe, expect, it } from '@jest/globals';
import { CodeMatrix } from '../../../../plugin/src/vectors/embedded/code-matrix';
import { createSeededRandom } from '../../../../sample/seeded-random';

describe('CodeMatrix', () => {
  it.each([
    { rows: 1, dimensions: 1 },
    { rows: 3, dimensions: 16 },
    { rows: 4096, dimensions: 17 },
    { rows: 9001, dimensions: 33 },
  ])('multiplies $rows rows of $dimensions codes like plain arithmetic', ({ rows, dimensions }) => {
    const random = createSeededRandom('code matrix');
    const matrix = new CodeMatrix(dimensions, 1);
    const codes: number[][] = [];
    const someCodes = Array.from({ length: 97 }, () =>
      Array.from({ length: dimensions }, () => random.integer(-127, 127)),
    );
    for (let row = 0; row < rows; row += 1) {
      codes.push(someCodes[row % someCodes.length] ?? []);
      matrix.reserve(row + 1);
      matrix.row(row).set(codes[row] ?? []);
    }
    const query = Array.from({ length: dimensions }, () => random.integer(-32_767, 32_767));
    matrix.query.set(query);
    const expected = codes.map((code) =>
      code.reduce((sum, value, index) => sum + value * (query[index] ?? 0), 0),
    );
    expect([...matrix.score(rows)]).toEqual(expected);
    expect([...matrix.score(0)]).toEqual([]);
    const some = Uint32Array.from([rows - 1, 0, Math.floor(rows / 2)]);
    expect([...matrix.scoreRows(some)]).toEqual([...some].map((row) => expected[row]));
    expect([...matrix.scoreRows(new Uint32Array())]).toEqual([]);
  });
});
