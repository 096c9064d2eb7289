import { imageSearchOf } from '../../server/src/composition';
import { FILE_UID, INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { insertEntries } from '../support/large-library';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { pointOf } from '../support/vector-points';
import { localModelConfig } from './fixtures';
import { quantile, summarize, timed, type Measurement } from './measurement';

const FILES = 10_000;
const QUERIES = 100;
const ROUNDS = 5;

/**
 * A search over HTTP with a query vector that is known already: store, rows, permission and JSON, among 10,000 files.
 */
export async function benchSearch(): Promise<Measurement[]> {
  const app = await startStrapi({
    imageSearch: {
      embedding: localModelConfig(),
      indexing: { enabled: false },
      search: { requestsPerMinute: 0 },
      words: { enabled: true },
    },
  });
  try {
    await fillLibrary(app);
    const ask = await createQuestion(app);
    await ask();
    const values: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const times: number[] = [];
      for (let query = 0; query < QUERIES; query += 1) times.push((await timed(ask)).milliseconds);
      values.push(quantile(times, 0.5));
    }
    return [
      summarize({
        name: 'search beyond embedding the query, 10,000 files, p50',
        unit: 'ms',
        values,
        bar: { kind: 'at most', value: 8 },
      }),
    ];
  } finally {
    await app.stop();
  }
}

async function fillLibrary(app: StrapiApp): Promise<void> {
  const imageSearch = imageSearchOf(app.strapi);
  const { collection } = await imageSearch.spaces.get();
  const random = createRandom(1);
  for (let start = 0; start < FILES; start += 500) {
    const data = Array.from({ length: 500 }, (_, index) => describeFile(start + index));
    const { ids } = await app.strapi.db.query(FILE_UID).createMany({ data });
    await collection.upsert(
      ids.map((id) => pointOf(Number(id), randomUnitVector(collection.space.dimensions, random))),
    );
    // The uploads' hooks have queued them.
    await app.strapi.db.query(INDEX_ENTRY_UID).deleteMany({ where: { fileId: { $in: ids } } });
    await insertEntries(app.strapi, collection, ids.map(Number));
  }
}

function describeFile(number: number) {
  const name = `IMG_${String(number)}`;
  return {
    name: `${name}.jpg`,
    hash: name,
    ext: '.jpg',
    mime: 'image/jpeg',
    size: 100,
    url: `/uploads/${name}.jpg`,
    provider: 'local',
    width: 800,
    height: 600,
    folderPath: '/',
  };
}

async function createQuestion(app: StrapiApp): Promise<() => Promise<void>> {
  await app.grantPublic(['plugin::image-search.search.find']);
  // The first answer embeds the text; after that it is known.
  return async () => {
    const response = await app.request
      .get('/api/image-search/search')
      .query({ text: 'a dog in snow' });
    if (response.status !== 200) throw new Error(`The search answered ${String(response.status)}.`);
    if (!Array.isArray(response.body.data) || response.body.data.length === 0) {
      throw new Error('The search found nothing.');
    }
  };
}

function randomUnitVector(dimensions: number, random: () => number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Park and Miller's minimal standard generator (1988): seeded, uniform in 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
