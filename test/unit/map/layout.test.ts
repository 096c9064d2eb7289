import { describe, expect, it } from '@jest/globals';
import { layOut, type GridLayout } from '../../../plugin/src/map/layout';
import { createSeededRandom } from '../../../sample/seeded-random';

const DIMENSIONS = 24;
const CLUSTERS = 6;

/** Unit vectors around a few centers; vector `i` is of cluster `i % CLUSTERS`. */
function clusteredVectors(count: number): Float32Array {
  const seeded = createSeededRandom('map');
  const random = (): number => seeded.fraction();
  const center = (): number[] => Array.from({ length: DIMENSIONS }, () => random() - 0.5);
  const centers = Array.from({ length: CLUSTERS }, center);
  const vectors = Array.from({ length: count }, (_, index) => {
    const values = (centers[index % CLUSTERS] ?? []).map((value) => value + (random() - 0.5) * 0.3);
    const length = Math.hypot(...values);
    return values.map((value) => value / length);
  });
  return Float32Array.from(vectors.flat());
}

const layOutClusters = (count: number): GridLayout =>
  layOut({ vectors: clusteredVectors(count), dimensions: DIMENSIONS });

describe('the layout of a map', () => {
  it('places similar images near each other', () => {
    const { x, y } = layOutClusters(240);
    const nearest = x.map((_, index) =>
      x
        .map((_other, other) => ({
          other,
          square:
            ((x[index] ?? 0) - (x[other] ?? 0)) ** 2 + ((y[index] ?? 0) - (y[other] ?? 0)) ** 2,
        }))
        .filter(({ other }) => other !== index)
        .sort((one, another) => one.square - another.square)
        .slice(0, 3)
        .map(({ other }) => other % CLUSTERS === index % CLUSTERS),
    );
    const hits = nearest.flat();
    expect(hits.filter(Boolean).length / hits.length).toBeGreaterThan(0.9);
  });

  it('gives every image a cell of its own, within the grid', () => {
    for (const count of [1, 2, 3, 7, 8, 60]) {
      const { side, x, y } = layOutClusters(count);
      expect(x).toHaveLength(count);
      const cells = x.map((column, index) => `${String(column)} ${String(y[index])}`);
      expect(new Set(cells).size).toBe(count);
      expect(Math.min(...x, ...y)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...x, ...y)).toBeLessThan(side);
    }
    expect(layOut({ vectors: new Float32Array(), dimensions: DIMENSIONS })).toEqual({
      side: 0,
      x: [],
      y: [],
    });
  });

  it('is the same for the same vectors, identical ones included', () => {
    expect(layOutClusters(60)).toEqual(layOutClusters(60));
    const same = new Float32Array(20 * DIMENSIONS).fill(1 / Math.sqrt(DIMENSIONS));
    const { x, y } = layOut({ vectors: same, dimensions: DIMENSIONS });
    expect(new Set(x.map((column, index) => `${String(column)} ${String(y[index])}`)).size).toBe(
      20,
    );
  });

  it('reports its progress up to the end', () => {
    const reported: number[] = [];
    layOut({ vectors: clusteredVectors(40), dimensions: DIMENSIONS }, (progress) => {
      reported.push(progress);
    });
    expect(reported).toEqual([...reported].sort((one, other) => one - other));
    expect(reported.at(-1)).toBe(1);
  });
});
