import { describe, expect, it } from '@jest/globals';
import {
  CORNERS,
  drawnRegion,
  isWhole,
  movedRegion,
  resizedRegion,
  roundedRegion,
  stretchedRegion,
  WHOLE,
} from '../../../admin/src/pages/Search/region';
import { regionSchema } from '../../../plugin/src/contracts/search';
import { createSeededRandom } from '../../../sample/seeded-random';

const region = { x: 0.2, y: 0.3, width: 0.4, height: 0.5 };

describe('A part of an image', () => {
  it('is drawn in any direction, and ends at the image', () => {
    const drawn = { x: 0.5, y: 0.5, width: 0.5, height: 0.25 };
    expect(drawnRegion({ x: 0.5, y: 0.5 }, { x: 1.4, y: 0.75 })).toEqual(drawn);
    expect(drawnRegion({ x: 1.4, y: 0.75 }, { x: 0.5, y: 0.5 })).toEqual(drawn);
    expect(drawnRegion({ x: 0.5, y: 0.5 }, { x: 0.51, y: 0.9 })).toBeNull();
  });

  it('moves and grows by steps, within the image', () => {
    expect(movedRegion(region, { x: -1, y: 0 }).x).toBeCloseTo(0.18);
    expect(movedRegion(region, { x: 0, y: 1 }, 1)).toMatchObject({ x: 0.2, y: 0.5 });
    expect(stretchedRegion(region, { x: 1, y: 0 }).width).toBeCloseTo(0.42);
    expect(stretchedRegion(WHOLE, { x: 1, y: 1 })).toEqual(WHOLE);
    expect(isWhole(movedRegion(WHOLE, { x: 1, y: 1 }))).toBe(true);
  });

  it('keeps the opposite corner when one is moved, and a least size', () => {
    const moved = resizedRegion(region, 'top-left', { x: 0.1, y: 0.9 });
    expect(moved.x).toBe(0.1);
    expect(moved.x + moved.width).toBeCloseTo(0.6);
    expect(moved.y + moved.height).toBeCloseTo(0.8);
    expect(moved.height).toBeCloseTo(0.05);
    const grown = resizedRegion(region, 'bottom-right', { x: 2, y: 0.9 });
    expect(grown).toMatchObject({ x: 0.2, y: 0.3, width: 0.8 });
    expect(grown.height).toBeCloseTo(0.6);
  });

  it('is one that the server accepts, whatever was done to it', () => {
    const random = createSeededRandom('regions');
    const share = () => random.between(-0.5, 1.5);
    let changed = WHOLE;
    for (let turn = 0; turn < 300; turn += 1) {
      const to = { x: share(), y: share() };
      const corner = CORNERS[turn % CORNERS.length] ?? 'top-left';
      changed = drawnRegion({ x: share(), y: share() }, to) ?? changed;
      changed = resizedRegion(movedRegion(changed, to, 1), corner, to);
      changed = stretchedRegion(changed, { x: -1, y: 1 });
      expect(regionSchema.safeParse(roundedRegion(changed))).toMatchObject({ success: true });
    }
  });
});
