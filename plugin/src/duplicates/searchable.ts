import { locallyNormalised, mirrored, rectangleSum, sumTable, type Plane } from './plane';

/** A small picture that is slid over another. */
export interface Searchable {
  plane: Plane;
  /** See `sumTable`. */
  squares: Float64Array;
}

const NEIGHBOURHOOD = 3;
const LEAST_SPREAD = 5;

export function searchable(plane: Plane): Searchable {
  const normalised = locallyNormalised(plane, NEIGHBOURHOOD, LEAST_SPREAD);
  return { plane: normalised, squares: sumTable(normalised, true) };
}

export function mirroredSearchable({ plane }: Searchable): Searchable {
  const turned = mirrored(plane);
  return { plane: turned, squares: sumTable(turned, true) };
}

/** Place of a piece's upper left corner on the ground, in pixels. */
export interface Spot {
  left: number;
  top: number;
}

/** Correlation of what is seen of both, -1 to 1; -1 when that is less than this part of the smaller one. */
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
