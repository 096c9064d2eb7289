import type { DuplicateThresholds } from '../../../plugin/src/duplicates/contract';
import type { FalsePair, FalsePairs } from './false-pairs';
import type { EditRecall } from './recall';

export interface DuplicateMeasurement {
  thresholds: DuplicateThresholds;
  recall: EditRecall[];
  falsePairs: FalsePairs;
  artworkCopies: { copy: string; original: string; kind: string | null; similarity: number }[];
  bursts: { pairs: number; found: string[] };
  nearestPhotographs: { one: string; other: string; similarity: number; kind: string | null }[];
  atRandom: { pairs: number; found: FalsePair[]; milliseconds: { mean: number } };
}

/** Markdown for docs/duplicates.md. */
export function describe(measurement: DuplicateMeasurement): string {
  return [describeRecall(measurement.recall), ...describeFalsePairs(measurement)].join('\n');
}

function describeRecall(recall: readonly EditRecall[]): string {
  const rows = recall
    .filter(({ part }) => part === 'tuning')
    .map((tuning) => {
      const holdout = recall.find(({ edit, part }) => part === 'holdout' && edit === tuning.edit);
      if (holdout === undefined) throw new Error(`Nothing was held out for ${tuning.edit}.`);
      const both = (value: (row: EditRecall) => number): string =>
        percent((value(tuning) + value(holdout)) / 2);
      const cells = [
        tuning.edit,
        tuning.expected,
        percent(tuning.asExpected),
        percent(holdout.asExpected),
        both(({ found }) => found),
        both(({ plainHash }) => plainHash),
        both(({ closeEmbedding }) => closeEmbedding),
        ((tuning.milliseconds + holdout.milliseconds) / 2).toFixed(2),
      ];
      return `| ${cells.join(' | ')} |`;
    });
  return [
    '| edit | verdict | as it should be, first half | second half | found at all | plain 64-bit hash | embedding ≥ 0.9 | ms |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function describeFalsePairs(measurement: DuplicateMeasurement): string[] {
  const { falsePairs, bursts, atRandom, artworkCopies, nearestPhotographs } = measurement;
  const list = (pairs: readonly FalsePair[]): string[] =>
    pairs.map(
      ({ one, other, kind, similarity }) =>
        `  - ${kind}: ${one} and ${other} (similarity ${similarity.toFixed(2)})`,
    );
  return [
    '',
    `- Pairs that are no duplicates: ${String(falsePairs.pairs)}, of which ${String(falsePairs.similar)} close enough to be aligned` +
      ` (${falsePairs.millisecondsPerSimilarPair.toFixed(2)} ms each) and ${String(falsePairs.closeFingerprints)} by fingerprint;` +
      ` the nearest fingerprints differ in ${String(falsePairs.nearestFingerprint)} bits.`,
    `- False pairs: ${String(falsePairs.found.length)}; plain 64-bit hash ${String(falsePairs.plainHash)}, embedding alone ${String(falsePairs.closeEmbedding)}.`,
    ...list(falsePairs.found),
    `- Aligned at random: ${String(atRandom.pairs)} pairs, ${atRandom.milliseconds.mean.toFixed(2)} ms each, ${String(atRandom.found.length)} taken for duplicates.`,
    ...list(atRandom.found),
    `- Simulated bursts: ${String(bursts.found.length)} of ${String(bursts.pairs)} taken for duplicates.`,
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

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
