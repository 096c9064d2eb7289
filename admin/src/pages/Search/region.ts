import type { Region } from './query';

/** In shares of an image's width and height, 0 to 1. */
export interface Point {
  x: number;
  y: number;
}

export const CORNERS = ['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const;

export type Corner = (typeof CORNERS)[number];

export const WHOLE: Region = { x: 0, y: 0, width: 1, height: 1 };

/** Shorter sides show too little to search with. */
const SHORTEST = 0.05;
/** Of the keyboard. */
const STEP = 0.02;
/** Digits of a share: less than a pixel of an image as it is shown. */
const DIGITS = 3;

export function isWhole({ height, width }: Region): boolean {
  return width >= 1 && height >= 1;
}

/** What was drawn from one point to another; null while it is too small to be meant. */
export function drawnRegion(from: Point, to: Point): Region | null {
  const [left, right] = [from.x, to.x].map(clamp).sort((one, other) => one - other);
  const [top, bottom] = [from.y, to.y].map(clamp).sort((one, other) => one - other);
  if (left === undefined || right === undefined || top === undefined || bottom === undefined)
    return null;
  const [width, height] = [right - left, bottom - top];
  return width < SHORTEST || height < SHORTEST ? null : { x: left, y: top, width, height };
}

/** @param step how far one unit of `by` is */
export function movedRegion(region: Region, by: Point, step = STEP): Region {
  return {
    ...region,
    x: between(0, region.x + step * by.x, 1 - region.width),
    y: between(0, region.y + step * by.y, 1 - region.height),
  };
}

/** Moves the right and the bottom side. */
export function stretchedRegion(region: Region, by: Point): Region {
  return {
    ...region,
    width: between(SHORTEST, region.width + STEP * by.x, 1 - region.x),
    height: between(SHORTEST, region.height + STEP * by.y, 1 - region.y),
  };
}

/** Moves a corner; the opposite one stays. */
export function resizedRegion(region: Region, corner: Corner, to: Point): Region {
  const right = region.x + region.width;
  const bottom = region.y + region.height;
  const isLeft = corner.endsWith('left');
  const isTop = corner.startsWith('top');
  const x = isLeft ? between(0, to.x, right - SHORTEST) : region.x;
  const y = isTop ? between(0, to.y, bottom - SHORTEST) : region.y;
  return {
    x,
    y,
    width: (isLeft ? right : between(region.x + SHORTEST, to.x, 1)) - x,
    height: (isTop ? bottom : between(region.y + SHORTEST, to.y, 1)) - y,
  };
}

/** As the address holds it. Its sides never end beyond the image. */
export function roundedRegion({ height, width, x, y }: Region): Region {
  const [left, top] = [round(x), round(y)];
  return {
    x: left,
    y: top,
    width: round(Math.min(width, 1 - left)),
    height: round(Math.min(height, 1 - top)),
  };
}

function round(share: number): number {
  return Number(share.toFixed(DIGITS));
}

function clamp(share: number): number {
  return between(0, share, 1);
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
