import type { DuplicateThresholds } from '../../../plugin/src/matching/contract';
import type { FalsePair, FalsePairs } from './false-pairs';
import type { EditedPart, EditRecall } from './recall';
import type { SeriesMeasurement } from './series';
import type { FinderMeasurement } from './whole-finder';

export interface DuplicateMeasurement {
  thresholds: DuplicateThresholds;
  recall: EditRecall[];
  finder: FinderMeasurement;
  falsePairs: FalsePairs;
  artworkCopies: { copy: string; original: string; kind: string | null; similarity: number }[];
  bursts: { pairs: number; found: string[] };
  /** Null when no folder of such was named. */
  series: SeriesMeasurement | null;
  nearestPhotographs: { one: string; other: string; similarity: number; kind: string | null }[];
  atRandom: { pairs: number; found: FalsePair[]; milliseconds: { mean: number } };
}

const partTitles: Record<EditedPart, string> = {
  tuning: 'correct, first half',
  holdout: 'second half',
  unseen: 'unseen',
};

/** Markdown for docs/duplicates.md. */
export function describe(measurement: DuplicateMeasurement): string {
  return [
    describeRecall(measurement),
    ...describeFinder(measurement),
    ...describeFalsePairs(measurement),
  ].join('\n');
}

function describeRecall({ finder, recall }: DuplicateMeasurement): string {
  const parts = [...new Set(recall.map(({ part }) => part))];
  const names = [...new Set(recall.map(({ edit }) => edit))];
  const rows = names.map((edit) => {
    const judged = recall.filter((row) => row.edit === edit);
    const looked = finder.recall.filter((row) => row.edit === edit);
    const cells = [
      edit,
      judged[0]?.expected ?? '',
      ...parts.map((part) =>
        percent(
          mean(
            judged.filter((row) => row.part === part),
            'asExpected',
          ),
        ),
      ),
      percent(mean(looked, 'found')),
      percent(mean(judged, 'plainHash')),
      percent(mean(judged, 'closeEmbedding')),
      mean(judged, 'milliseconds').toFixed(2),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const titles = parts.map((part) => partTitles[part]);
  const head = ['edit', 'verdict', ...titles, 'found end to end', 'plain 64-bit hash'];
  const columns = [...head, 'embedding ≥ 0.9', 'ms'];
  return [
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...rows,
  ].join('\n');
}

/** Of several parts, each image counting the same. */
function mean<Key extends string>(
  rows: readonly ({ images: number } & Record<Key, number>)[],
  key: Key,
): number {
  const images = rows.reduce((sum, row) => sum + row.images, 0);
  return rows.reduce((sum, row) => sum + row.images * row[key], 0) / images;
}

function describeFinder({ finder }: DuplicateMeasurement): string[] {
  return [
    '',
    `- Finder: ${String(finder.copies)} copies looked up among ${String(finder.library)} images, ${finder.milliseconds.toFixed(1)} ms each` +
      ` beyond the search for neighbors; ${String(finder.falsePairs.length)} times another image was found.`,
    ...listPairs(finder.falsePairs),
    `- Images of the library that were taken for each other: ${String(finder.pairsWithinLibrary.length)}.`,
    ...listPairs(finder.pairsWithinLibrary),
  ];
}

function describeFalsePairs(measurement: DuplicateMeasurement): string[] {
  const { falsePairs, bursts, atRandom, artworkCopies, nearestPhotographs } = measurement;
  return [
    '',
    `- Pairs that aren't duplicates: ${String(falsePairs.pairs)}, of which ${String(falsePairs.similar)} close enough to be aligned` +
      ` (${falsePairs.millisecondsPerSimilarPair.toFixed(2)} ms each) and ${String(falsePairs.closeFingerprints)} by fingerprint;` +
      ` the nearest fingerprints differ in ${String(falsePairs.nearestFingerprint)} bits.`,
    `- False pairs: ${String(falsePairs.found.length)}; plain 64-bit hash ${String(falsePairs.plainHash)}, embedding alone ${String(falsePairs.closeEmbedding)}.`,
    ...listPairs(falsePairs.found),
    `- Aligned at random: ${String(atRandom.pairs)} pairs, ${atRandom.milliseconds.mean.toFixed(2)} ms each, ${String(atRandom.found.length)} taken for duplicates.`,
    ...listPairs(atRandom.found),
    `- Simulated bursts: ${String(bursts.found.length)} of ${String(bursts.pairs)} taken for duplicates.`,
    ...describeSeries(measurement.series),
    `- Nearest photographs taken for duplicates: ${String(nearestPhotographs.filter(({ kind }) => kind !== null).length)} of ${String(nearestPhotographs.length)}.`,
    `- Copies in the sample library: ${String(artworkCopies.filter(({ kind }) => kind !== null).length)} of ${String(artworkCopies.length)} found.`,
    ...artworkCopies
      .filter(({ kind }) => kind === null)
      .map(
        ({ copy, original, similarity }) =>
          `  - missed: ${copy} of ${original} (${similarity.toFixed(2)})`,
      ),
  ];
}

function describeSeries(series: SeriesMeasurement | null): string[] {
  if (series === null) return [];
  return [
    `- Photographs of one scene: ${String(series.found.length)} of ${String(series.pairs)} pairs in ${String(series.series)} series taken for duplicates.`,
    ...series.found.map(({ kind, one, other }) => `  - ${kind}: ${one} and ${other}`),
  ];
}

function listPairs(pairs: readonly FalsePair[]): string[] {
  return pairs.map(
    ({ one, other, kind, similarity }) =>
      `  - ${kind}: ${one} and ${other} (similarity ${similarity.toFixed(2)})`,
  );
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}
