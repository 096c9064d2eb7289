/** One row of the bench's table. */
export interface Measurement {
  name: string;
  unit: string;
  /** Of `runs` runs. */
  median: number;
  min: number;
  max: number;
  runs: number;
  bar: Bar;
  /** Which bench it is of, for what that one no longer measures. */
  bench?: string;
  /** Processes that wanted a processor when that bench began, one-minute average. */
  loadAverage?: number;
}

export interface Bar {
  kind: 'at most' | 'at least';
  value: number;
}

export function summarize(options: {
  name: string;
  unit: string;
  values: readonly number[];
  bar: Bar;
}): Measurement {
  const { name, unit, values, bar } = options;
  return {
    name,
    unit,
    median: quantile(values, 0.5),
    min: Math.min(...values),
    max: Math.max(...values),
    runs: values.length,
    bar,
  };
}

/** @param q 0 to 1; the nearest rank of the sorted values */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  if (value === undefined) throw new RangeError('Nothing was measured.');
  return value;
}

export function isHeld({ median, bar }: Measurement): boolean {
  return bar.kind === 'at most' ? median <= bar.value : median >= bar.value;
}

export async function timed<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; milliseconds: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, milliseconds: performance.now() - startedAt };
}
