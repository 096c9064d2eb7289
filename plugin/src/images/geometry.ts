import type { PixelPreparation, ResizeRule } from './contract';

export interface Size {
  width: number;
  height: number;
}

export interface Region extends Size {
  left: number;
  top: number;
}

/** Interleaved RGB, one byte a channel. */
export interface Raster extends Size {
  data: Uint8Array;
  /** The same without the white ground: interleaved RGBA. Absent when the picture has no alpha. */
  clear?: Uint8Array;
}

/** Longer side over shorter side up to which a picture is resized as a whole even if only its centre is wanted. */
export const mostElongated = 8;

/**
 * Size after the resize, at least one pixel a side. For `shortest-edge` the longer side is cut off to whole pixels,
 * not rounded, as CLIP's reference preprocessing does: `int(size * long / short)`.
 */
export function resizedSize({ width, height }: Size, rule: ResizeRule): Size {
  switch (rule.mode) {
    case 'none':
      return { width, height };
    case 'exact':
      return { width: rule.width, height: rule.height };
    case 'fit': {
      const scale = Math.min(rule.width / width, rule.height / height);
      return { width: roundedSide(width * scale), height: roundedSide(height * scale) };
    }
    case 'shortest-edge': {
      const longer = Math.trunc((rule.size * Math.max(width, height)) / Math.min(width, height));
      return width <= height
        ? { width: rule.size, height: longer }
        : { width: longer, height: rule.size };
    }
  }
}

/** The size at which the longer side is at most `maxEdge`; smaller pictures keep theirs. */
export function shrunkSize({ width, height }: Size, maxEdge: number): Size {
  const scale = Math.min(1, maxEdge / Math.max(width, height));
  return { width: roundedSide(width * scale), height: roundedSide(height * scale) };
}

function roundedSide(length: number): number {
  return Math.max(1, Math.round(length));
}

export function isSameSize(one: Size, other: Size): boolean {
  return one.width === other.width && one.height === other.height;
}

/** Of each side the shorter. */
export function smallerSize(one: Size, other: Size): Size {
  return {
    width: Math.min(one.width, other.width),
    height: Math.min(one.height, other.height),
  };
}

/** Of each side the longer. */
export function largerSize(one: Size, other: Size): Size {
  return {
    width: Math.max(one.width, other.width),
    height: Math.max(one.height, other.height),
  };
}

/**
 * The middle part that is enough to see what the crop will keep, when resizing the whole picture would make a raster
 * out of all proportion (30,000 × 1 with a shortest edge of 224 would be 6.7 million pixels wide); otherwise null.
 */
export function sufficientCentre(source: Size, { resize, crop }: PixelPreparation): Region | null {
  if (crop === undefined) return null;
  if (resize.mode === 'none') return centre(source, crop.width, crop.height);
  if (resize.mode !== 'shortest-edge') return null;
  const shorter = Math.min(source.width, source.height);
  const cropEdges = Math.ceil(Math.max(crop.width, crop.height) / resize.size);
  const longest = shorter * Math.max(mostElongated, cropEdges);
  return centre(source, longest, longest);
}

/** The window of a raster that its centre crop keeps; a crop that is larger on an axis keeps all of it. */
export function cropWindow(raster: Size, crop: Size): Region {
  return centre(raster, crop.width, crop.height) ?? { left: 0, top: 0, ...raster };
}

function centre(source: Size, mostWidth: number, mostHeight: number): Region | null {
  if (source.width <= mostWidth && source.height <= mostHeight) return null;
  const width = Math.min(source.width, mostWidth);
  const height = Math.min(source.height, mostHeight);
  return {
    left: Math.floor((source.width - width) / 2),
    top: Math.floor((source.height - height) / 2),
    width,
    height,
  };
}

/**
 * A canvas of this size with the raster in its middle: what juts out is cut off, what stays free is `background`.
 * An odd pixel goes as CLIP's reference preprocessing puts it: the window starts at `floor((raster - canvas) / 2)`.
 */
export function centreOnCanvas(
  raster: Raster,
  canvas: Size,
  background: readonly [number, number, number],
): Raster {
  if (isSameSize(raster, canvas)) return raster;
  const data = filledCanvas(canvas, background);
  const left = Math.floor((raster.width - canvas.width) / 2);
  const top = Math.floor((raster.height - canvas.height) / 2);
  const firstColumn = Math.max(0, left);
  const endColumn = Math.min(raster.width, left + canvas.width);
  const endRow = Math.min(raster.height, top + canvas.height);
  for (let row = Math.max(0, top); row < endRow; row += 1) {
    const start = (row * raster.width + firstColumn) * 3;
    const end = (row * raster.width + endColumn) * 3;
    data.set(
      raster.data.subarray(start, end),
      ((row - top) * canvas.width + firstColumn - left) * 3,
    );
  }
  return { width: canvas.width, height: canvas.height, data };
}

function filledCanvas({ width, height }: Size, [red, green, blue]: readonly number[]): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  if (red === 0 && green === 0 && blue === 0) return data;
  for (let offset = 0; offset < data.length; offset += 3) {
    data[offset] = red ?? 0;
    data[offset + 1] = green ?? 0;
    data[offset + 2] = blue ?? 0;
  }
  return data;
}
