/** A picture's place in its row. */
export interface Placed {
  /** Among all pictures. */
  index: number;
  width: number;
}

export interface Row {
  pictures: readonly Placed[];
  height: number;
}

export interface RowOptions {
  /** In pixels, as all that follows. */
  width: number;
  /** What rows come close to. */
  rowHeight: number;
  gap: number;
  /** False leaves a last row that is not full out: what comes next would change it. */
  isComplete: boolean;
}

const NARROWEST = 0.5;
const WIDEST = 3;

/**
 * Lines pictures up in rows that are all as wide as the page, each picture in its own proportions.
 *
 * Rows are filled one by one, so that pictures which come later never move those that are there.
 *
 * @param ratios width by height of each picture; extreme ones are taken for less, and shown cropped
 */
export function justifyRows(ratios: readonly number[], options: RowOptions): Row[] {
  const { width, rowHeight, gap, isComplete } = options;
  const rows: Row[] = [];
  let open: number[] = [];
  let sum = 0;
  for (const [index, ratio] of ratios.entries()) {
    open.push(index);
    sum += bounded(ratio);
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
    pictures: indices.map((index) => ({ index, width: bounded(ratios[index] ?? 1) * height })),
  };
}

function bounded(ratio: number): number {
  return Math.min(Math.max(ratio, NARROWEST), WIDEST);
}
