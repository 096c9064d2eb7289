/** `npm run bench store`, or by itself: `npx tsx test/bench/vector-store.ts`. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createVectorSpace } from '../../plugin/src/embedding/vector-space';
import type { VectorCollection, VectorPoint } from '../../plugin/src/vectors/contract';
import { createEmbeddedStore } from '../../plugin/src/vectors/embedded';
import { resolveBuiltWorker } from '../../plugin/src/workers';
import { createRecordingLogger } from '../support/recording-logger';
import { createStructuredVectors } from '../support/structured-vectors';
import { pointOf } from '../support/vector-points';
import { summarize, timed, type Measurement } from './measurement';

const DIMENSIONS = 512;
const BATCH = 1000;
const QUERIES = 101;
const RECALL_QUERIES = 25;
const LIMIT = 20;
const PREFILTER_FROM = 1000;

const sizes = [
  { points: 10_000, queryBarMs: 2, loadBarSeconds: 5 },
  { points: 100_000, queryBarMs: 2, loadBarSeconds: 50 },
];

const space = createVectorSpace({
  provider: 'bench',
  model: 'structured',
  dimensions: DIMENSIONS,
  preprocessing: 'none',
});

/** The embedded store on seeded vectors shaped as CLIP's, asked with texts and with images in turn. */
export async function benchVectorStore(): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const size of sizes) {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-search-bench-'));
    try {
      results.push(...(await benchSize(size, path.join(folder, 'vectors.sqlite'))));
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return results;
}

async function benchSize(
  { points: count, queryBarMs, loadBarSeconds }: (typeof sizes)[number],
  file: string,
): Promise<Measurement[]> {
  const vectors = createStructuredVectors(count, DIMENSIONS);
  const points = Array.from({ length: count }, (_, index) => pointOf(index + 1, vectors.image()));
  const queries = Array.from({ length: QUERIES }, (_, index) =>
    index % 2 === 0 ? vectors.text() : vectors.image(),
  );
  const logger = createRecordingLogger();
  const program = resolveBuiltWorker('embedded-store');
  const name = (what: string) => `store: ${count.toLocaleString('en')} points, ${what}`;

  const filling = createEmbeddedStore({ file, prefilterFrom: PREFILTER_FROM, logger, program });
  const { milliseconds: loadMs } = await timed(async () =>
    fill(await filling.ensureSpace(space), points),
  );
  await filling.dispose();

  const store = createEmbeddedStore({ file, prefilterFrom: PREFILTER_FROM, logger, program });
  const collection = await store.ensureSpace(space);
  const search = (vector: Float32Array) => collection.search({ vector, limit: LIMIT });
  const { milliseconds: firstMs } = await timed(() => search(vectors.text()));
  const queryMs: number[] = [];
  for (const vector of queries) queryMs.push((await timed(() => search(vector))).milliseconds);
  const recalls: number[] = [];
  for (const vector of queries.slice(0, RECALL_QUERIES)) {
    const found = new Set((await search(vector)).map(({ fileId }) => fileId));
    const expected = nearest(points, vector, LIMIT);
    recalls.push(expected.filter((fileId) => found.has(fileId)).length / LIMIT);
  }
  await store.dispose();
  const { size } = await stat(file);

  return [
    summarize({
      name: name('one query'),
      unit: 'ms',
      values: queryMs,
      bar: { kind: 'at most', value: queryBarMs },
    }),
    summarize({
      name: name(`recall@${String(LIMIT)}`),
      unit: 'share',
      values: recalls,
      bar: { kind: 'at least', value: 0.999 },
    }),
    summarize({
      name: name('first query after opening'),
      unit: 'ms',
      values: [firstMs],
      bar: { kind: 'at most', value: 300 },
    }),
    summarize({
      name: name('storing all'),
      unit: 's',
      values: [loadMs / 1000],
      bar: { kind: 'at most', value: loadBarSeconds },
    }),
    summarize({
      name: name('file size'),
      unit: 'bytes a point',
      values: [size / count],
      bar: { kind: 'at most', value: 1.5 * 4 * DIMENSIONS },
    }),
  ];
}

async function fill(collection: VectorCollection, points: readonly VectorPoint[]): Promise<void> {
  for (let first = 0; first < points.length; first += BATCH) {
    await collection.upsert(points.slice(first, first + BATCH));
  }
}

function nearest(points: readonly VectorPoint[], query: Float32Array, limit: number): number[] {
  return points
    .map(({ fileId, vector }) => {
      let score = 0;
      for (let index = 0; index < query.length; index += 1) {
        score += (vector[index] ?? 0) * (query[index] ?? 0);
      }
      return { fileId, score };
    })
    .sort((left, right) => right.score - left.score)
    .slice(0, limit)
    .map(({ fileId }) => fileId);
}

if (require.main === module) {
  benchVectorStore().then(console.table, (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
