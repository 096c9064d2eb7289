import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { createPixelConfirmation } from '../../../plugin/src/duplicates/pixel-confirmation';
import { PixelWorker } from '../../../plugin/src/duplicates/pixel-worker';
import type { ImageReader } from '../../../plugin/src/images/contract';
import type { DuplicateVerdict, Judge } from '../../../plugin/src/matching/contract';
import { createSeededRandom, type SeededRandom } from '../../../sample/seeded-random';
import { suggestFile } from '../../../server/src/merging/suggestion';
import { edits } from './edits';
import { traceOf } from './traces';

/** How often the original is suggested to be kept rather than a worse copy of it. */
export interface KeeperMeasurement {
  copy: string;
  /** `holdout` is never looked at while thresholds are chosen. */
  split: 'tuning' | 'holdout';
  /** Pairs that are confirmed, and of these, in which the original, neither, and the copy is suggested. */
  pairs: number;
  original: number;
  undecided: number;
  copyKept: number;
  /** Names of images whose copy is suggested, at most ten. */
  wrong: string[];
}

interface WorseCopy {
  name: string;
  mime: string;
  apply: (image: Buffer, random: SeededRandom) => Promise<Buffer>;
}

const editNamed = (name: string): WorseCopy['apply'] => {
  const edit = edits.find((one) => one.name === name);
  if (!edit) throw new RangeError(`No edit is called ${name}.`);
  return (image, random) => edit.apply(image, random);
};

const worseCopies: readonly WorseCopy[] = [
  {
    name: 'enlarged twice, PNG',
    mime: 'image/png',
    apply: (image) => enlarge(image).png().toBuffer(),
  },
  {
    name: 'enlarged twice, JPEG 90',
    mime: 'image/jpeg',
    apply: (image) => enlarge(image).jpeg({ quality: 90 }).toBuffer(),
  },
  {
    name: 'halved, then enlarged to twice',
    mime: 'image/jpeg',
    apply: async (image) => {
      const { height, width } = await sharp(image).metadata();
      const small = await sharp(image)
        .resize(Math.round(width / 2))
        .png()
        .toBuffer();
      return sharp(small)
        .resize(width * 2, height * 2, { fit: 'fill', kernel: 'cubic' })
        .jpeg({ quality: 90 })
        .toBuffer();
    },
  },
  {
    name: 'JPEG 20, then PNG',
    mime: 'image/png',
    apply: async (image) =>
      sharp(await sharp(image).jpeg({ quality: 20 }).toBuffer())
        .png()
        .toBuffer(),
  },
  { name: 'meme bar above', mime: 'image/png', apply: addMemeBar },
  { name: 'text banner', mime: 'image/jpeg', apply: editNamed('text banner') },
  { name: 'watermark', mime: 'image/png', apply: addWatermark },
  { name: 'corner logo', mime: 'image/jpeg', apply: editNamed('corner logo') },
  { name: 'gray', mime: 'image/png', apply: (image) => sharp(image).greyscale().png().toBuffer() },
  { name: 'AVIF', mime: 'image/avif', apply: editNamed('AVIF') },
  { name: 'half the size', mime: 'image/jpeg', apply: editNamed('resized to 50%') },
  { name: 'crop 15%', mime: 'image/jpeg', apply: editNamed('crop 15%') },
  { name: 'crop 30%', mime: 'image/jpeg', apply: editNamed('crop 30%') },
  { name: 'border', mime: 'image/jpeg', apply: editNamed('border') },
  { name: 'region blurred', mime: 'image/png', apply: blurRegion },
];

/** What is suggested of every `step`th photograph and each of its worse copies, uploaded at one time and never used. */
export async function measureKeepers(job: {
  photoFolder: string;
  reader: ImageReader;
  judge: Judge;
  step: number;
  splits: readonly KeeperMeasurement['split'][];
}): Promise<KeeperMeasurement[]> {
  const { judge, photoFolder, reader, splits, step } = job;
  const comparer = new PixelWorker();
  const confirm = createPixelConfirmation({ images: reader, pixels: comparer });
  const names = (await readdir(photoFolder)).filter((name) => name.endsWith('.jpg')).sort();
  const results: KeeperMeasurement[] = [];
  for (const split of splits) {
    const ofSplit = names.filter((_, index) => (index % 2 === 0) === (split === 'tuning'));
    for (const { apply, mime, name: copy } of worseCopies) {
      const result: KeeperMeasurement = {
        copy,
        split,
        pairs: 0,
        original: 0,
        undecided: 0,
        copyKept: 0,
        wrong: [],
      };
      for (const name of ofSplit.filter((_, index) => index % step === 0)) {
        const original = await readFile(path.join(photoFolder, name));
        const bytes = await apply(original, createSeededRandom(`keeper ${name} ${copy}`));
        const one = {
          trace: await traceOf(original, reader),
          read: () => Promise.resolve(original),
        };
        const other = { trace: await traceOf(bytes, reader), read: () => Promise.resolve(bytes) };
        const proposal = judge.judge(one.trace, other.trace, 1);
        const verdict = proposal && (await confirm({ one, other, verdict: proposal }, undefined));
        if (!verdict || verdict.kind === 'identical') continue;
        const kept = suggested(verdict, { one: one.trace, other: { ...other.trace, mime } });
        result.pairs += 1;
        if (kept === 1) result.original += 1;
        else if (kept === null) result.undecided += 1;
        else {
          result.copyKept += 1;
          if (result.wrong.length < 10) result.wrong.push(name);
        }
      }
      results.push(result);
    }
  }
  await comparer.stop();
  return results;
}

interface Size {
  width: number;
  height: number;
}

/** File 1 is the original, which was uploaded last. */
function suggested(
  verdict: DuplicateVerdict,
  { one, other }: { one: Size; other: Size & { mime: string } },
): number | null {
  const file = { alternativeText: null, useCount: 0, caption: null };
  return suggestFile(
    [
      { ...file, ...one, id: 1, mime: 'image/jpeg', createdAt: new Date(2_000) },
      { ...file, ...other, id: 2, createdAt: new Date(1_000) },
    ],
    [{ fileA: 1, fileB: 2, status: 'open', verdict }],
  ).fileId;
}

function enlarge(image: Buffer): Sharp {
  const copy = sharp(image);
  return copy.resize({ width: 448, height: 448, fit: 'fill' });
}

async function addMemeBar(image: Buffer, random: SeededRandom): Promise<Buffer> {
  const { height, width } = await sharp(image).metadata();
  const bar = Math.round(height * random.between(0.15, 0.25));
  const paper = random.pick(['#ffffff', '#000000']);
  const ink = paper === '#ffffff' ? '#111111' : '#ffffff';
  const words = Array.from({ length: 7 }, (_, index) => {
    const [x, w] = [Math.round(width * (0.06 + index * 0.125)), Math.round(width * 0.09)];
    return `<rect x="${String(x)}" y="${String(Math.round(bar * 0.35))}" width="${String(w)}" height="${String(Math.round(bar * 0.3))}" fill="${ink}"/>`;
  });
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(bar)}">${words.join('')}</svg>`;
  return sharp(image)
    .extend({ top: bar, background: paper })
    .composite([{ input: Buffer.from(text), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** Half-transparent letters, drawn as bars, across the middle. */
async function addWatermark(image: Buffer, random: SeededRandom): Promise<Buffer> {
  const { height, width } = await sharp(image).metadata();
  const tall = Math.round(height * random.between(0.14, 0.2));
  const opacity = random.between(0.45, 0.7).toFixed(2);
  const letters = Array.from({ length: 8 }, (_, index) => {
    const [x, w] = [Math.round(width * (0.1 + index * 0.1)), Math.max(2, Math.round(width * 0.05))];
    return `<rect x="${String(x)}" y="0" width="${String(w)}" height="${String(tall)}" fill="#fff" fill-opacity="${opacity}"/>`;
  });
  const mark = `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(tall)}">${letters.join('')}</svg>`;
  const top = Math.round((height - tall) * random.between(0.35, 0.65));
  return sharp(image)
    .composite([{ input: Buffer.from(mark), left: 0, top }])
    .png()
    .toBuffer();
}

/** A face or a plate that somebody hid. */
async function blurRegion(image: Buffer, random: SeededRandom): Promise<Buffer> {
  const { height, width } = await sharp(image).metadata();
  const size = { width: Math.round(width * 0.3), height: Math.round(height * 0.3) };
  const place = {
    left: random.integer(0, width - size.width),
    top: random.integer(0, height - size.height),
  };
  const blurred = await sharp(image)
    .extract({ ...place, ...size })
    .blur(6)
    .png()
    .toBuffer();
  return sharp(image)
    .composite([{ input: blurred, ...place }])
    .png()
    .toBuffer();
}

/** Markdown for docs/duplicates.md. */
export function describeKeepers(results: readonly KeeperMeasurement[]): string {
  const percent = (count: number, all: number): string => `${((100 * count) / all).toFixed(1)}%`;
  return [
    '| worse copy | split | pairs | original kept | no suggestion | copy kept |',
    '| --- | --- | --- | --- | --- | --- |',
    ...results.map(({ copy, copyKept, original, pairs, split, undecided }) => {
      const parts = [original, undecided, copyKept].map((count) => percent(count, pairs));
      return `| ${[copy, split, String(pairs), ...parts].join(' | ')} |`;
    }),
  ].join('\n');
}
