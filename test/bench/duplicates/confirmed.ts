import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import sharp, { type Sharp } from 'sharp';
import {
  createPixelConfirmation,
  type PairConfirmation,
  type ProposedImage,
} from '../../../plugin/src/duplicates/pixel-confirmation';
import { PixelWorker } from '../../../plugin/src/duplicates/pixel-worker';
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
  large: LargePair[];
}

/** A copy of a photograph at 12 megapixels, confirmed alone. */
export interface LargePair {
  copy: string;
  kind: string;
  /** Medians of one comparison, decoding included: of the clock, and of the processor's cores together. */
  milliseconds: number;
  processorMilliseconds: number;
  /** Longest time for which the event loop was held up. */
  eventLoopMilliseconds: number;
}

const forced: DuplicateVerdict = {
  kind: 'same-image',
  fingerprintDistance: 0,
  correlation: 1,
  largestDifference: 0,
};

/**
 * What remains of proposed pairs when their pixels are compared: copies of every `step`th image from the one at `offset`
 * on, hard negatives, and how long it takes for large photographs.
 *
 * @param parts of `photographs`, `artwork`, `negatives` and `time`; none for all
 */
export async function measureConfirmed(job: {
  photoFolder: string;
  reader: ImageReader;
  judge: Judge;
  step: number;
  offset: number;
  parts: readonly string[];
  /** Of earlier measurements, for the sources that aren't measured. */
  known: ConfirmedMeasurement;
}): Promise<ConfirmedMeasurement> {
  const { judge, known, offset, photoFolder, reader, step } = job;
  const comparer = new PixelWorker();
  const confirmation = () => createPixelConfirmation({ images: reader, pixels: comparer });
  const names = (await readdir(photoFolder)).filter((name) => name.endsWith('.jpg')).sort();
  const photographs = names.map((name) => () => readFile(path.join(photoFolder, name)));
  const artwork = sampleLibrary.map((image) => () => renderSampleImage(image));
  const every = <Item>(items: readonly Item[]): Item[] =>
    items.filter((_, index) => index % step === offset);
  const isWanted = (part: string): boolean => job.parts.length === 0 || job.parts.includes(part);
  const parts = { reader, judge, confirmation };
  const result: ConfirmedMeasurement = { ...known };
  for (const [source, images] of [
    ['photographs', photographs],
    ['artwork', artwork],
  ] as const) {
    if (!isWanted(source)) continue;
    const others = result.recall.filter((row) => row.source !== source);
    const rows = await measureRecall(every(images), source, parts);
    result.recall = source === 'photographs' ? [...rows, ...others] : [...others, ...rows];
  }
  if (isWanted('negatives')) {
    result.negatives = [
      await measureNegatives('tuning', parts),
      await measureNegatives('holdout', parts),
    ];
  }
  if (isWanted('time')) result.large = await measureLarge(photographs, { reader, judge, comparer });
  await comparer.stop();
  return result;
}

const LARGE = { width: 4_000, height: 3_000 };
const RUNS = 5;

/** Copies of one photograph of 12 megapixels, put together from small ones so that it has as much detail as a camera's. */
async function measureLarge(
  photographs: readonly (() => Promise<Buffer>)[],
  { comparer, judge, reader }: { reader: ImageReader; judge: Judge; comparer: PixelWorker },
): Promise<LargePair[]> {
  const image = await mosaic(photographs);
  const copies: Record<string, (copy: Sharp) => Sharp> = {
    'JPEG, quality 75': (copy) => copy.jpeg({ quality: 75 }),
    WebP: (copy) => copy.webp({ quality: 75 }),
    'resized to 50%': (copy) => copy.resize(LARGE.width / 2).jpeg({ quality: 85 }),
    'crop 15%': (copy) =>
      copy
        .extract({ left: 300, top: 200, width: LARGE.width * 0.85, height: LARGE.height * 0.85 })
        .jpeg({ quality: 85 }),
  };
  const one = await proposedImage(image, reader);
  const pairs: LargePair[] = [];
  for (const [copy, change] of Object.entries(copies)) {
    const other = await proposedImage(await change(sharp(image)).toBuffer(), reader);
    const verdict = judge.judge(one.trace, other.trace, 1);
    if (!verdict) continue;
    const times: { clock: number; processor: number }[] = [];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    let kind: string | undefined;
    for (let run = 0; run <= RUNS; run += 1) {
      // A new one each time: verdicts are remembered. The first run starts the thread.
      const confirm = createPixelConfirmation({ images: reader, pixels: comparer });
      const [before, start] = [process.cpuUsage(), performance.now()];
      if (run === 1) delay.enable();
      kind = (await confirm({ one, other, verdict }, undefined))?.kind;
      const { system, user } = process.cpuUsage(before);
      if (run > 0) {
        times.push({ clock: performance.now() - start, processor: (user + system) / 1_000 });
      }
    }
    delay.disable();
    const median = (of: 'clock' | 'processor'): number =>
      times.map((time) => time[of]).sort((left, right) => left - right)[RUNS >> 1] ?? Number.NaN;
    pairs.push({
      copy,
      kind: kind ?? 'none',
      milliseconds: median('clock'),
      processorMilliseconds: median('processor'),
      eventLoopMilliseconds: delay.max / 1e6,
    });
  }
  return pairs;
}

const TILE = 500;

async function mosaic(photographs: readonly (() => Promise<Buffer>)[]): Promise<Buffer> {
  const columns = LARGE.width / TILE;
  const tiles = await Promise.all(
    Array.from({ length: (columns * LARGE.height) / TILE }, async (_, index) => ({
      input: await sharp(await photographs[index % photographs.length]?.())
        .resize(TILE, TILE)
        .sharpen()
        .png()
        .toBuffer(),
      left: TILE * (index % columns),
      top: TILE * Math.floor(index / columns),
    })),
  );
  return sharp({ create: { ...LARGE, channels: 3, background: '#777' } })
    .composite(tiles)
    .jpeg({ quality: 90 })
    .toBuffer();
}

interface Parts {
  reader: ImageReader;
  judge: Judge;
  /** Without memory of pairs. */
  confirmation: () => PairConfirmation;
}

async function measureRecall(
  images: readonly (() => Promise<Buffer>)[],
  source: ConfirmedRecall['source'],
  { confirmation, judge, reader }: Parts,
): Promise<ConfirmedRecall[]> {
  const confirm = confirmation();
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
      // As the finder does: tiles first, since an alignment would cost more.
      const proposal =
        judge.judge(one.trace, other.trace, null) ??
        judge.judgeTiles(one.trace, other.trace) ??
        judge.judge(one.trace, other.trace, 1);
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
  { confirmation, judge, reader }: Parts,
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
    const proposals = [
      judge.judge(one.trace, other.trace, 1) ?? forced,
      judge.judgeTiles(one.trace, other.trace),
    ];
    const kinds = new Set<string>();
    for (const proposal of proposals) {
      if (proposal === null) continue;
      const verdict = await confirmation()({ one, other, verdict: proposal }, undefined);
      if (verdict) kinds.add(verdict.kind);
    }
    if (kinds.has('same-image')) result.sameImage.push(name);
    else if (kinds.has('edited')) result.edited.push(name);
  }
  return result;
}

/** Markdown for docs/duplicates.md. */
export function describeConfirmed({ large, negatives, recall }: ConfirmedMeasurement): string {
  const percent = (part: number): string => `${(part * 100).toFixed(1)}%`;
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
    ...large.map(
      ({ copy, eventLoopMilliseconds, kind, milliseconds, processorMilliseconds }) =>
        `- 12 megapixels, ${copy} (${kind}): ${milliseconds.toFixed(0)} ms, ${processorMilliseconds.toFixed(0)} ms of processor time;` +
        ` the event loop was held up for ${eventLoopMilliseconds.toFixed(0)} ms at most.`,
    ),
    ...negatives.map(
      ({ edited, pHash, pairs, pdq, sameImage, split }) =>
        `- Hard negatives, ${split}: ${String(pairs)} pairs, ${String(sameImage.length)} taken for the same image` +
        ` (${sameImage.join(', ')}), ${String(edited.length)} for edited versions (${edited.join(', ')}); PHash ${String(pHash)}, PDQ ${String(pdq)}.`,
    ),
  ].join('\n');
}
