import type { VectorCollection } from '../../plugin/src/vectors/contract';
import { INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { createSeededRandom } from '../../sample/seeded-random';
import { toUnitLength } from './random-vectors';
import type { StrapiApp } from './strapi-app';
import { pointOf } from './vector-points';

const ROWS_PER_INSERT = 500;
const POINTS_PER_UPSERT = 500;
const BYTES_PER_DIGEST = 32;

/** A file as the database holds it, without any bytes behind it. */
export interface PlainFile {
  id: number;
  name: string;
  mime: string;
  createdBy: number | null;
  vector: Float32Array;
  /** Further columns of its row; the same ones for all files that are inserted together. */
  columns?: Record<string, unknown>;
}

/** Many numbers from few digests: good enough for directions, and much quicker than a normal distribution. */
export function createDirection(seed: string, dimensions: number): Float32Array {
  const random = createSeededRandom(seed);
  const bytes = Array.from({ length: Math.ceil(dimensions / BYTES_PER_DIGEST) }, () => [
    ...Buffer.from(random.hexadecimal(2 * BYTES_PER_DIGEST), 'hex'),
  ]).flat();
  return toUnitLength(bytes.slice(0, dimensions).map((byte) => byte - 127.5));
}

/** Puts files and their vectors where they belong, past uploads and indexing. */
export async function insertFiles(
  { strapi }: StrapiApp,
  collection: VectorCollection,
  files: readonly PlainFile[],
): Promise<void> {
  const now = new Date();
  const rows = files.map(({ id, name, mime, createdBy, columns }) => ({
    id,
    document_id: `document-${String(id)}`,
    name,
    hash: `hash_${String(id)}`,
    ext: `.${mime.replace('image/', '')}`,
    mime,
    size: 1,
    url: `/uploads/hash_${String(id)}`,
    provider: 'local',
    folder_path: '/',
    created_at: now,
    updated_at: now,
    published_at: now,
    created_by_id: createdBy,
    ...columns,
  }));
  await strapi.db.connection.batchInsert('files', rows, ROWS_PER_INSERT);
  for (let start = 0; start < files.length; start += POINTS_PER_UPSERT) {
    const points = files.slice(start, start + POINTS_PER_UPSERT);
    await collection.upsert(points.map(({ id, vector }) => pointOf(id, vector)));
  }
  await insertEntries(
    strapi,
    collection,
    files.map(({ id }) => id),
  );
}

/** As of files that were indexed: a search answers no others. */
export async function insertEntries(
  strapi: StrapiApp['strapi'],
  { space }: VectorCollection,
  fileIds: readonly number[],
): Promise<void> {
  const entries = fileIds.map((fileId) => ({
    space_id: space.id,
    file_id: fileId,
    state: 'indexed',
    attempts: 1,
    content_hash: pointOf(fileId, new Float32Array()).payload.contentHash,
    indexed_at: new Date(),
  }));
  const { tableName } = strapi.db.metadata.get(INDEX_ENTRY_UID);
  await strapi.db.connection.batchInsert(tableName, entries, ROWS_PER_INSERT / 5);
}

/** What an exhaustive comparison finds: best first, ties by id. */
export function rank(
  files: readonly PlainFile[],
  query: Float32Array,
): { id: number; score: number }[] {
  return files
    .map(({ id, vector }) => ({
      id,
      score: vector.reduce((sum, value, index) => sum + value * (query[index] ?? 0), 0),
    }))
    .sort((a, b) => b.score - a.score || a.id - b.id);
}
