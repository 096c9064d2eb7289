import type { ChromaGrid } from '../images/contract';
import { decodeThumbnail } from '../images/trace';
import { type SlopedPlane, withSlopes } from './alignment-refinement';
import type { ImageTrace } from './contract';
import { type QuarterTurns, toWords, turnFingerprint } from './fingerprint';
import {
  halve,
  mirror,
  normalizeLocally,
  type Plane,
  type PlaneSize,
  rectangleSum,
  resample,
  smooth,
  sumTable,
  toPlane,
} from './plane';

export interface View extends PlaneSize {
  isMirrored: boolean;
}

/** An unpacked trace that keeps the planes derived from it. */
export class ComparableImage {
  readonly plane: Plane;
  readonly chroma: ChromaGrid;
  readonly fingerprint: Int32Array;
  /** Half the size, which is enough for the search. */
  #half: Plane | null = null;
  readonly #gray = new Map<string, Plane>();
  readonly #normalized = new Map<string, SlopedPlane>();
  readonly #searchable = new Map<string, Searchable>();

  constructor(plane: Plane, chroma: ChromaGrid, fingerprint: Int32Array) {
    this.plane = plane;
    this.chroma = chroma;
    this.fingerprint = fingerprint;
  }

  /** Gray values at this size. */
  gray(view: View): Plane {
    return cached(this.#gray, view, () => smooth(this.#seen(view)));
  }

  /** At this size, for refinement. */
  normalized(view: View): SlopedPlane {
    return cached(this.#normalized, view, () => withSlopes(this.gray(view)));
  }

  /** At this size, for the search. */
  searchable(view: View): Searchable {
    return cached(this.#searchable, view, () =>
      view.isMirrored
        ? mirrorSearchable(this.searchable({ ...view, isMirrored: false }))
        : searchable(resample(this.#enoughFor(view), view)),
    );
  }

  #enoughFor({ height, width }: PlaneSize): Plane {
    const half = (this.#half ??= halve(this.plane));
    return width <= half.width && height <= half.height ? half : this.plane;
  }

  /** The image turned clockwise. */
  turned(quarterTurns: QuarterTurns): ComparableImage {
    if (quarterTurns === 0) return this;
    const before = this.turned((quarterTurns - 1) as QuarterTurns);
    const { blue, height, red, width } = before.chroma;
    const turnCells = (cells: Uint8Array) => turnGrid(cells, { width, height });
    return new ComparableImage(
      {
        width: before.plane.height,
        height: before.plane.width,
        values: turnGrid(before.plane.values, before.plane),
      },
      { width: height, height: width, blue: turnCells(blue), red: turnCells(red) },
      turnFingerprint(before.fingerprint),
    );
  }

  #seen({ isMirrored, ...size }: View): Plane {
    const plane = resample(this.plane, size);
    return isMirrored ? mirror(plane) : plane;
  }
}

/** Values of a grid, row by row, turned clockwise. */
function turnGrid<Grid extends Float32Array | Uint8Array>(
  grid: Grid,
  { height, width }: PlaneSize,
): Grid {
  const turned = grid.slice() as Grid;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      turned[column * height + height - 1 - row] = grid[row * width + column] ?? 0;
    }
  }
  return turned;
}

/** Returns null when the trace is incomplete. */
export function comparableImage(trace: ImageTrace): ComparableImage | null {
  if (trace.fingerprint === null || trace.thumbnail === null) return null;
  const thumbnail = decodeThumbnail(trace.thumbnail);
  if (thumbnail === null) return null;
  const words = toWords(trace.fingerprint.bits);
  return new ComparableImage(toPlane(thumbnail), thumbnail.chroma, words);
}

function cached<Value>(known: Map<string, Value>, view: View, make: () => Value): Value {
  const key = `${String(view.width)} ${String(view.height)} ${String(view.isMirrored)}`;
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** A small plane that is slid over another. */
export interface Searchable {
  plane: Plane;
  /** See `sumTable`. */
  squares: Float64Array;
}

const NEIGHBORHOOD = 3;
const MIN_SPREAD = 5;

export function searchable(plane: Plane): Searchable {
  const normalized = normalizeLocally(plane, NEIGHBORHOOD, MIN_SPREAD);
  return { plane: normalized, squares: sumTable(normalized, true) };
}

function mirrorSearchable({ plane }: Searchable): Searchable {
  const turned = mirror(plane);
  return { plane: turned, squares: sumTable(turned, true) };
}

/** Position of a piece's top left corner on the ground, in pixels. */
export interface Spot {
  left: number;
  top: number;
}

/** Correlation of the overlap, -1 to 1; -1 when it is less than `minOverlap` of the smaller plane. */
export function correlationAt(
  ground: Searchable,
  piece: Searchable,
  spot: Spot,
  leastOverlap: number,
): number {
  const { width, height } = piece.plane;
  const { width: groundWidth, height: groundHeight } = ground.plane;
  const left = Math.max(0, -spot.left);
  const top = Math.max(0, -spot.top);
  const right = Math.min(width, groundWidth - spot.left);
  const bottom = Math.min(height, groundHeight - spot.top);
  const smaller = Math.min(width * height, groundWidth * groundHeight);
  if ((right - left) * (bottom - top) < leastOverlap * smaller) return -1;
  const pieceEnergy = rectangleSum(piece.squares, width, { left, top, right, bottom });
  const groundEnergy = rectangleSum(ground.squares, groundWidth, {
    left: left + spot.left,
    top: top + spot.top,
    right: right + spot.left,
    bottom: bottom + spot.top,
  });
  const energy = pieceEnergy * groundEnergy;
  if (!(energy > 0)) return 0;
  const ones = piece.plane.values;
  const others = ground.plane.values;
  let sum = 0;
  for (let row = top; row < bottom; row += 1) {
    const shift = (row + spot.top) * groundWidth + spot.left - row * width;
    const end = row * width + right;
    for (let place = row * width + left; place < end; place += 1) {
      sum += (ones[place] ?? 0) * (others[place + shift] ?? 0);
    }
  }
  return sum / Math.sqrt(energy);
}
