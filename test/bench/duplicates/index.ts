import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clipProvider } from '../../../plugin/src/embedding/clip/provider';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import type { Judge, ImageTrace } from '../../../plugin/src/matching/contract';
import { createJudge, thresholdsFor } from '../../../plugin/src/matching/verdict';
import { createSeededRandom } from '../../../sample/seeded-random';
import { nextOfBurst } from './bursts';
import { type ConfirmedMeasurement, describeConfirmed, measureConfirmed } from './confirmed';
import { exportPairs } from './export';
import { describeKeepers, measureKeepers } from './keepers';
import { alignAtRandom, findFalsePairs } from './false-pairs';
import { measureRecall } from './recall';
import { describe, type DuplicateMeasurement } from './report';
import { judgeSeries } from './series';
import { cosine } from './similarity';
import { collectSubjects, traceOf, type Subject, type TraceMaker } from './traces';
import { measureFinder } from './whole-finder';

/*
 * `npm run measure:duplicates [part…]`: how many duplicates are found, and how many images are taken for duplicates that are
 * none. Measures all parts (`recall`, `finder`, `pairs`, `scenes`), or those that are named, and leaves what
 * `bench/duplicates.json` says of the others. Reads the photographs `photos` and the model `mini-clip` from the test data, and
 * further photographs from the folder that IMAGE_SEARCH_UNSEEN_PHOTOS names, if it names one, and photographs of one
 * scene from that which IMAGE_SEARCH_PHOTO_SERIES names, a folder each. What was decoded and embedded is kept in a folder
 * for temporary files; delete it when the edits or the traces change.
 *
 * `npm run measure:duplicates -- confirmed [step] [offset] [part…]` measures only what the comparison of pixels leaves of
 * proposed pairs, beside PHash and PDQ, on every `step`th image from the one at `offset` on, and writes
 * `bench/duplicates-confirmed.json`, by parts as well: `photographs`, `artwork`, `negatives`, `time` (of pairs of 12 megapixels).
 * Thresholds were chosen on steps of 15 from 0 to 5, 7, 11 and 13 on.
 *
 * `npm run measure:duplicates -- export <folder> [step] [offset]` writes the pairs of `confirmed` to a folder, on which
 * `python3 test/bench/duplicates/hashes.py <folder>` runs imagededup's PHash and PDQ.
 *
 * `npm run measure:duplicates -- keepers [step] [split]` measures how often the original is suggested to be kept rather than
 * a worse copy, and writes `bench/keepers.json`.
 */

const repositoryFolder = path.resolve(__dirname, '../../..');
const dataFolder = path.resolve(
  repositoryFolder,
  process.env.IMAGE_SEARCH_TEST_DATA ?? '../shared/data',
);
const photoFolder = path.join(dataFolder, 'photos');
const seriesFolder = process.env.IMAGE_SEARCH_PHOTO_SERIES;
const modelName = 'mini-clip';
const cacheFolder = path.join(tmpdir(), 'image-search-duplicates');
const resultFile = path.join(repositoryFolder, 'bench/duplicates.json');
const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e8, timeoutMs: 60_000 });
const RANDOM_PAIRS = 20_000;
const BURSTS = 100;

const [mode, step, last, ...parts] = process.argv.slice(2);
void start();

async function start(): Promise<void> {
  if (mode === 'confirmed') {
    await measurePixels({ step: Number(step ?? 1), offset: Number(last ?? 0), parts });
  } else if (mode === 'keepers') await measureSuggestions(Number(step ?? 1));
  else if (mode === 'export') await writePairs(step, Number(last ?? 1), Number(parts[0] ?? 0));
  else await main(process.argv.slice(2));
}

async function writePairs(folder: string | undefined, every: number, offset: number) {
  if (folder === undefined) throw new Error('Name a folder to write the pairs to.');
  const count = await exportPairs({ folder, photoFolder, step: every, offset });
  console.log(`${String(count)} pairs written to ${folder}.`);
}

async function measureSuggestions(every: number): Promise<void> {
  const judge = createJudge(thresholdsFor({ model: modelName }));
  const splits = (['tuning', 'holdout'] as const).filter(
    (one) => last === undefined || last === one,
  );
  const measurement = await measureKeepers({ photoFolder, reader, judge, step: every, splits });
  const file = path.join(repositoryFolder, 'bench/keepers.json');
  await writeFile(file, `${JSON.stringify(measurement, null, 2)}\n`);
  console.log(describeKeepers(measurement));
}

async function measurePixels(job: {
  step: number;
  offset: number;
  parts: readonly string[];
}): Promise<void> {
  const judge = createJudge(thresholdsFor({ model: modelName }));
  const file = path.join(repositoryFolder, 'bench/duplicates-confirmed.json');
  const known = JSON.parse(await readFile(file, 'utf8')) as ConfirmedMeasurement;
  const measurement = await measureConfirmed({ ...job, known, photoFolder, reader, judge });
  await writeFile(file, `${JSON.stringify(measurement, null, 2)}\n`);
  console.log(describeConfirmed(measurement));
}

async function main(wanted: readonly string[]): Promise<void> {
  const subjects = await collectSubjects({
    photoFolder,
    unseenFolder: process.env.IMAGE_SEARCH_UNSEEN_PHOTOS ?? null,
    cacheFolder,
    open: openMaker,
    onProgress: (done, all) => {
      if (done % 50 === 0) console.log(`${String(done)} of ${String(all)} images`);
    },
  });
  const thresholds = thresholdsFor({ model: modelName });
  const judge = createJudge(thresholds);
  const similarityBound = thresholds.edited.similarity;
  const random = createSeededRandom('pairs');
  const parts = (['tuning', 'holdout', 'unseen'] as const).filter((part) =>
    subjects.some((subject) => subject.part === part),
  );
  // All against all would take hours for thousands of unseen photographs: these are left to the finder.
  const known = subjects.filter(({ part }) => part !== 'unseen');
  const isWanted = (part: string): boolean => wanted.length === 0 || wanted.includes(part);
  const before = JSON.parse(await readFile(resultFile, 'utf8')) as DuplicateMeasurement;
  const measurement: DuplicateMeasurement = {
    ...before,
    thresholds,
    ...(isWanted('recall') && {
      recall: [
        ...parts.flatMap((part) => measureRecall(subjects, judge, { part, similarityBound })),
        // Photographs that aren't at hand now.
        ...before.recall.filter((row) => !parts.includes(row.part)),
      ],
    }),
    ...(isWanted('finder') && { finder: await measureFinder(subjects, judge) }),
    ...(isWanted('pairs') && {
      falsePairs: findFalsePairs(known, judge, thresholds),
      artworkCopies: judgeArtworkCopies(subjects, judge),
    }),
    ...(isWanted('scenes') && {
      bursts: await judgeBursts(judge),
      ...(seriesFolder && { series: await judgeSeries(seriesFolder, judge, reader) }),
      nearestPhotographs: judgeNearestPhotographs(known, judge),
      atRandom: alignAtRandom(known, judge, { pairs: RANDOM_PAIRS, random }),
    }),
  };
  await mkdir(path.dirname(resultFile), { recursive: true });
  await writeFile(resultFile, `${JSON.stringify(measurement, null, 2)}\n`);
  console.log(describe(measurement));
}

async function openMaker(): Promise<TraceMaker> {
  const config = clipProvider.configSchema.parse({
    provider: 'clip',
    model: path.join(dataFolder, modelName),
    allowDownloads: false,
    threads: 1,
  });
  const ignore = (): void => undefined;
  const provider = await clipProvider.open(config, {
    logger: { debug: ignore, info: ignore, warn: console.warn, error: console.error },
    projectFolder: repositoryFolder,
    onProgress: ignore,
  });
  return { reader, provider };
}

/** The copies that the sample library holds, with what they were judged. */
function judgeArtworkCopies(
  subjects: readonly Subject[],
  judge: Judge,
): DuplicateMeasurement['artworkCopies'] {
  const artwork = subjects.filter(({ part }) => part === 'artwork');
  const byName = new Map(artwork.map((subject) => [subject.name, subject]));
  return artwork.flatMap((copy) => {
    const original = byName.get(copy.original);
    if (original === undefined || original === copy) return [];
    const similarity = cosine(original.vector, copy.vector);
    const verdict = judge.judge(original.trace, copy.trace, similarity);
    return [{ copy: copy.name, original: original.name, kind: verdict?.kind ?? null, similarity }];
  });
}

/** Photographs against what a second photograph of the scene might be, as if their embeddings were equal. */
async function judgeBursts(judge: Judge): Promise<DuplicateMeasurement['bursts']> {
  const names = (await readdir(photoFolder)).filter((name) => name.endsWith('.jpg')).sort();
  const found: string[] = [];
  for (const name of names.slice(0, BURSTS)) {
    const image = await readFile(path.join(photoFolder, name));
    const next = await nextOfBurst(image, createSeededRandom(`burst ${name}`));
    const traces: ImageTrace[] = [await traceOf(image, reader), await traceOf(next, reader)];
    const [one, other] = traces;
    if (one && other && judge.judge(one, other, 1) !== null) found.push(name);
  }
  return { pairs: Math.min(BURSTS, names.length), found };
}

/** The photographs that lie nearest to each other by embedding: some show one scene twice. */
function judgeNearestPhotographs(
  subjects: readonly Subject[],
  judge: Judge,
): DuplicateMeasurement['nearestPhotographs'] {
  const photographs = subjects.filter(({ edit, part }) => edit === null && part !== 'artwork');
  const pairs = photographs.flatMap((one, index) =>
    photographs.slice(index + 1).map((other) => ({
      one,
      other,
      similarity: cosine(one.vector, other.vector),
    })),
  );
  pairs.sort((one, other) => other.similarity - one.similarity);
  return pairs.slice(0, 20).map(({ one, other, similarity }) => {
    const kind = judge.judge(one.trace, other.trace, 1)?.kind ?? null;
    return { one: one.name, other: other.name, similarity, kind };
  });
}
