const TINY = 1e-9;

/** Solves a symmetric, positive definite system by Cholesky's decomposition; null when it is singular. */
export function solveSymmetric(
  matrix: Float64Array,
  right: Float64Array,
  size: number,
): Float64Array | null {
  const lower = decomposed(matrix, size);
  if (lower === null) return null;
  const result = new Float64Array(size);
  for (let row = 0; row < size; row += 1) {
    let sum = right[row] ?? 0;
    for (let index = 0; index < row; index += 1) {
      sum -= (lower[row * size + index] ?? 0) * (result[index] ?? 0);
    }
    result[row] = sum / (lower[row * size + row] ?? 1);
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    let sum = result[row] ?? 0;
    for (let index = row + 1; index < size; index += 1) {
      sum -= (lower[index * size + row] ?? 0) * (result[index] ?? 0);
    }
    result[row] = sum / (lower[row * size + row] ?? 1);
  }
  return result;
}

function decomposed(matrix: Float64Array, size: number): Float64Array | null {
  const lower = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      let sum = matrix[row * size + column] ?? 0;
      for (let index = 0; index < column; index += 1) {
        sum -= (lower[row * size + index] ?? 0) * (lower[column * size + index] ?? 0);
      }
      if (row !== column) {
        lower[row * size + column] = sum / (lower[column * size + column] ?? 1);
      } else if (sum > TINY) {
        lower[row * size + row] = Math.sqrt(sum);
      } else {
        return null;
      }
    }
  }
  return lower;
}
