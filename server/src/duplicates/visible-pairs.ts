import type { Core } from '@strapi/strapi';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { FILE_UID } from '../plugin-id';
import { chunksOf } from '../usage/database-tables';

/**
 * Those of the pairs that a caller may see: it sees both files. Of a merged pair, whose one file was deleted, it sees
 * the file that is left.
 */
export async function keepVisiblePairs(
  strapi: Core.Strapi,
  visible: Pick<VisibleFiles<unknown>, 'keepReadable'>,
  pairs: readonly DuplicatePair[],
): Promise<DuplicatePair[]> {
  const readable = await visible.keepReadable(filesOf(pairs));
  const hidden = filesOf(pairs.filter(({ status }) => status === 'merged')).filter(
    (id) => !readable.has(id),
  );
  const existing = await findExisting(strapi, hidden);
  return pairs.filter(({ fileA, fileB, status }) => {
    const files = [fileA, fileB];
    if (status !== 'merged') return files.every((id) => readable.has(id));
    return files.some((id) => readable.has(id)) && !files.some((id) => existing.has(id));
  });
}

/** Which of these ids are files, whoever may see them. */
export async function findExisting(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<Set<number>> {
  const existing = new Set<number>();
  for (const ids of chunksOf(fileIds)) {
    const rows: { id: number }[] = await strapi.db
      .query(FILE_UID)
      .findMany({ where: { id: { $in: ids } }, select: ['id'] });
    for (const { id } of rows) existing.add(id);
  }
  return existing;
}

export function filesOf(pairs: readonly Pick<DuplicatePair, 'fileA' | 'fileB'>[]): number[] {
  return [...new Set(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]))];
}
