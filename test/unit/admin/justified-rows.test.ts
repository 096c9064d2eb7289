import { describe, expect, it } from '@jest/globals';
import { justifyRows } from '../../../admin/src/pages/Search/results/justified-rows';

const options = { width: 1_000, rowHeight: 200, gap: 10, isComplete: true };
const ratios = Array.from({ length: 57 }, (_, index) => 0.6 + ((index * 7) % 11) / 8);

describe('Justified rows', () => {
  it('fill the width, hold every image once, and stay within the row height', () => {
    const rows = justifyRows(ratios, options);
    expect(rows.flatMap(({ images }) => images.map(({ index }) => index))).toEqual([
      ...ratios.keys(),
    ]);
    expect(rows.length).toBeGreaterThan(5);
    for (const { images, height } of rows.slice(0, -1)) {
      const width = images.reduce((sum, image) => sum + image.width, 0);
      expect(width + options.gap * (images.length - 1)).toBeCloseTo(options.width);
      expect(height).toBeLessThanOrEqual(options.rowHeight);
    }
  });

  it('keep the proportions of images', () => {
    for (const { images, height } of justifyRows(ratios, options)) {
      expect(images.length).toBeGreaterThan(0);
      for (const { index, width } of images) expect(width / height).toBeCloseTo(ratios[index] ?? 0);
    }
  });

  it('don’t change when more images load, because the last row waits until it is full', () => {
    const first = justifyRows(ratios.slice(0, 30), { ...options, isComplete: false });
    const all = justifyRows(ratios, options);
    expect(first.length).toBeGreaterThan(2);
    expect(all.slice(0, first.length)).toEqual(first);
  });

  it('clamp extreme proportions', () => {
    const [row] = justifyRows([20], options);
    expect(row?.images[0]?.width).toBe(600);
    const [tall] = justifyRows([0.01], options);
    expect(tall?.images[0]?.width).toBe(100);
  });
});
