import { describe, expect, it } from '@jest/globals';
import { justifyRows } from '../../../admin/src/pages/Search/justified-rows';

const options = { width: 1_000, rowHeight: 200, gap: 10, isComplete: true };
const ratios = Array.from({ length: 57 }, (_, index) => 0.6 + ((index * 7) % 11) / 8);

describe('Justified rows', () => {
  it('are as wide as the page, hold every picture once, and are no higher than asked for', () => {
    const rows = justifyRows(ratios, options);
    expect(rows.flatMap(({ pictures }) => pictures.map(({ index }) => index))).toEqual([
      ...ratios.keys(),
    ]);
    expect(rows.length).toBeGreaterThan(5);
    for (const { pictures, height } of rows.slice(0, -1)) {
      const width = pictures.reduce((sum, picture) => sum + picture.width, 0);
      expect(width + options.gap * (pictures.length - 1)).toBeCloseTo(options.width);
      expect(height).toBeLessThanOrEqual(options.rowHeight);
    }
  });

  it('keep the proportions of pictures', () => {
    for (const { pictures, height } of justifyRows(ratios, options)) {
      expect(pictures.length).toBeGreaterThan(0);
      for (const { index, width } of pictures)
        expect(width / height).toBeCloseTo(ratios[index] ?? 0);
    }
  });

  it('stay when more pictures come, because a row that is not full is left out', () => {
    const first = justifyRows(ratios.slice(0, 30), { ...options, isComplete: false });
    const all = justifyRows(ratios, options);
    expect(first.length).toBeGreaterThan(2);
    expect(all.slice(0, first.length)).toEqual(first);
  });

  it('bound extreme proportions', () => {
    const [row] = justifyRows([20], options);
    expect(row?.pictures[0]?.width).toBe(600);
    const [tall] = justifyRows([0.01], options);
    expect(tall?.pictures[0]?.width).toBe(100);
  });
});
