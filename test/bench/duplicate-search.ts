import type { FileTrace, ImageTraces } from '../../plugin/src/duplicates/contract';
import { LibraryComparison } from '../../plugin/src/duplicates/library-comparison';
import { createImageReader } from '../../plugin/src/images/image-reader';
import type { ImageTrace } from '../../plugin/src/matching/contract';
import type { VectorCollection } from '../../plugin/src/vectors/contract';
import { createSeededRandom } from '../../sample/seeded-random';
import { imageSearchOf } from '../../server/src/composition';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { createStructuredVectors } from '../support/structured-vectors';
import { pointOf } from '../support/vector-points';
import { traceOf } from './duplicates/traces';
import { loadImages, localModelConfig } from './fixtures';
import { summarize, timed, type Measurement } from './measurement';

const FILES = 100_000;
const IMAGES = 300;
const PER_INSERT = 500;
const LOOKED_UP = 201;
const NEIGHBOURS = 200;
const SCANS = 5;
const FILES_PER_SCAN = 100;
const FILES_PER_STEP = 20;

/**
 * Duplicates among 100,000 files: the traces of real images, each at many files, and vectors shaped as a model's, so
 * that most of the neighbors show something else and are aligned in vain, as in a library of much the same things.
 */
export async function benchDuplicateSearch(): Promise<Measurement[]> {
  const app = await startStrapi({
    imageSearch: { embedding: localModelConfig(), indexing: { enabled: false } },
  });
  try {
    const traces = createImageTraces(app.strapi);
    const { collection } = await imageSearchOf(app.strapi).spaces.get();
    const files = await fillLibrary(traces, collection);
    return [await measureLookUps(app, files), await measureScans(app, files)];
  } finally {
    await app.stop();
  }
}

async function fillLibrary(
  traces: ImageTraces,
  collection: VectorCollection,
): Promise<readonly FileTrace[]> {
  const known = await tracesOfImages();
  const random = createSeededRandom('duplicates');
  const vectors = createStructuredVectors(FILES, collection.space.dimensions);
  const files = Array.from({ length: FILES }, (_, index): FileTrace => ({
    ...random.pick(known),
    fileId: index + 1,
    contentHash: random.hexadecimal(64),
  }));
  for (let start = 0; start < FILES; start += PER_INSERT) {
    const some = files.slice(start, start + PER_INSERT);
    await traces.put(some);
    await collection.upsert(
      some.map(({ fileId, contentHash }) => pointOf(fileId, vectors.image(), contentHash)),
    );
  }
  return files;
}

async function tracesOfImages(): Promise<[ImageTrace, ...ImageTrace[]]> {
  const reader = createImageReader({ maxBytes: 1e7, maxPixels: 1e8, timeoutMs: 60_000 });
  const images = await loadImages(IMAGES);
  const [first, ...others] = await Promise.all(images.map(({ bytes }) => traceOf(bytes, reader)));
  if (!first) throw new Error('There are no images.');
  return [first, ...others];
}

/** What an upload costs beyond the search for its neighbors, which is made once more and taken off. */
async function measureLookUps(app: StrapiApp, files: readonly FileTrace[]): Promise<Measurement> {
  const { duplicates, spaces } = imageSearchOf(app.strapi);
  const { collection } = await spaces.get();
  const values: number[] = [];
  // The first search reads the index.
  const [first] = await collection.getMany([1]);
  if (first) await collection.search({ vector: first.vector, limit: NEIGHBOURS });
  for (let index = 0; index < LOOKED_UP; index += 1) {
    const trace = files[Math.floor((index * FILES) / LOOKED_UP)];
    const [point] = trace ? await collection.getMany([trace.fileId]) : [];
    if (!trace || !point) throw new Error('The library is not as it was filled.');
    const { fileId } = trace;
    const { vector } = point;
    const search = await timed(() =>
      collection.search({ vector, limit: NEIGHBOURS, filter: { excludeIds: [fileId] } }),
    );
    const find = await timed(() => duplicates.finder.find({ trace, vector, exceptFileId: fileId }));
    values.push(find.milliseconds - search.milliseconds);
  }
  return summarize({
    name: 'duplicates of an image among 100,000, beyond the search for neighbors',
    unit: 'ms',
    values,
    bar: { kind: 'at most', value: 5 },
  });
}

/** A scan of the whole library: reading, searching, judging, recording, marking. */
async function measureScans(app: StrapiApp, files: readonly FileTrace[]): Promise<Measurement> {
  const { duplicates, pairs, spaces } = imageSearchOf(app.strapi);
  const { collection } = await spaces.get();
  const comparison = new LibraryComparison({
    traces: createImageTraces(app.strapi),
    pairs,
    finder: duplicates.finder,
    confirmation: ({ verdict }) => Promise.resolve(verdict),
    read: () => Promise.resolve(new Uint8Array()),
    openCollection: () => Promise.resolve(collection),
  });
  const pass = { mark: 'bench', spaceId: collection.space.id };
  const { signal } = new AbortController();
  const values: number[] = [];
  for (let scan = 0; scan < SCANS; scan += 1) {
    const ids = files
      .slice(scan * FILES_PER_SCAN, (scan + 1) * FILES_PER_SCAN)
      .map(({ fileId }) => fileId);
    const { milliseconds } = await timed(async () => {
      for (let start = 0; start < ids.length; start += FILES_PER_STEP) {
        await comparison.compare(ids.slice(start, start + FILES_PER_STEP), { pass, signal });
      }
    });
    values.push(milliseconds / ids.length);
  }
  return summarize({
    name: 'scan for duplicates among 100,000 files, per file',
    unit: 'ms',
    values,
    bar: { kind: 'at most', value: 25 },
  });
}
