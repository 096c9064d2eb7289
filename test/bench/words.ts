import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openClipProvider } from '../../plugin/src/embedding/clip/provider';
import { clipConfigSchema } from '../../plugin/src/embedding/clip/config';
import { createImageReader } from '../../plugin/src/images/image-reader';
import { DEFAULT_WEIGHT, findByWords, pageOfBoth } from '../../plugin/src/search/hybrid';
import { normalizeText } from '../../plugin/src/search/query-embedder';
import { wordFields, type FileWords, type TextIndex } from '../../plugin/src/text/contract';
import { createEmbeddedTextIndex } from '../../plugin/src/text/embedded';
import type { VectorHit, VectorQuery } from '../../plugin/src/vectors/contract';
import { createSeededRandom, type SeededRandom } from '../../sample/seeded-random';
import { MemoryVisibleFiles } from '../support/memory-visible-files';
import { quantile, timed } from './measurement';

/*
 * `npm run measure:words [weight]`: how well texts find the photographs of the test data by images, by words and by both,
 * with the model `mini-clip` and file names as cameras, people and programs make them, and writes `bench/words.json`.
 * Vectors are kept in a folder for temporary files. Queries and names are seeded.
 */

const repositoryFolder = path.resolve(__dirname, '../..');
const dataFolder = path.resolve(
  repositoryFolder,
  process.env.IMAGE_SEARCH_TEST_DATA ?? '../shared/data',
);
const LIMIT = 10;
const SEEDS = ['one', 'two'];
/** A larger library, for times and the size of the index. */
const LARGE_LIBRARIES = [10_000, 100_000];

interface Photo {
  fileId: number;
  captions: string[];
  vector: Float32Array;
}

interface Quality {
  queries: number;
  recall1: number;
  recall5: number;
  meanReciprocalRank: number;
}

async function main(): Promise<void> {
  const weight = Number(process.argv[2] ?? DEFAULT_WEIGHT);
  const { close, embed, photos } = await openPhotos();
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-words-'));
  try {
    const results = {
      weight,
      names: await measureNames(photos, embed, { folder, weight }),
      captions: await measureCaptions(photos, embed, { folder, weight }),
      largeLibraries: await measureLargeLibraries(folder),
    };
    await writeFile(
      path.join(repositoryFolder, 'bench/words.json'),
      `${JSON.stringify(results, null, 2)}\n`,
    );
    console.log(JSON.stringify(results, null, 2));
  } finally {
    await close();
    await rm(folder, { recursive: true, force: true });
  }
}

type Embed = (text: string) => Promise<Float32Array>;

interface Setting {
  folder: string;
  weight: number;
}

/** The exact name, without extension, as a person types it, and a part that no other name has. */
async function measureNames(photos: readonly Photo[], embed: Embed, setting: Setting) {
  const ranks = {
    exact: [] as number[],
    stem: [] as number[],
    typed: [] as number[],
    part: [] as number[],
  };
  for (const seed of SEEDS) {
    const names = nameAll(photos, seed);
    const library = await createLibrary(photos, setting, (photo) => ({
      name: names.get(photo.fileId) ?? '',
    }));
    for (const { fileId } of photos.slice(0, 100)) {
      const name = names.get(fileId) ?? '';
      const stem = name.replace(/\.\w+$/, '');
      const part = stem
        .split(/[^\p{L}\p{N}]+/u)
        .sort((left, right) => right.length - left.length)
        .find((each) => [...names.values()].filter((other) => other.includes(each)).length === 1);
      ranks.exact.push(await library.rankOf(fileId, name, embed));
      ranks.stem.push(await library.rankOf(fileId, stem, embed));
      ranks.typed.push(
        await library.rankOf(fileId, stem.toLowerCase().replace(/[_-]+/g, ' '), embed),
      );
      if (part !== undefined) ranks.part.push(await library.rankOf(fileId, part, embed));
    }
    await library.close();
  }
  return Object.fromEntries(Object.entries(ranks).map(([kind, each]) => [kind, qualityOf(each)]));
}

/** Captions as queries: with names alone, and with another caption as the alternative text of a random third. */
async function measureCaptions(photos: readonly Photo[], embed: Embed, setting: Setting) {
  const ranks = {
    vector: [] as number[],
    names: [] as number[],
    third: [] as number[],
    describedByVector: [] as number[],
    described: [] as number[],
  };
  for (const seed of SEEDS) {
    const random = createSeededRandom(`third ${seed}`);
    const names = nameAll(photos, seed);
    const described = new Set(
      photos.filter(() => random.chance(1 / 3)).map(({ fileId }) => fileId),
    );
    const nameOf = ({ fileId }: Photo): string => names.get(fileId) ?? '';
    const named = await createLibrary(photos, setting, (photo) => ({ name: nameOf(photo) }));
    const third = await createLibrary(photos, setting, (photo) => ({
      name: nameOf(photo),
      alternativeText: described.has(photo.fileId) ? (photo.captions[1] ?? '') : '',
    }));
    for (const { captions, fileId } of photos) {
      const [query = ''] = captions;
      const byVector = await named.rankOf(fileId, query, embed, 0);
      const inThird = await third.rankOf(fileId, query, embed);
      ranks.vector.push(byVector);
      ranks.names.push(await named.rankOf(fileId, query, embed));
      ranks.third.push(inThird);
      if (!described.has(fileId)) continue;
      ranks.describedByVector.push(byVector);
      ranks.described.push(inThird);
    }
    await named.close();
    await third.close();
  }
  return Object.fromEntries(Object.entries(ranks).map(([kind, each]) => [kind, qualityOf(each)]));
}

/** Times of the index alone, with names and captions put together at random. */
async function measureLargeLibraries(folder: string) {
  const captions = Object.values(await readCaptions()).flat();
  const measured = [];
  for (const files of LARGE_LIBRARIES) {
    const file = path.join(folder, `${String(files)}.sqlite`);
    const index = openIndex(file);
    const random = createSeededRandom('large');
    const all = Array.from({ length: files }, (_, number): FileWords => ({
      fileId: number + 1,
      name: nameOne(random),
      alternativeText: random.chance(1 / 3) ? anyOf(captions, random) : '',
      caption: random.chance(1 / 5) ? anyOf(captions, random) : '',
      folder: 'Campaigns / Summer 2024',
      entryTitles: '',
      text: '',
    }));
    const filled = await timed(async () => {
      for (let start = 0; start < files; start += 500) {
        const part = all.slice(start, start + 500);
        const through = start + 500 < files ? start + 500 : null;
        await index.replaceRange(part, { after: start, through });
      }
    });
    const queries = [
      ...Array.from({ length: 100 }, () => anyOf(captions, random)),
      ...all.slice(0, 100).map(({ name }) => name),
      ...['dog', 'img', 'a man', 'campaigns summer', '"black dog"'],
    ];
    const times: number[] = [];
    for (const text of queries) {
      const search = await timed(() => index.search({ text, limit: 2_000 }));
      times.push(search.milliseconds);
    }
    await index.dispose();
    measured.push({
      files,
      fillSeconds: round(filled.milliseconds / 1_000),
      bytesPerFile: Math.round((await readFile(file)).length / files),
      p50Milliseconds: round(quantile(times, 0.5)),
      p95Milliseconds: round(quantile(times, 0.95)),
    });
  }
  return measured;
}

async function createLibrary(
  photos: readonly Photo[],
  { folder, weight: usual }: Setting,
  wordsOf: (photo: Photo) => Partial<FileWords>,
) {
  const index = openIndex(path.join(folder, `${String(Math.random())}.sqlite`));
  const empty = Object.fromEntries(wordFields.map((field) => [field, ''])) as Omit<
    FileWords,
    'fileId'
  >;
  await index.upsert(
    photos.map((photo) => ({ ...empty, ...wordsOf(photo), fileId: photo.fileId })),
  );
  const visible = new MemoryVisibleFiles(photos.map(({ fileId }) => fileId));
  const collection = {
    count: () => Promise.resolve(photos.length),
    search: (query: VectorQuery) => Promise.resolve(searchExactly(photos, query)),
  };
  return {
    async rankOf(fileId: number, text: string, embed: Embed, weight = usual): Promise<number> {
      const vector = await embed(text);
      const words =
        weight === 0
          ? { hits: [], hasPhrases: false }
          : await findByWords(index, { text, visible });
      const options = { collection, visible, vector, excludeIds: [], minimumScore: undefined };
      const page = await pageOfBoth({ ...options, start: 0, limit: LIMIT }, words, { weight });
      const rank = page.hits.findIndex((hit) => hit.fileId === fileId);
      return rank === -1 ? Infinity : rank + 1;
    },
    close: () => index.dispose(),
  };
}

function searchExactly(photos: readonly Photo[], query: VectorQuery): VectorHit[] {
  const { filter = {}, limit, vector } = query;
  const included = filter.includeIds && new Set(filter.includeIds);
  const excluded = new Set(filter.excludeIds);
  return photos
    .filter(({ fileId }) => !excluded.has(fileId) && (included?.has(fileId) ?? true))
    .map((photo) => ({
      fileId: photo.fileId,
      score: photo.vector.reduce((sum, value, at) => sum + value * (vector[at] ?? 0), 0),
    }))
    .sort((left, right) => right.score - left.score || left.fileId - right.fileId)
    .slice(0, limit);
}

function openIndex(file: string): TextIndex {
  return createEmbeddedTextIndex({
    file,
    projectFolder: repositoryFolder,
    database: () => Promise.resolve({ id: 'measure', name: 'measure' }),
  });
}

function nameAll(photos: readonly Photo[], seed: string): Map<number, string> {
  const random = createSeededRandom(`names ${seed}`);
  return new Map(photos.map(({ fileId }) => [fileId, nameOne(random)]));
}

/** As cameras, phones, messengers, designers and editors name files. */
function nameOne(random: SeededRandom): string {
  const digits = (count: number): string =>
    String(random.integer(0, 10 ** count - 1)).padStart(count, '0');
  const date = (separator: string): string =>
    [
      String(random.integer(2012, 2026)),
      digits2(random.integer(1, 12)),
      digits2(random.integer(1, 28)),
    ].join(separator);
  const time = (separator: string): string =>
    [random.integer(0, 23), random.integer(0, 59), random.integer(0, 59)]
      .map(digits2)
      .join(separator);
  const words = (): string[] => [
    random.pick([
      'summer',
      'winter',
      'team',
      'product',
      'hero',
      'office',
      'kampagne',
      'été',
      'blog',
      'acme',
    ]),
    random.pick([
      'banner',
      'portrait',
      'logo',
      'packshot',
      'header',
      'teaser',
      'bühne',
      'thumbnail',
      'cover',
    ]),
    random.pick(['final', 'v2', 'new', 'draft', 'web', 'print', 'copy', 'alt', 'retina']),
  ];
  const camel = (parts: readonly string[]): string =>
    parts
      .map((part, at) => (at === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1)))
      .join('');
  switch (random.integer(0, 9)) {
    case 0:
      return `IMG_${digits(4)}.JPG`;
    case 1:
      return `DSC${digits(5)}.jpg`;
    case 2:
      return `${date('')}_${time('')}.jpg`;
    case 3:
      return `WhatsApp Image ${date('-')} at ${time('.')}.jpeg`;
    case 4:
      return `Screenshot ${date('-')} at ${time('.')}.png`;
    case 5:
      return `${words().join('-')}-${digits(3)}.png`;
    case 6:
      return `${camel(words())}${digits(3)}@2x.png`;
    case 7:
      return `${words().join(' ')} (${digits(2)}${digits(2)}).webp`;
    case 8:
      return `${random.hexadecimal(12)}_${random.hexadecimal(6)}.jpg`;
    default:
      return `PXL_${date('')}_${time('')}${digits(3)}.jpg`;
  }
}

function digits2(value: number): string {
  return String(value).padStart(2, '0');
}

function anyOf(values: readonly string[], random: SeededRandom): string {
  return values[random.integer(0, values.length - 1)] ?? '';
}

function qualityOf(ranks: readonly number[]): Quality {
  const share = (most: number): number =>
    round(ranks.filter((rank) => rank <= most).length / ranks.length);
  const reciprocals = ranks.reduce((sum, rank) => sum + 1 / rank, 0);
  return {
    queries: ranks.length,
    recall1: share(1),
    recall5: share(5),
    meanReciprocalRank: round(reciprocals / ranks.length),
  };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

async function readCaptions(): Promise<Record<string, string[]>> {
  const file = path.join(dataFolder, 'photos/captions.json');
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, string[]>;
}

async function openPhotos(): Promise<{
  photos: Photo[];
  embed: Embed;
  close: () => Promise<void>;
}> {
  const captions = await readCaptions();
  const cacheFile = path.join(tmpdir(), 'image-search-measure-words.json');
  const known = await readFile(cacheFile, 'utf8').then(
    (text) => JSON.parse(text) as Record<string, number[]>,
    (): Record<string, number[]> => ({}),
  );
  const provider = await openClipProvider(
    clipConfigSchema.parse({
      provider: 'clip',
      model: path.join(dataFolder, 'mini-clip'),
      dtype: 'q8',
    }),
    { logger: console, projectFolder: repositoryFolder, onProgress: () => undefined },
  );
  const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e8, timeoutMs: 60_000 });
  const photos: Photo[] = [];
  for (const [index, name] of Object.keys(captions).sort().entries()) {
    if (!known[name]) {
      const bytes = await readFile(path.join(dataFolder, 'photos', name));
      const { prepared } = await reader.read(bytes, { preparation: provider.imagePreparation });
      const [vector] = await provider.embedImages([prepared]);
      known[name] = [...(vector ?? [])];
    }
    const vector = Float32Array.from(known[name]);
    photos.push({ fileId: index + 1, captions: captions[name] ?? [], vector });
  }
  const embed: Embed = async (text) => {
    const key = `text ${normalizeText(text)}`;
    if (!known[key]) {
      const found = await provider.embedTexts([normalizeText(text)]).catch(() => []);
      // A text without a single known word is near nothing.
      known[key] = [...(found[0] ?? new Float32Array(photos[0]?.vector.length ?? 0))];
    }
    return Float32Array.from(known[key]);
  };
  const close = async (): Promise<void> => {
    await writeFile(cacheFile, JSON.stringify(known));
    await provider.dispose();
  };
  return { photos, embed, close };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
