import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { clipProvider } from '../../plugin/src/embedding/clip/provider';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import type { ViewLimits } from '../../plugin/src/images/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';
import { normalizeText } from '../../plugin/src/search/query-embedder';
import { ViewPenalties } from '../../plugin/src/search/view-penalty';
import type { VectorCollection, VectorPoint } from '../../plugin/src/vectors/contract';
import { createSeededRandom } from '../../sample/seeded-random';
import { MemoryVectorStore } from '../support/memory-vector-store';
import { pointOf } from '../support/vector-points';
import { localModelConfig } from './fixtures';

/*
 * `npm run measure:views [first|shuffled]`: how well subjects at the ends of long images are found, and whether other
 * images lose by it. Sets 40 photographs of the test data on banners, the first ones by name or others at random, and
 * prints the tables of docs/long-images.md. Settings were chosen on the first ones.
 */

const repositoryFolder = path.resolve(__dirname, '../..');
const dataFolder = path.resolve(
  repositoryFolder,
  process.env.IMAGE_SEARCH_TEST_DATA ?? '../shared/data',
);
const photoFolder = path.join(dataFolder, 'photos');
const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e8, timeoutMs: 60_000 });
const ratios = [1.5, 1.78, 2.35, 3.2, 5];
const places = ['left', 'middle'] as const;
const grounds = ['#f4f4f4', '#1e3a5f', null, '#c2452d'];
const ON_BANNERS = 40;
const CAPTIONS = 2;
const NEAREST = 10;
const without: ViewLimits = { parts: 0, frames: 0, pages: 0, videoFrames: 0 };
const withParts: ViewLimits = { parts: 5, frames: 0, pages: 0, videoFrames: 0 };

void main(process.argv[2] ?? 'first');

async function main(selection: string): Promise<void> {
  const provider = await clipProvider.open(clipProvider.configSchema.parse(localModelConfig()), {
    logger: { debug: ignore, info: ignore, warn: console.warn, error: console.error },
    projectFolder: repositoryFolder,
    onUsage: ignore,
    onProgress: ignore,
  });
  try {
    await measure(provider, selection);
  } finally {
    await provider.dispose();
  }
}

async function measure(provider: EmbeddingProvider, selection: string): Promise<void> {
  const names = readdirSync(photoFolder).filter((name) => name.endsWith('.jpg'));
  const sorted = names.sort();
  const random = createSeededRandom('views');
  const keys = new Map(sorted.map((name) => [name, random.fraction()]));
  const shuffled = sorted.toSorted((one, other) => (keys.get(one) ?? 0) - (keys.get(other) ?? 0));
  const onBanners = (selection === 'shuffled' ? shuffled : sorted).slice(0, ON_BANNERS);
  const queries = await embedCaptions(sorted, provider);
  const plain: VectorPoint[] = [];
  for (const [index, name] of sorted.entries()) {
    plain.push(await embed(index + 1, photograph(name), withParts, provider));
  }
  const store = new MemoryVectorStore();
  const collection = await store.ensureSpace(provider.space);
  const search = {
    collection,
    queries,
    own: new Set(onBanners.map((name) => sorted.indexOf(name) + 1)),
  };
  await collection.upsert(plain);
  const rows = [{ banner: 'none', ...(await hitsOf(search)) }];
  for (const ratio of ratios) {
    for (const place of places) {
      for (const [what, limits] of [
        ['center', without],
        ['views', withParts],
      ] as const) {
        const banners: VectorPoint[] = [];
        for (const [index, name] of onBanners.entries()) {
          const bytes = await setOnBanner(photograph(name), {
            ratio,
            place,
            ground: grounds[index % 4],
          });
          banners.push(await embed(sorted.indexOf(name) + 1, bytes, limits, provider));
        }
        await collection.upsert(banners);
        rows.push({ banner: `${String(ratio)} ${place}, ${what}`, ...(await hitsOf(search)) });
        console.log(rows.at(-1));
      }
    }
  }
  console.table(rows);
}

function photograph(name: string): Buffer {
  return readFileSync(path.join(photoFolder, name));
}

async function embedCaptions(
  names: readonly string[],
  provider: EmbeddingProvider,
): Promise<{ fileId: number; vector: Float32Array }[]> {
  const captions = JSON.parse(
    readFileSync(path.join(photoFolder, 'captions.json'), 'utf8'),
  ) as Record<string, string[]>;
  const queries: { fileId: number; vector: Float32Array }[] = [];
  for (const [index, name] of names.entries()) {
    const texts = (captions[name] ?? []).slice(0, CAPTIONS).map(normalizeText);
    const vectors = await provider.embedTexts(texts);
    queries.push(...vectors.map((vector) => ({ fileId: index + 1, vector })));
  }
  return queries;
}

async function embed(
  fileId: number,
  bytes: Buffer,
  limits: ViewLimits,
  provider: EmbeddingProvider,
): Promise<VectorPoint> {
  const preparation = provider.imagePreparation;
  const { prepared, views = [] } = await reader.read(bytes, { preparation, views: limits });
  const images = [prepared, ...views.map((view) => view.prepared)];
  const vectors: Float32Array[] = [];
  for (const image of images) vectors.push(...(await provider.embedImages([image])));
  const [whole = new Float32Array(), ...further] = vectors;
  const point = pointOf(fileId, whole);
  if (further.length === 0) return point;
  return {
    ...point,
    views: views.map(({ kind, number }, index) => ({
      kind,
      number,
      vector: further[index] ?? whole,
    })),
  };
}

async function setOnBanner(
  photo: Buffer,
  {
    ratio,
    place,
    ground,
  }: { ratio: number; place: (typeof places)[number]; ground: string | null | undefined },
): Promise<Buffer> {
  const { height, width: photoWidth } = await sharp(photo).metadata();
  const width = Math.round(height * ratio);
  const fill = ground ?? 'url(#g)';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}"><defs><linearGradient id="g" x2="1"><stop offset="0" stop-color="#88b"/><stop offset="1" stop-color="#dfe8f0"/></linearGradient></defs><rect width="100%" height="100%" fill="${fill}"/></svg>`;
  const left = place === 'left' ? 0 : Math.round((width - photoWidth) / 2);
  const banner = sharp(Buffer.from(svg)).composite([{ input: photo, left, top: 0 }]);
  return banner.removeAlpha().png().toBuffer();
}

/** Captions that find their file among the first ten: of banners, and the share of others. */
async function hitsOf({
  collection,
  own,
  queries,
}: {
  collection: VectorCollection;
  own: ReadonlySet<number>;
  queries: readonly { fileId: number; vector: Float32Array }[];
}): Promise<{ found: number; others: number }> {
  const penalties = new ViewPenalties(() => 0);
  let [found, others] = [0, 0];
  for (const { fileId, vector } of queries) {
    const viewPenalty = await penalties.penaltyFor(collection, vector);
    const hits = await collection.search({ vector, limit: NEAREST, viewPenalty });
    if (!hits.some((hit) => hit.fileId === fileId)) continue;
    if (own.has(fileId)) found += 1;
    else others += 1;
  }
  const ofOthers = queries.length - own.size * CAPTIONS;
  return { found, others: Number((others / ofOthers).toFixed(3)) };
}

function ignore(): void {
  // Nothing to say.
}
