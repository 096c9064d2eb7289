import { UMAP } from 'umap-js';

export interface LayoutInput {
  /** One after another, each of `dimensions` numbers and unit length. */
  vectors: Float32Array;
  dimensions: number;
}

export interface GridLayout {
  /** Cells in a row, and rows. */
  side: number;
  /** Columns and rows in the order of the vectors; no two share a cell. */
  x: number[];
  y: number[];
}

/**
 * Lays vectors out so that similar ones are near each other: UMAP (McInnes et al. 2018) of the exact nearest neighbors among
 * the main components, which also give it its start; then each point takes the nearest free cell of a grid. The same
 * vectors give the same layout. Takes minutes for 20,000 vectors.
 *
 * @param onProgress 0 to 1
 */
export function layOut(
  { dimensions, vectors }: LayoutInput,
  onProgress: (progress: number) => void = () => undefined,
): GridLayout {
  const count = vectors.length / dimensions;
  if (count === 0) return { side: 0, x: [], y: [] };
  const random = seededRandom();
  const components = principalComponents({ vectors, dimensions }, random);
  onProgress(PCA_SHARE);
  const neighbors = nearestNeighbors(components, (share) => {
    onProgress(PCA_SHARE + share * (NEIGHBOR_SHARE - PCA_SHARE));
  });
  onProgress(NEIGHBOR_SHARE);
  const points = embed(components, { neighbors, random }, (share) => {
    onProgress(NEIGHBOR_SHARE + share * (1 - NEIGHBOR_SHARE));
  });
  return toGrid(points);
}

const PCA_SHARE = 0.05;
const NEIGHBOR_SHARE = 0.25;

/** The main components of each vector, `width` numbers one after another. */
interface Components {
  values: Float32Array;
  width: number;
  count: number;
}

const MAX_COMPONENTS = 32;
/** Vectors that components are computed from; all are projected on them. */
const PCA_SAMPLE = 4_000;
const PCA_ROUNDS = 6;

/** By subspace iteration (Halko et al. 2011). */
function principalComponents(
  { dimensions, vectors }: LayoutInput,
  random: () => number,
): Components {
  const count = vectors.length / dimensions;
  const width = Math.min(MAX_COMPONENTS, dimensions, count);
  const mean = meanOf(vectors, dimensions);
  const step = Math.max(1, count / PCA_SAMPLE);
  const sampled = Array.from({ length: Math.min(count, PCA_SAMPLE) }, (_, index) =>
    Math.floor(index * step),
  );
  const sample = new Float32Array(sampled.length * dimensions);
  for (const [row, index] of sampled.entries()) {
    for (let column = 0; column < dimensions; column += 1) {
      sample[row * dimensions + column] =
        (vectors[index * dimensions + column] ?? 0) - (mean[column] ?? 0);
    }
  }
  let axes = Array.from({ length: width }, () =>
    Float64Array.from({ length: dimensions }, () => random() - 0.5),
  );
  for (let round = 0; round < PCA_ROUNDS; round += 1) {
    orthonormalize(axes);
    axes = axes.map((axis) => multiplyByCovariance(sample, axis));
  }
  orthonormalize(axes);
  const values = new Float32Array(count * width);
  for (let row = 0; row < count; row += 1) {
    for (const [component, axis] of axes.entries()) {
      let sum = 0;
      for (let column = 0; column < dimensions; column += 1) {
        sum +=
          ((vectors[row * dimensions + column] ?? 0) - (mean[column] ?? 0)) * (axis[column] ?? 0);
      }
      values[row * width + component] = sum;
    }
  }
  return { values, width, count };
}

function meanOf(vectors: Float32Array, dimensions: number): Float64Array {
  const mean = new Float64Array(dimensions);
  for (let index = 0; index < vectors.length; index += 1) {
    const column = index % dimensions;
    mean[column] = (mean[column] ?? 0) + (vectors[index] ?? 0);
  }
  const count = vectors.length / dimensions;
  return mean.map((sum) => sum / count);
}

function multiplyByCovariance(
  sample: Float32Array,
  axis: Float64Array<ArrayBuffer>,
): Float64Array<ArrayBuffer> {
  const dimensions = axis.length;
  const product = new Float64Array(dimensions);
  for (let start = 0; start < sample.length; start += dimensions) {
    let sum = 0;
    for (let column = 0; column < dimensions; column += 1) {
      sum += (sample[start + column] ?? 0) * (axis[column] ?? 0);
    }
    for (let column = 0; column < dimensions; column += 1) {
      product[column] = (product[column] ?? 0) + sum * (sample[start + column] ?? 0);
    }
  }
  return product;
}

/** Modified Gram–Schmidt, in place; an axis without a direction of its own becomes zero. */
function orthonormalize(axes: Float64Array[]): void {
  for (const [index, axis] of axes.entries()) {
    for (const other of axes.slice(0, index)) {
      const overlap = dot(axis, other);
      for (const [column, value] of other.entries())
        axis[column] = (axis[column] ?? 0) - overlap * value;
    }
    const length = Math.sqrt(dot(axis, axis));
    for (const [column, value] of axis.entries())
      axis[column] = length > 1e-12 ? value / length : 0;
  }
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1)
    sum += (one[index] ?? 0) * (other[index] ?? 0);
  return sum;
}

const NEIGHBORS = 15;

/** By row, the nearest first; each row is its own first neighbor, as UMAP counts. */
interface Neighbors {
  indices: number[][];
  distances: number[][];
}

/** Compares every pair: at 20,000 rows this takes a fraction of UMAP's own time, and misses no neighbor. */
function nearestNeighbors(
  { count, values, width }: Components,
  onProgress: (share: number) => void,
): Neighbors {
  // UMAP wants more points than neighbors.
  const kept = Math.max(0, Math.min(NEIGHBORS, count - 1) - 1);
  const found = new Int32Array(count * kept);
  const squares = new Float64Array(count * kept).fill(Infinity);
  const insert = (row: number, neighbor: number, square: number): void => {
    const start = row * kept;
    let place = start + kept - 1;
    for (; place > start && (squares[place - 1] ?? 0) > square; place -= 1) {
      squares[place] = squares[place - 1] ?? 0;
      found[place] = found[place - 1] ?? 0;
    }
    squares[place] = square;
    found[place] = neighbor;
  };
  for (let row = 0; row < count && kept > 0; row += 1) {
    for (let other = row + 1; other < count; other += 1) {
      let square = 0;
      for (let column = 0; column < width; column += 1) {
        const difference =
          (values[row * width + column] ?? 0) - (values[other * width + column] ?? 0);
        square += difference * difference;
      }
      if (square < (squares[(row + 1) * kept - 1] ?? 0)) insert(row, other, square);
      if (square < (squares[(other + 1) * kept - 1] ?? 0)) insert(other, row, square);
    }
    // The first rows are compared with the most others.
    if (row % 256 === 0) onProgress(1 - (1 - row / count) ** 2);
  }
  const rows = Array.from({ length: count }, (_, row) => row);
  return {
    indices: rows.map((row) => [row, ...found.subarray(row * kept, (row + 1) * kept)]),
    distances: rows.map((row) => [
      0,
      ...squares.subarray(row * kept, (row + 1) * kept).map((square) => Math.sqrt(square)),
    ]),
  };
}

interface Points {
  x: Float64Array;
  y: Float64Array;
}

/** Fewer points are placed by their main components alone. */
const LEAST_EMBEDDED = 8;
/** Half the width of UMAP's start. */
const START = 10;

function embed(
  components: Components,
  { neighbors, random }: { neighbors: Neighbors; random: () => number },
  onProgress: (share: number) => void,
): Points {
  const { count } = components;
  const start = firstTwo(components);
  if (count < LEAST_EMBEDDED) return start;
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: neighbors.indices[0]?.length ?? 1,
    minDist: 0.2,
    nEpochs: epochsFor(count),
    random,
  });
  umap.setPrecomputedKNN(neighbors.indices, neighbors.distances);
  const epochs = umap.initializeFit(neighbors.indices);
  // Its own start is random. From the main components, neighborhoods come to lie near related ones.
  for (const [index, point] of umap.getEmbedding().entries()) {
    point[0] = (start.x[index] ?? 0) * START + random() / 100;
    point[1] = (start.y[index] ?? 0) * START + random() / 100;
  }
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    umap.step();
    onProgress((epoch + 1) / epochs);
  }
  const embedding = umap.getEmbedding();
  return {
    x: Float64Array.from(embedding, ([x = 0]) => x),
    y: Float64Array.from(embedding, ([, y = 0]) => y),
  };
}

function epochsFor(count: number): number {
  if (count <= 2_000) return 300;
  return count <= 8_000 ? 200 : 120;
}

/** The first two components, the larger one from -1 to 1. */
function firstTwo({ count, values, width }: Components): Points {
  const column = (component: number): Float64Array =>
    Float64Array.from({ length: count }, (_, row) =>
      component < width ? (values[row * width + component] ?? 0) : 0,
    );
  const [x, y] = [column(0), column(1)];
  let largest = 1e-12;
  for (const value of [...x, ...y]) largest = Math.max(largest, Math.abs(value));
  return { x: x.map((value) => value / largest), y: y.map((value) => value / largest) };
}

/** Cells per point. */
const CELLS = 3;

/**
 * Spreads points over a square, half by their place and half by their rank, and gives each the nearest free cell: wide
 * gaps shrink, crowds spread out, and no point hides another.
 */
function toGrid({ x, y }: Points): GridLayout {
  const count = x.length;
  const side = Math.ceil(Math.sqrt(count * CELLS));
  const [columns, rows] = [spread(x), spread(y)].map((values) =>
    values.map((value) => Math.min(side - 1, Math.floor(value * side))),
  );
  const taken = new Uint8Array(side * side);
  const layout: GridLayout = { side, x: [], y: [] };
  for (let index = 0; index < count; index += 1) {
    const wanted = { column: columns?.[index] ?? 0, row: rows?.[index] ?? 0 };
    const { column, row } = nearestFree(taken, { side, ...wanted });
    taken[row * side + column] = 1;
    layout.x.push(column);
    layout.y.push(row);
  }
  return layout;
}

/** 0 to 1. */
function spread(values: Float64Array): Float64Array {
  const order = Array.from(values.keys()).sort(
    (one, other) => (values[one] ?? 0) - (values[other] ?? 0) || one - other,
  );
  const lowest = values[order[0] ?? 0] ?? 0;
  const range = Math.max(1e-12, (values[order.at(-1) ?? 0] ?? 0) - lowest);
  const spreadOut = new Float64Array(values.length);
  for (const [rank, index] of order.entries()) {
    const place = ((values[index] ?? 0) - lowest) / range;
    spreadOut[index] = (place + (rank + 0.5) / values.length) / 2;
  }
  return spreadOut;
}

function nearestFree(
  taken: Uint8Array,
  { column, row, side }: { side: number; column: number; row: number },
): { column: number; row: number } {
  for (let radius = 0; radius < side; radius += 1) {
    let best: { column: number; row: number; square: number } | null = null;
    for (let dy = -radius; dy <= radius; dy += 1) {
      const isEdge = Math.abs(dy) === radius;
      for (let dx = -radius; dx <= radius; dx += isEdge ? 1 : 2 * radius) {
        const [x, y] = [column + dx, row + dy];
        if (x < 0 || y < 0 || x >= side || y >= side || taken[y * side + x] === 1) continue;
        const square = dx * dx + dy * dy;
        if (!best || square < best.square) best = { column: x, row: y, square };
      }
    }
    if (best) return best;
  }
  throw new RangeError('The grid has no free cell.');
}

/** Mulberry32. */
function seededRandom(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
