import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { IndexState } from '../../../plugin/src/indexing/contract';
import { FILE_UID, INDEX_ENTRY_UID } from '../plugin-id';

/** States in which an entry waits for nothing. */
const SETTLED: readonly IndexState[] = ['indexed', 'skipped', 'failed'];

/** PostgreSQL and MySQL answer counts as text. */
const countSchema = z.object({ pictures: z.coerce.number() });

/**
 * Pictures of the library that are not in the index of a space: those that wait in its queue, and those that the queue
 * has not heard of. In one statement, for two counts cannot tell: entries may outlive their files for a while.
 */
export async function countMissingPictures({ db }: Core.Strapi, spaceId: string): Promise<number> {
  const files = db.metadata.get(FILE_UID).tableName;
  const entries = db.metadata.get(INDEX_ENTRY_UID).tableName;
  const settled = db
    .getConnection(entries)
    .where('space_id', spaceId)
    .whereIn('state', [...SETTLED])
    .whereRaw('?? = ??', [`${entries}.file_id`, `${files}.id`]);
  const row: unknown = await db
    .getConnection(files)
    .where('mime', 'like', 'image/%')
    .whereNotExists(settled)
    .count({ pictures: '*' })
    .first();
  return countSchema.parse(row).pictures;
}
