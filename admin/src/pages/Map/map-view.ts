/** A place on the map, in cells. */
export interface Place {
  x: number;
  y: number;
}

/** In pixels of the window. */
export interface Size {
  width: number;
  height: number;
}

/** What the window shows. */
export interface View {
  /** In the middle of the window. */
  center: Place;
  /** Pixels per cell. */
  scale: number;
}

/** The images of the map, by their position in its lists. */
export interface Images {
  side: number;
  x: readonly number[];
  y: readonly number[];
}

/** Side of a thumbnail at rest, in pixels. */
export const TILE_PX = 88;
const MAX_SCALE = 240;
const MARGIN_PX = 24;

/** Everything at once. */
export function wholeMap({ side }: Images, size: Size): View {
  return { center: { x: side / 2, y: side / 2 }, scale: fitting(side, size) };
}

function fitting(side: number, { height, width }: Size): number {
  return Math.max(0.1, (Math.min(width, height) - 2 * MARGIN_PX) / Math.max(1, side));
}

/** Keeps the map in the window, neither too far away nor too near. */
export function within(view: View, { side }: Images, size: Size): View {
  const scale = Math.min(MAX_SCALE, Math.max(fitting(side, size), view.scale));
  const clamp = (value: number): number => Math.min(side, Math.max(0, value));
  return { scale, center: { x: clamp(view.center.x), y: clamp(view.center.y) } };
}

/** Zooms around a point of the window, which stays where it is. */
export function zoomed(view: View, factor: number, point: Place, size: Size): View {
  const fixed = toPlace(point, view, size);
  const scale = Math.min(MAX_SCALE, view.scale * factor);
  return {
    scale,
    center: {
      x: fixed.x - (point.x - size.width / 2) / scale,
      y: fixed.y - (point.y - size.height / 2) / scale,
    },
  };
}

/** A point of the window → a place on the map. */
export function toPlace(point: Place, { center, scale }: View, { height, width }: Size): Place {
  return {
    x: center.x + (point.x - width / 2) / scale,
    y: center.y + (point.y - height / 2) / scale,
  };
}

/** The center of an image's cell → a point of the window. */
export function toPoint(
  { x, y }: Images,
  index: number,
  { center, scale }: View,
  { height, width }: Size,
): Place {
  return {
    x: width / 2 + ((x[index] ?? 0) + 0.5 - center.x) * scale,
    y: height / 2 + ((y[index] ?? 0) + 0.5 - center.y) * scale,
  };
}

/**
 * The images that get a thumbnail: one for each block of cells that is as large as one, so that none overlaps another
 * and their number depends on the window alone. From one zoom to the next, those shown before stay.
 *
 * @returns the positions of images, and the side of a block in cells, a power of two
 */
export function chooseTiles(
  images: Images,
  view: View,
  size: Size,
): { indices: number[]; block: number } {
  const block = 2 ** Math.max(0, Math.ceil(Math.log2(TILE_PX / 1.5 / view.scale)));
  const seen = new Set<number>();
  const indices: number[] = [];
  const blocks = Math.ceil(images.side / block) + 1;
  for (const index of inWindow(images, view, size, block)) {
    const [column, row] = [
      Math.floor((images.x[index] ?? 0) / block),
      Math.floor((images.y[index] ?? 0) / block),
    ];
    const key = row * blocks + column;
    if (seen.has(key)) continue;
    seen.add(key);
    indices.push(index);
  }
  return { indices, block };
}

/** The images whose cells the window shows, with a margin of some cells. */
export function* inWindow(images: Images, view: View, size: Size, margin = 1): Generator<number> {
  const from = toPlace({ x: 0, y: 0 }, view, size);
  const to = toPlace({ x: size.width, y: size.height }, view, size);
  for (const [index, x] of images.x.entries()) {
    const y = images.y[index] ?? 0;
    if (x < from.x - margin || x > to.x + margin) continue;
    if (y < from.y - margin || y > to.y + margin) continue;
    yield index;
  }
}

/** The image nearest to a place, at most some cells away; null for none. */
export function nearestTo({ x, y }: Images, place: Place, most = Infinity): number | null {
  let nearest: { index: number; square: number } | null = null;
  for (const [index, column] of x.entries()) {
    const square = (column + 0.5 - place.x) ** 2 + ((y[index] ?? 0) + 0.5 - place.y) ** 2;
    if (square > most * most) continue;
    if (!nearest || square < nearest.square) nearest = { index, square };
  }
  return nearest?.index ?? null;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

const steps: Record<Direction, Place> = {
  left: { x: -1, y: 0 },
  right: { x: 1, y: 0 },
  up: { x: 0, y: -1 },
  down: { x: 0, y: 1 },
};

/** The nearest image in a direction, as arrow keys reach it: rather straight ahead than aside. Null at the edge. */
export function neighborOf({ x, y }: Images, index: number, direction: Direction): number | null {
  const step = steps[direction];
  const from = { x: x[index] ?? 0, y: y[index] ?? 0 };
  let best: { index: number; cost: number } | null = null;
  for (const [other, column] of x.entries()) {
    const [dx, dy] = [column - from.x, (y[other] ?? 0) - from.y];
    const ahead = dx * step.x + dy * step.y;
    const aside = Math.abs(dx * step.y) + Math.abs(dy * step.x);
    if (ahead <= 0 || aside > ahead * 2) continue;
    const cost = ahead + aside * 2;
    if (!best || cost < best.cost) best = { index: other, cost };
  }
  return best?.index ?? null;
}

/** Two opposite corners in the window. */
export interface Area {
  from: Place;
  to: Place;
}

/** The images whose cells' centers an area covers. */
export function imagesIn(images: Images, { from, to }: Area, view: View, size: Size): number[] {
  const [one, other] = [toPlace(from, view, size), toPlace(to, view, size)];
  const [left, right] = [Math.min(one.x, other.x), Math.max(one.x, other.x)];
  const [top, bottom] = [Math.min(one.y, other.y), Math.max(one.y, other.y)];
  return [...images.x.keys()].filter((index) => {
    const [x, y] = [(images.x[index] ?? 0) + 0.5, (images.y[index] ?? 0) + 0.5];
    return x >= left && x <= right && y >= top && y <= bottom;
  });
}
