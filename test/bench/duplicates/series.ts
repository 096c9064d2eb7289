import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageReader } from '../../../plugin/src/images/contract';
import type { DuplicateKind, Judge, ImageTrace } from '../../../plugin/src/matching/contract';
import { traceOf } from './traces';

/** Photographs of one scene, none of which is a copy of another. */
export interface SeriesMeasurement {
  series: number;
  pairs: number;
  found: { one: string; other: string; kind: DuplicateKind }[];
}

/** Every two photographs of each series, a folder each in this one, as if their embeddings were equal. */
export async function judgeSeries(
  folder: string,
  judge: Judge,
  reader: ImageReader,
): Promise<SeriesMeasurement> {
  const measurement: SeriesMeasurement = { series: 0, pairs: 0, found: [] };
  for (const series of (await readdir(folder)).sort()) {
    const traces = await tracesIn(path.join(folder, series), reader);
    measurement.series += 1;
    for (const [index, one] of traces.entries()) {
      for (const other of traces.slice(index + 1)) {
        const verdict = judge.judge(one.trace, other.trace, 1);
        measurement.pairs += 1;
        if (verdict === null) continue;
        const names = { one: `${series}/${one.name}`, other: `${series}/${other.name}` };
        measurement.found.push({ ...names, kind: verdict.kind });
      }
    }
  }
  return measurement;
}

async function tracesIn(
  folder: string,
  reader: ImageReader,
): Promise<{ name: string; trace: ImageTrace }[]> {
  const traces: { name: string; trace: ImageTrace }[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const bytes = await readFile(path.join(folder, name));
    traces.push({ name, trace: await traceOf(bytes, reader) });
  }
  return traces;
}
