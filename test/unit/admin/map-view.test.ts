import { describe, expect, it } from '@jest/globals';
import {
  chooseTiles,
  imagesIn,
  nearestTo,
  neighborOf,
  toPlace,
  toPoint,
  wholeMap,
  within,
  zoomed,
} from '../../../admin/src/pages/Map/map-view';
import { readAmong, writeAmong } from '../../../admin/src/pages/Search/query';

/** One image in each cell, row by row. */
const SIDE = 20;
const cells = Array.from({ length: SIDE * SIDE }, (_, index) => index);
const images = {
  side: SIDE,
  x: cells.map((index) => index % SIDE),
  y: cells.map((index) => Math.floor(index / SIDE)),
};
const size = { width: 640, height: 480 };
const whole = wholeMap(images, size);

describe('the view of a map', () => {
  it('begins with everything, and zooms no further out', () => {
    expect(imagesIn(images, { from: { x: 0, y: 0 }, to: { x: 640, y: 480 } }, whole, size)).toEqual(
      cells,
    );
    const out = zoomed(whole, 0.01, { x: 0, y: 0 }, size);
    expect(within(out, images, size).scale).toBe(whole.scale);
  });

  it('zooms around the point under the mouse', () => {
    const point = { x: 100, y: 300 };
    const before = toPlace(point, whole, size);
    const after = toPlace(point, zoomed(whole, 3, point, size), size);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it('shows as many thumbnails as fit, and keeps them while zooming in', () => {
    const far = chooseTiles(images, whole, size);
    expect(far.indices.length).toBeLessThan(100);
    expect(far.block).toBeGreaterThan(1);
    const nearer = zoomed(whole, 2, { x: 320, y: 240 }, size);
    const near = chooseTiles(images, nearer, size);
    const shown = new Set(
      imagesIn(images, { from: { x: 0, y: 0 }, to: { x: 640, y: 480 } }, nearer, size),
    );
    expect(far.indices.filter((index) => shown.has(index))).not.toHaveLength(0);
    expect(near.indices).toEqual(
      expect.arrayContaining(far.indices.filter((index) => shown.has(index))),
    );
    expect(chooseTiles(images, { ...whole, scale: 200 }, size).block).toBe(1);
  });

  it('finds the image at a place, and the next one in each direction', () => {
    const index = 5 * SIDE + 7;
    const place = toPlace(toPoint(images, index, whole, size), whole, size);
    expect(nearestTo(images, place)).toBe(index);
    expect(nearestTo(images, { x: -5, y: 0 }, 2)).toBeNull();
    expect(neighborOf(images, index, 'right')).toBe(index + 1);
    expect(neighborOf(images, index, 'left')).toBe(index - 1);
    expect(neighborOf(images, index, 'down')).toBe(index + SIDE);
    expect(neighborOf(images, index, 'up')).toBe(index - SIDE);
    expect(neighborOf(images, 0, 'left')).toBeNull();
  });
});

describe('files in an address', () => {
  it('come back in ascending order, each once, up to 1,000', () => {
    const written = writeAmong([500, 3, 3, 4_000_000]);
    expect(written.length).toBeLessThan(12);
    expect(readAmong(written)).toEqual([3, 500, 4_000_000]);
    const many = Array.from({ length: 1_200 }, (_, index) => index + 1);
    expect(readAmong(writeAmong(many))).toEqual(many.slice(0, 1_000));
  });
});
