import type { PerceptualFingerprint } from './contract';

/** Side of the luminance grid that a fingerprint is made from, in pixels. */
export const fingerprintGrid = 64;

/** Frequencies kept in each direction, from 1 up: frequency 0 is brightness, not content. */
const FREQUENCIES = 16;
/** A step between neighbours counts in whole hundredths of the brightness range: what is below is noise. */
const NOISE_STEP = 255 / 100;
/** Mean step, in those hundredths, from which a picture has plenty of structure. */
const PLENTY_OF_STRUCTURE = 1.1;
/** What rounding the grid to whole numbers adds to a coefficient: its standard deviation, √(64² / 12) / 2. */
const ROUNDING_NOISE = 9;

/**
 * Perceptual fingerprint of a picture, given its luminance (0–255) squeezed onto a grid of 64 × 64, row by row: the
 * 16 × 16 lowest frequencies of the grid's two-dimensional discrete cosine transform without the constant ones, and
 * for each of these 256 whether it is clearly above their median. Resizing, recompression and slight colour changes flip a
 * few bits; unrelated pictures differ in about 128. `quality` grows with the mean brightness step between neighbours,
 * so that the chance bits of flat pictures can be told apart.
 *
 * The idea is that of PDQ, described in "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm"
 * (Facebook, 2019); the bits are not interchangeable with PDQ's.
 */
export function fingerprintOf(luminance: Uint8Array): PerceptualFingerprint {
  return { bits: toBits(lowFrequencies(luminance)), quality: structureOf(luminance) };
}

/** Row-major 16 × 16: `basis × grid × basisᵀ`. */
function lowFrequencies(luminance: Uint8Array): Float64Array {
  const basis = cosineBasis();
  const columns = new Float64Array(FREQUENCIES * fingerprintGrid);
  for (let frequency = 0; frequency < FREQUENCIES; frequency += 1) {
    for (let column = 0; column < fingerprintGrid; column += 1) {
      let sum = 0;
      for (let row = 0; row < fingerprintGrid; row += 1) {
        sum += at(basis, frequency, row) * at(luminance, row, column);
      }
      columns[frequency * fingerprintGrid + column] = sum;
    }
  }
  return Float64Array.from({ length: FREQUENCIES * FREQUENCIES }, (_, index) => {
    const vertical = Math.floor(index / FREQUENCIES);
    const horizontal = index % FREQUENCIES;
    let sum = 0;
    for (let column = 0; column < fingerprintGrid; column += 1) {
      sum += at(columns, vertical, column) * at(basis, horizontal, column);
    }
    return sum;
  });
}

/** Row k is the discrete cosine (type II) of frequency k + 1, sampled on the grid. */
function cosineBasis(): Float64Array {
  return Float64Array.from({ length: FREQUENCIES * fingerprintGrid }, (_, index) => {
    const frequency = Math.floor(index / fingerprintGrid) + 1;
    const position = (index % fingerprintGrid) + 0.5;
    return Math.cos((Math.PI * frequency * position) / fingerprintGrid);
  });
}

function toBits(coefficients: Float64Array): string {
  const sorted = coefficients.toSorted();
  const half = sorted.length / 2;
  const median = ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
  const digits: string[] = [];
  for (let start = 0; start < coefficients.length; start += 4) {
    const nibble = coefficients
      .subarray(start, start + 4)
      .reduce((bits, coefficient) => bits * 2 + (coefficient > median + ROUNDING_NOISE ? 1 : 0), 0);
    digits.push(nibble.toString(16));
  }
  return digits.join('');
}

/** 0 (flat) to 1 (plenty of structure). */
function structureOf(luminance: Uint8Array): number {
  let steps = 0;
  for (let row = 0; row < fingerprintGrid; row += 1) {
    for (let column = 0; column < fingerprintGrid; column += 1) {
      const here = at(luminance, row, column);
      if (column > 0) steps += stepSize(here - at(luminance, row, column - 1));
      if (row > 0) steps += stepSize(here - at(luminance, row - 1, column));
    }
  }
  const neighbours = 2 * fingerprintGrid * (fingerprintGrid - 1);
  return Math.min(1, steps / neighbours / PLENTY_OF_STRUCTURE);
}

function stepSize(difference: number): number {
  return Math.trunc(Math.abs(difference) / NOISE_STEP);
}

/** Value at a place of a row-major table that is as wide as the grid. */
function at(table: Uint8Array | Float64Array, row: number, column: number): number {
  return table[row * fingerprintGrid + column] ?? 0;
}
