import { chunksOf, type DatabaseTables } from '../usage/database-tables';
import { groupBy } from '../usage/grouping';
import type { LibraryFile } from '../usage/library-files';
import { findModel } from '../usage/models';
import { relationTable, type RelationRow } from '../usage/relation-rows';

/** The rows that must change so that media fields have the kept file where they have a copy. */
export interface RelationChange {
  /** These name the kept file from now on; where they stand in their field does not change. */
  repointed: number[];
  /** These go, because their field has the kept file already, or gets it in the place of another copy. */
  dropped: number[];
}

/** @param rows those of the kept file and of the copies, in field order */
export function planRelations(
  rows: readonly RelationRow[],
  { keepId, leave }: { keepId: number; leave: (row: RelationRow) => boolean },
): RelationChange {
  const change: RelationChange = { repointed: [], dropped: [] };
  const fields = groupBy(rows, (row) => `${row.ownerUid}#${String(row.ownerId)}.${row.field}`);
  for (const inField of fields.values()) {
    let hasKept = inField.some(({ fileId }) => fileId === keepId);
    for (const row of inField) {
      if (row.fileId === keepId || leave(row)) continue;
      (hasKept ? change.dropped : change.repointed).push(row.id);
      hasKept = true;
    }
  }
  return change;
}

/** Writes past the models: no entry gets a new date, a new version or a hook of its own by a merge. */
export async function writeRelations(
  tables: DatabaseTables,
  { keepId, change }: { keepId: number; change: RelationChange },
): Promise<void> {
  const { name, fileColumn } = relationTable(tables);
  for (const ids of chunksOf(change.repointed)) {
    await tables
      .table(name)
      .whereIn('id', ids)
      .update({ [fileColumn]: keepId });
  }
  for (const ids of chunksOf(change.dropped)) {
    await tables.table(name).whereIn('id', ids).delete();
  }
}

/** Why a media field cannot have this file; null when it can. */
export function relationObstacle(
  { strapi }: DatabaseTables,
  row: RelationRow,
  keep: LibraryFile,
): string | null {
  const allowed = findModel(strapi, row.ownerUid)?.attributes[row.field]?.allowedTypes;
  if (allowed === undefined || allowed.length === 0 || allowed.includes(kindOf(keep))) return null;
  return `The field takes ${allowed.join(', ')} only, and the kept file is of type ${keep.mime}.`;
}

/** As the settings of media fields call it. */
function kindOf({ mime }: LibraryFile): string {
  const [type = ''] = mime.split('/');
  return ['image', 'video', 'audio'].includes(type) ? `${type}s` : 'files';
}
