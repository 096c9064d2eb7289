import sharp from 'sharp';
import { sampleConcepts } from '../concepts';
import { renderSampleImage, sampleLibrary } from '../library';
import { languages, type EmojiConcept, type EmojiStyle, type Language } from './concepts';
import type { Embedder } from './embedder';
import { everydayQueries, madeUpTexts, unrelatedTexts } from './queries';

/** Shares of queries whose correct result is first, in the first five, in the first ten. */
export interface Recall {
  first: number;
  five: number;
  ten: number;
}

/** All shares and precisions are 0 to 1, measured through the plugin's own pipeline. */
export interface SampleModelFigures {
  concepts: number;
  /** A concept's name finds its image among the images of all concepts. */
  names: Record<EmojiStyle, Recall>;
  /** The same on Twemoji, with names in other languages. */
  languages: Record<Exclude<Language, 'en'>, Recall>;
  /** Precision of the first ten, for each category query and on average. */
  categories: Record<EmojiStyle, Record<string, number>>;
  /** A Twemoji image finds the same concept in Noto. */
  acrossStyles: Recall;
  /** A copy finds its original among the Noto images. */
  copies: Record<keyof typeof copyEdits, number>;
  /** On the sample library. */
  everyday: { queries: number; precisionOfFirstFive: number; found: Record<string, string[]> };
  /** Best scores of queries with and without a match in the sample library. */
  closeness: Closeness;
}

export interface Closeness {
  /** Below it, nothing is close: the highest score that 95 % of the broad queries with a match reach. */
  closeScore: number;
  names: { queries: number; above: number };
  broad: { queries: number; above: number };
  /** Random letters and made-up words. */
  madeUp: { queries: number; below: number };
  /** Words for things that no image in the library shows. */
  unrelated: { queries: number; below: number };
}

/** Category queries, and the Unicode subgroups that match them. */
const categoryQueries: Readonly<Record<string, readonly string[]>> = {
  fruit: ['food-fruit'],
  vehicle: ['transport-ground', 'transport-water', 'transport-air'],
  'happy face': ['face-smiling', 'face-affection'],
  tool: ['tool'],
  bird: ['animal-bird'],
  weather: ['sky-weather'],
  'musical instrument': ['musical-instrument'],
};

const copyEdits = {
  'JPEG of quality 30': (drawing: Buffer) => sharp(drawing).jpeg({ quality: 30 }).toBuffer(),
  '48 pixels': (drawing: Buffer) => sharp(drawing).resize(48, 48).png().toBuffer(),
};

type Gallery = readonly Float32Array[];

export async function measureSampleModel(
  embedder: Embedder,
  concepts: readonly EmojiConcept[],
): Promise<SampleModelFigures> {
  const noto = await embedDrawings(embedder, concepts, 'noto');
  const twemoji = await embedDrawings(embedder, concepts, 'twemoji');
  const names = await embedTexts(
    embedder,
    concepts.map((concept) => concept.names.en),
  );
  const library = await embedLibrary(embedder);
  return {
    concepts: concepts.length,
    names: { noto: recall(names, noto), twemoji: recall(names, twemoji) },
    languages: await measureLanguages(embedder, concepts, twemoji),
    categories: {
      noto: await measureCategories(embedder, concepts, noto),
      twemoji: await measureCategories(embedder, concepts, twemoji),
    },
    acrossStyles: recall(twemoji, noto),
    copies: await measureCopies(embedder, concepts, noto),
    everyday: await measureEveryday(embedder, library),
    closeness: await measureCloseness(embedder, library),
  };
}

async function embedDrawings(
  embedder: Embedder,
  concepts: readonly EmojiConcept[],
  style: EmojiStyle,
): Promise<Gallery> {
  return embedInTurn(concepts, async ({ drawings }) =>
    embedder.embed([{ image: await draw(drawings[style]) }]),
  );
}

async function embedTexts(embedder: Embedder, texts: readonly string[]): Promise<Gallery> {
  return embedInTurn(texts, (text) => embedder.embed([{ text }]));
}

async function embedLibrary(embedder: Embedder): Promise<Gallery> {
  return embedInTurn(sampleLibrary, async (image) =>
    embedder.embed([{ image: await renderSampleImage(image) }]),
  );
}

/** A few at a time: all at once would keep thousands of images in memory. */
async function embedInTurn<Item>(
  items: readonly Item[],
  embed: (item: Item) => Promise<Float32Array[]>,
): Promise<Gallery> {
  const BATCH = 32;
  const vectors: Float32Array[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    const found = await Promise.all(items.slice(start, start + BATCH).map(embed));
    vectors.push(...found.flat());
  }
  return vectors;
}

function draw(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg))
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** Query k matches image k, or one that looks exactly like it: some families are drawn the same. */
function recall(queries: Gallery, gallery: Gallery): Recall {
  const ranks = queries.map((query, index) => {
    const own = similarity(query, gallery[index]);
    return gallery.filter((vector) => similarity(query, vector) > own).length;
  });
  const within = (limit: number): number => share(ranks, (rank) => rank < limit);
  return { first: within(1), five: within(5), ten: within(10) };
}

async function measureLanguages(
  embedder: Embedder,
  concepts: readonly EmojiConcept[],
  gallery: Gallery,
): Promise<SampleModelFigures['languages']> {
  const figures = new Map<Language, Recall>();
  for (const language of languages.filter((each) => each !== 'en')) {
    const names = await embedTexts(
      embedder,
      concepts.map((concept) => concept.names[language]),
    );
    figures.set(language, recall(names, gallery));
  }
  return Object.fromEntries(figures) as SampleModelFigures['languages'];
}

async function measureCategories(
  embedder: Embedder,
  concepts: readonly EmojiConcept[],
  gallery: Gallery,
): Promise<Record<string, number>> {
  const entries = Object.entries(categoryQueries);
  const queries = await embedTexts(
    embedder,
    entries.map(([query]) => query),
  );
  const precisions = entries.map(([query, subgroups], index): [string, number] => {
    const found = best(queries[index], gallery, 10);
    return [query, share(found, (place) => subgroups.includes(concepts[place]?.subgroup ?? ''))];
  });
  const mean = sum(precisions.map(([, precision]) => precision)) / precisions.length;
  return Object.fromEntries([...precisions, ['mean', mean]]);
}

async function measureCopies(
  embedder: Embedder,
  concepts: readonly EmojiConcept[],
  gallery: Gallery,
): Promise<SampleModelFigures['copies']> {
  const figures = new Map<string, number>();
  for (const [edit, copy] of Object.entries(copyEdits)) {
    const copies = await embedInTurn(concepts, async ({ drawings }) =>
      embedder.embed([{ image: await copy(await draw(drawings.noto)) }]),
    );
    figures.set(edit, recall(copies, gallery).first);
  }
  return Object.fromEntries(figures) as SampleModelFigures['copies'];
}

async function measureEveryday(
  embedder: Embedder,
  library: Gallery,
): Promise<SampleModelFigures['everyday']> {
  const entries = Object.entries(everydayQueries);
  const queries = await embedTexts(
    embedder,
    entries.map(([query]) => query),
  );
  const found = entries.map(([, right], index) => {
    const shown = best(queries[index], library, 5).map(
      (place) => sampleLibrary[place]?.concept ?? '',
    );
    return { shown, precision: share(shown, (concept) => right.split(' ').includes(concept)) };
  });
  return {
    queries: entries.length,
    precisionOfFirstFive: sum(found.map(({ precision }) => precision)) / found.length,
    found: Object.fromEntries(entries.map(([query], index) => [query, found[index]?.shown ?? []])),
  };
}

async function measureCloseness(embedder: Embedder, library: Gallery): Promise<Closeness> {
  const bestScores = async (texts: readonly string[]): Promise<number[]> =>
    (await embedTexts(embedder, texts)).map((query) =>
      Math.max(...library.map((vector) => similarity(query, vector))),
    );
  const groups = new Set<string>(sampleConcepts.map(({ group }) => group));
  const broad = await bestScores([...groups, ...Object.keys(everydayQueries)]);
  const names = await bestScores(sampleConcepts.map(({ concept }) => concept.replaceAll('-', ' ')));
  const closeScore = highestBelow(broad, 0.95);
  const above = (scores: readonly number[]): { queries: number; above: number } => ({
    queries: scores.length,
    above: scores.filter((score) => score >= closeScore).length,
  });
  const below = (scores: readonly number[]): { queries: number; below: number } => ({
    queries: scores.length,
    below: scores.filter((score) => score < closeScore).length,
  });
  return {
    closeScore,
    names: above(names),
    broad: above(broad),
    madeUp: below(await bestScores(madeUpTexts)),
    unrelated: below(await bestScores(unrelatedTexts)),
  };
}

/** The highest score, in hundredths, that at least this share of the scores reaches. */
function highestBelow(scores: readonly number[], least: number): number {
  const hundredths = Array.from({ length: 101 }, (_, index) => (100 - index) / 100);
  return hundredths.find((limit) => share(scores, (score) => score >= limit) >= least) ?? 0;
}

function best(query: Float32Array | undefined, gallery: Gallery, count: number): number[] {
  return gallery
    .map((vector, place) => ({ place, score: similarity(query, vector) }))
    .sort((left, right) => right.score - left.score)
    .slice(0, count)
    .map(({ place }) => place);
}

/** The dot product, because the vectors have unit length. */
function similarity(left: Float32Array | undefined, right: Float32Array | undefined): number {
  if (left === undefined || right === undefined) return Number.NaN;
  let dot = 0;
  for (let index = 0; index < left.length; index += 1)
    dot += (left[index] ?? 0) * (right[index] ?? 0);
  return dot;
}

function share<Item>(items: readonly Item[], isCounted: (item: Item) => boolean): number {
  return items.filter(isCounted).length / items.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
