import { FILE_UID } from '../plugin-id';
import { chunksOf, type DatabaseTables } from './database-tables';

/** One value of a media field: Strapi keeps those of all content types and components in one table. */
export interface RelationRow {
  id: number;
  fileId: number;
  /** Content type or component; one that is there no more has left its rows behind. */
  ownerUid: string;
  ownerId: number;
  field: string;
  order: number | null;
}

interface JoinTable {
  name: string;
  joinColumn: { name: string };
  morphColumn: { idColumn: { name: string }; typeColumn: { name: string } };
}

/** Names of the table and of its columns that differ with the names of Strapi's models. */
export function relationTable(tables: DatabaseTables) {
  const { related } = tables.strapi.db.metadata.get(FILE_UID).attributes;
  const { name, joinColumn, morphColumn } = (related as unknown as { joinTable: JoinTable })
    .joinTable;
  return {
    name,
    fileColumn: joinColumn.name,
    ownerColumn: morphColumn.idColumn.name,
    typeColumn: morphColumn.typeColumn.name,
  };
}

/** Every value of a media field that is one of these files, whether its field still exists or not, in field order. */
export async function readRelationRows(
  tables: DatabaseTables,
  fileIds: readonly number[],
): Promise<RelationRow[]> {
  const { name, fileColumn, ownerColumn, typeColumn } = relationTable(tables);
  const found: RelationRow[] = [];
  for (const ids of chunksOf(fileIds)) {
    const rows: Record<string, unknown>[] = await tables
      .table(name)
      .select(['id', fileColumn, ownerColumn, typeColumn, 'field', 'order'])
      .whereIn(fileColumn, ids)
      .orderBy(['order', 'id']);
    for (const row of rows) {
      found.push({
        id: Number(row['id']),
        fileId: Number(row[fileColumn]),
        ownerUid: String(row[typeColumn]),
        ownerId: Number(row[ownerColumn]),
        field: String(row['field']),
        order: row['order'] === null ? null : Number(row['order']),
      });
    }
  }
  return found;
}
