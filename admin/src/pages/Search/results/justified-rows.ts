/** An image's position in its row. */
export interface Placed {
  /** Of the image among all images. */
  index: number;
  width: number;
}

export interface Row {
  images: readonly Placed[];
  height: number;
}

export interface RowOptions {
  /** Of each row, in pixels. */
  width: number;
  /** The most a row may measure, in pixels; rows come close to it. */
  rowHeight: number;
  /** Between images, in pixels. */
  gap: number;
  /** If false, a last row that isn't full is left out, because images still to come would change it. */
  isComplete: boolean;
}

const MIN_RATIO = 0.5;
const MAX_RATIO = 3;

/**
 * Arranges images in rows of equal width, each image in its own proportions. Rows are filled greedily, so that images
 * added later never move earlier ones.
 *
 * @param ratios width divided by height of each image; extreme ratios are clamped
 */
export function justifyRows(ratios: readonly number[], options: RowOptions): Row[] {
  const { width, rowHeight, gap, isComplete } = options;
  const rows: Row[] = [];
  let open: number[] = [];
  let sum = 0;
  for (const [index, ratio] of ratios.entries()) {
    open.push(index);
    sum += clamp(ratio);
    const height = (width - gap * (open.length - 1)) / sum;
    if (height > rowHeight) continue;
    rows.push(place(open, ratios, height));
    open = [];
    sum = 0;
  }
  if (open.length > 0 && isComplete) rows.push(place(open, ratios, rowHeight));
  return rows;
}

function place(indices: readonly number[], ratios: readonly number[], height: number): Row {
  return {
    height,
    images: indices.map((index) => ({ index, width: clamp(ratios[index] ?? 1) * height })),
  };
}

function clamp(ratio: number): number {
  return Math.min(Math.max(ratio, MIN_RATIO), MAX_RATIO);
}
