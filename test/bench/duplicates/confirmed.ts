import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  createPixelConfirmation,
  type PairConfirmation,
  PixelComparer,
  type ProposedImage,
} from '../../../plugin/src/duplicates/pixel-confirmation';
import type { ImageReader } from '../../../plugin/src/images/contract';
import type { DuplicateVerdict, Judge } from '../../../plugin/src/matching/contract';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';
import { createSeededRandom } from '../../../sample/seeded-random';
import { edits } from './edits';
import { createHardNegatives } from './hard-negatives';
import {
  isClosePdq,
  isClosePHash,
  type PerceptualHashes,
  perceptualHashes,
} from './perceptual-hashes';
import { traceOf } from './traces';

export interface ConfirmedRecall {
  edit: string;
  expected: string;
  source: 'photographs' | 'artwork';
  images: number;
  /** Parts of the copies that the traces propose, that the pixels confirm, and that get the verdict they deserve. */
  proposed: number;
  found: number;
  asExpected: number;
  /** Parts that these hashes find; see perceptual-hashes.ts. */
  pHash: number;
  pdq: number;
}

export interface ConfirmedNegatives {
  /** `holdout` is never looked at while thresholds are chosen. */
  split: 'tuning' | 'holdout';
  pairs: number;
  /** Names of pairs that the pixels confirm, proposed or not. */
  sameImage: string[];
  edited: string[];
  /** Number of pairs that these hashes take for duplicates. */
  pHash: number;
  pdq: number;
}

export interface ConfirmedMeasurement {
  recall: ConfirmedRecall[];
  negatives: ConfirmedNegatives[];
  /** Wall-clock time of one comparison, decoding included, in milliseconds. */
  milliseconds: { median: number; most: number };
}

const forced: DuplicateVerdict = {
  kind: 'same-image',
  fingerprintDistance: 0,
  correlation: 1,
  largestDifference: 0,
};

/**
 * What remains of proposed pairs when their pixels are compared: copies of every `step`th image from the one at `offset`
 * on, and hard negatives.
 */
export async function measureConfirmed(job: {
  photoFolder: string;
  reader: ImageReader;
  judge: Judge;
  step: number;
  offset: number;
}): Promise<ConfirmedMeasurement> {
  const { judge, offset, photoFolder, reader, step } = job;
  const comparer = new PixelComparer();
  const confirmation = createPixelConfirmation({ images: reader, pixels: comparer });
  const times: number[] = [];
  const confirm: PairConfirmation = async (pair, signal) => {
    const start = performance.now();
    const verdict = await confirmation(pair, signal);
    times.push(performance.now() - start);
    return verdict;
  };
  const names = (await readdir(photoFolder)).filter((name) => name.endsWith('.jpg')).sort();
  const photographs = names.map((name) => () => readFile(path.join(photoFolder, name)));
  const artwork = sampleLibrary.map((image) => () => renderSampleImage(image));
  const every = <Item>(items: readonly Item[]): Item[] =>
    items.filter((_, index) => index % step === offset);
  const parts = { reader, judge, confirm };
  const recall = [
    ...(await measureRecall(every(photographs), 'photographs', parts)),
    ...(await measureRecall(every(artwork), 'artwork', parts)),
  ];
  const negatives = [
    await measureNegatives('tuning', parts),
    await measureNegatives('holdout', parts),
  ];
  await comparer.stop();
  const sorted = times.sort((one, other) => one - other);
  const milliseconds = {
    median: sorted[sorted.length >> 1] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
  };
  return { recall, negatives, milliseconds };
}

interface Parts {
  reader: ImageReader;
  judge: Judge;
  confirm: PairConfirmation;
}

async function measureRecall(
  images: readonly (() => Promise<Buffer>)[],
  source: ConfirmedRecall['source'],
  { confirm, judge, reader }: Parts,
): Promise<ConfirmedRecall[]> {
  const counts = edits.map(({ expected, name }) => ({
    edit: name,
    expected,
    source,
    images: images.length,
    proposed: 0,
    found: 0,
    asExpected: 0,
    pHash: 0,
    pdq: 0,
  }));
  for (const [index, load] of images.entries()) {
    const image = await load();
    const one = await proposedImage(image, reader);
    const hashes = await perceptualHashes(image);
    for (const [place, { apply, expected, name }] of edits.entries()) {
      const random = createSeededRandom(`confirmed ${String(index)} ${name}`);
      const copy = await apply(image, random);
      const other = await proposedImage(copy, reader);
      const close = areClose(hashes, await perceptualHashes(copy));
      const proposal = judge.judge(one.trace, other.trace, 1);
      const verdict = proposal && (await confirm({ one, other, verdict: proposal }, undefined));
      const count = counts[place];
      if (!count) continue;
      if (proposal) count.proposed += 1 / images.length;
      if (verdict) count.found += 1 / images.length;
      if (close.pHash) count.pHash += 1 / images.length;
      if (close.pdq) count.pdq += 1 / images.length;
      const isExpected = verdict?.kind === expected || verdict?.kind === 'identical';
      if (isExpected) count.asExpected += 1 / images.length;
    }
  }
  return counts;
}

function areClose(
  one: PerceptualHashes,
  other: PerceptualHashes,
): { pHash: boolean; pdq: boolean } {
  return { pHash: isClosePHash(one, other), pdq: isClosePdq(one, other) };
}

async function proposedImage(bytes: Buffer, reader: ImageReader): Promise<ProposedImage> {
  return { trace: await traceOf(bytes, reader), read: () => Promise.resolve(bytes) };
}

/** Compared as whole images when the traces propose nothing. */
async function measureNegatives(
  split: ConfirmedNegatives['split'],
  { confirm, judge, reader }: Parts,
): Promise<ConfirmedNegatives> {
  const pairs = await createHardNegatives(split);
  const result: ConfirmedNegatives = {
    split,
    pairs: pairs.length,
    sameImage: [],
    edited: [],
    pHash: 0,
    pdq: 0,
  };
  for (const { name, one: first, other: second } of pairs) {
    const close = areClose(await perceptualHashes(first), await perceptualHashes(second));
    if (close.pHash) result.pHash += 1;
    if (close.pdq) result.pdq += 1;
    const [one, other] = [await proposedImage(first, reader), await proposedImage(second, reader)];
    const proposal = judge.judge(one.trace, other.trace, 1) ?? forced;
    const verdict = await confirm({ one, other, verdict: proposal }, undefined);
    if (verdict?.kind === 'same-image') result.sameImage.push(name);
    if (verdict?.kind === 'edited') result.edited.push(name);
  }
  return result;
}

/** Markdown for docs/duplicates.md. */
export function describeConfirmed({
  milliseconds,
  negatives,
  recall,
}: ConfirmedMeasurement): string {
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
  const rows = edits.map(({ expected, name }) => {
    const cells = (['photographs', 'artwork'] as const).flatMap((source) => {
      const row = recall.find((one) => one.edit === name && one.source === source);
      return [row?.asExpected, row?.pHash, row?.pdq].map((part) => percent(part ?? Number.NaN));
    });
    return `| ${[name, expected, ...cells].join(' | ')} |`;
  });
  return [
    '| edit | verdict | photos | PHash | PDQ | artwork | PHash | PDQ |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `- Comparing pixels: ${milliseconds.median.toFixed(0)} ms in the median, ${milliseconds.most.toFixed(0)} ms at most.`,
    ...negatives.map(
      ({ edited, pHash, pairs, pdq, sameImage, split }) =>
        `- Hard negatives, ${split}: ${String(pairs)} pairs, ${String(sameImage.length)} taken for the same image` +
        ` (${sameImage.join(', ')}), ${String(edited.length)} for edited versions (${edited.join(', ')}); PHash ${String(pHash)}, PDQ ${String(pdq)}.`,
    ),
  ].join('\n');
}
