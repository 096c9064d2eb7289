import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { DuplicatePair, FoundPair } from '../../../plugin/src/duplicates/contract';
import { DUPLICATE_REVIEW_UID, FILE_UID, IMAGE_TRACE_UID } from '../plugin-id';
import { chunksOf, type DatabaseTables } from '../usage/database-tables';

/** A review of two images. */
interface PriorReview {
  reviewedBy: number | null;
  reviewedAt: Date;
}

/** No row has this id. */
const NO_FILE = 0;

type Compared = Pick<FoundPair, 'contentHashA' | 'contentHashB'>;

/** Two images by their bytes, whichever files have them. */
export function hashesOf({ contentHashA, contentHashB }: Compared): string {
  return [contentHashA, contentHashB].sort().join(' ');
}

const reviewSchema = z.object({
  hashes: z.string(),
  fileA: z.number(),
  fileB: z.number(),
  reviewedBy: z.number().nullable(),
  reviewedAt: z.coerce.date(),
});

/** Reviews of the same bytes of which a file is gone, by `hashesOf`: an import gives every file another id. */
export async function findReviews(
  tables: DatabaseTables,
  pairs: readonly Compared[],
): Promise<Map<string, PriorReview>> {
  const reviews = new Map<string, PriorReview>();
  for (const hashes of chunksOf(new Set(pairs.map(hashesOf)))) {
    const found: unknown[] = await tables.strapi.db
      .query(DUPLICATE_REVIEW_UID)
      .findMany({ where: { hashes: { $in: hashes } } });
    for (const row of found) {
      const { hashes: key, fileA, fileB, reviewedBy, reviewedAt } = reviewSchema.parse(row);
      const [hashA = '', hashB = ''] = key.split(' ');
      // While both files remain, another pair on the same bytes is a copy that nobody reviewed.
      if ((await hasBytes(tables, fileA, hashA)) && (await hasBytes(tables, fileB, hashB)))
        continue;
      reviews.set(key, { reviewedBy, reviewedAt });
    }
  }
  return reviews;
}

/** Whether a file exists and had these bytes when it was last read. */
async function hasBytes(
  tables: DatabaseTables,
  fileId: number,
  contentHash: string,
): Promise<boolean> {
  const [files, traces] = [tables.tableOf(FILE_UID), tables.tableOf(IMAGE_TRACE_UID)];
  const found: unknown = await tables
    .table(traces)
    .select('file_id')
    .where({ file_id: fileId, content_hash: contentHash })
    .whereIn('file_id', tables.table(files).select('id').where({ id: fileId }))
    .first();
  return found !== undefined;
}

/** A review of two images that were told apart, by their bytes. */
export interface Review {
  contentHashes: [string, string];
  reviewedAt: Date;
}

/** All reviews that outlive their pairs, in ascending order of their hashes. */
export async function listReviews(strapi: Core.Strapi): Promise<Review[]> {
  const found: unknown[] = await strapi.db
    .query(DUPLICATE_REVIEW_UID)
    .findMany({ orderBy: { hashes: 'asc' } });
  return found.map((row) => {
    const { hashes, reviewedAt } = reviewSchema.parse(row);
    const [hashA = '', hashB = ''] = hashes.split(' ');
    return { contentHashes: [hashA, hashB], reviewedAt };
  });
}

/**
 * Keeps a review for files that are not there yet, unless these bytes have one: pairs on them are ignored as soon as
 * they are found.
 */
export async function keepReview(
  strapi: Core.Strapi,
  { contentHashes: [contentHashA, contentHashB], reviewedAt }: Review,
): Promise<void> {
  const rows = strapi.db.query(DUPLICATE_REVIEW_UID);
  const hashes = hashesOf({ contentHashA, contentHashB });
  if ((await rows.count({ where: { hashes } })) > 0) return;
  await rows.create({ data: { hashes, fileA: NO_FILE, fileB: NO_FILE, reviewedAt } });
}

/** Both files may be imported under other ids, or uploaded again: the review outlives its pair. */
export async function recordReview(
  strapi: Core.Strapi,
  pair: Omit<DuplicatePair, 'id' | 'verdict' | 'cluster' | 'foundAt'>,
): Promise<void> {
  const rows = strapi.db.query(DUPLICATE_REVIEW_UID);
  const hashes = hashesOf(pair);
  await rows.deleteMany({ where: { hashes } });
  if (pair.status !== 'ignored') return;
  const { contentHashA, contentHashB, reviewedBy, reviewedAt } = pair;
  const isInOrder = contentHashA <= contentHashB;
  const [fileA, fileB] = isInOrder ? [pair.fileA, pair.fileB] : [pair.fileB, pair.fileA];
  const data = { hashes, fileA, fileB, reviewedBy, reviewedAt: reviewedAt ?? new Date() };
  await rows.create({ data });
}
