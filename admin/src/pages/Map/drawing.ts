import {
  chooseTiles,
  inWindow,
  TILE_PX,
  toPoint,
  type Area,
  type Images,
  type Place,
  type Size,
  type View,
} from './map-view';
import type { Thumbnails } from './thumbnails';

/** Of the theme. */
export interface Colors {
  background: string;
  point: string;
  highlight: string;
  selection: string;
  frame: string;
}

export interface Picture {
  images: Images & { fileIds: readonly number[] };
  view: View;
  size: Size;
  /** Null to highlight none. */
  highlighted: ReadonlySet<number> | null;
  selected: ReadonlySet<number>;
  /** The image that keys and the mouse are at; null for none. */
  current: number | null;
  area: Area | null;
  thumbnails: Thumbnails;
  colors: Colors;
}

const DIMMED = 0.18;
const LARGEST_TILE_PX = 220;

/** Where an image is drawn. */
export interface Tile {
  index: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Draws the map, and asks for the thumbnails that it lacks. Returns the thumbnails, the topmost last. */
export function draw(context: CanvasRenderingContext2D, picture: Picture): Tile[] {
  const { area, colors, size } = picture;
  const ratio = window.devicePixelRatio;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = colors.background;
  context.fillRect(0, 0, size.width, size.height);
  drawPoints(context, picture);
  const tiles = drawTiles(context, picture);
  if (!area) return tiles;
  const { from, to } = area;
  context.globalAlpha = 0.15;
  context.fillStyle = colors.selection;
  context.fillRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.globalAlpha = 1;
  context.strokeStyle = colors.selection;
  context.lineWidth = 1;
  context.strokeRect(from.x + 0.5, from.y + 0.5, to.x - from.x, to.y - from.y);
  return tiles;
}

function drawPoints(context: CanvasRenderingContext2D, picture: Picture): void {
  const { colors, highlighted, images, selected, size, view } = picture;
  const side = Math.max(2, Math.min(6, view.scale * 0.6));
  for (const isLit of [false, true]) {
    for (const index of inWindow(images, view, size)) {
      const isMarked = highlighted?.has(index) ?? false;
      if ((isMarked || selected.has(index)) !== isLit) continue;
      context.globalAlpha = isLit || !highlighted ? 1 : DIMMED;
      context.fillStyle = isMarked
        ? colors.highlight
        : selected.has(index)
          ? colors.selection
          : colors.point;
      const { x, y } = toPoint(images, index, view, size);
      const width = isLit ? side + 1 : side;
      context.fillRect(x - width / 2, y - width / 2, width, width);
    }
  }
  context.globalAlpha = 1;
}

function drawTiles(context: CanvasRenderingContext2D, picture: Picture): Tile[] {
  const { colors, current, highlighted, images, selected, size, thumbnails, view } = picture;
  const { block, indices } = chooseTiles(images, view, size);
  const side = tileSide(block, view);
  const all =
    current === null ? indices : [...indices.filter((index) => index !== current), current];
  const middle = { x: size.width / 2, y: size.height / 2 };
  const places = new Map(
    all.map((index) => [index, placeOf(index, { images, view, size, block, side })]),
  );
  const distance = (index: number): number => {
    const { x, y } = places.get(index) ?? middle;
    return (x - middle.x) ** 2 + (y - middle.y) ** 2;
  };
  const nearestFirst = [...all].sort((one, other) => distance(one) - distance(other));
  thumbnails.want(nearestFirst.map((index) => images.fileIds[index] ?? 0));
  const tiles: Tile[] = [];
  for (const index of all) {
    const place = places.get(index) ?? middle;
    const isCurrent = index === current;
    const image = thumbnails.imageOf(images.fileIds[index] ?? 0);
    const isMarked = highlighted?.has(index) ?? false;
    context.globalAlpha = highlighted && !isMarked && !isCurrent ? DIMMED : 1;
    const box = image ? fit(image, side) : { width: side / 4, height: side / 4 };
    const [left, top] = [place.x - box.width / 2, place.y - box.height / 2];
    if (image) {
      // Nothing shows through a transparent image, or a dimmed one.
      const { globalAlpha } = context;
      context.globalAlpha = 1;
      context.fillStyle = colors.background;
      context.fillRect(left, top, box.width, box.height);
      context.globalAlpha = globalAlpha;
      context.drawImage(image, left, top, box.width, box.height);
    }
    const isFramed = isCurrent || isMarked || selected.has(index);
    if (!image && !isCurrent) continue;
    tiles.push({ index, left, top, ...box });
    context.globalAlpha = 1;
    context.lineWidth = isFramed ? 3 : 1;
    context.strokeStyle = isCurrent
      ? colors.frame
      : isMarked
        ? colors.highlight
        : isFramed
          ? colors.selection
          : colors.background;
    context.strokeRect(left, top, box.width, box.height);
  }
  context.globalAlpha = 1;
  return tiles;
}

/** Of a block's thumbnail: with one image to a block it fills it, otherwise points show beside it. */
function tileSide(block: number, { scale }: View): number {
  if (block === 1) return Math.min(LARGEST_TILE_PX, scale * 0.94);
  return Math.min(TILE_PX, block * scale * 0.6);
}

/** The middle of a thumbnail: where the image is, but within its block, so that thumbnails don't overlap. */
function placeOf(
  index: number,
  {
    block,
    images,
    side,
    size,
    view,
  }: Pick<Picture, 'images' | 'view' | 'size'> & { block: number; side: number },
): Place {
  const place = toPoint(images, index, view, size);
  const keep = (cell: number, center: number, length: number, at: number): number => {
    const start = length / 2 + (Math.floor(cell / block) * block - center) * view.scale;
    const room = block * view.scale;
    return Math.min(start + room - side / 2, Math.max(start + side / 2, at));
  };
  return {
    x: keep(images.x[index] ?? 0, view.center.x, size.width, place.x),
    y: keep(images.y[index] ?? 0, view.center.y, size.height, place.y),
  };
}

function fit({ naturalHeight, naturalWidth }: HTMLImageElement, side: number): Size {
  const factor = side / Math.max(1, naturalHeight, naturalWidth);
  return { width: naturalWidth * factor, height: naturalHeight * factor };
}
