import { FILE_UID } from '../plugin-id';
import type { RawUse } from './contract';
import { chunksOf, type DatabaseTables } from './database-tables';
import { contentModels } from './models';
import { obstacle } from './obstacles';

/** A table that references files: the columns of the file and of the row that uses it. */
interface LinkTable {
  uid: string;
  attribute: string;
  tableName: string;
  fileColumn: string;
  ownerColumn: string;
  /** For a relation to several models: the column with the model. */
  typeColumn?: string;
}

interface RelationDefinition {
  target?: string;
  inversedBy?: string;
  joinTable?: {
    name: string;
    joinColumn: { name: string };
    inverseJoinColumn?: { name: string };
    morphColumn?: MorphColumn;
  };
  joinColumn?: { name: string };
  morphColumn?: MorphColumn;
}

interface MorphColumn {
  idColumn: { name: string };
  typeColumn: { name: string };
}

/** Uses by relations other than media fields, which schemas written by hand may have; one statement for each. */
export async function findOtherRelationUses(
  tables: DatabaseTables,
  fileIds: readonly number[],
): Promise<RawUse[]> {
  const uses: RawUse[] = [];
  for (const link of linkTables(tables)) {
    const { uid, attribute, tableName, fileColumn, ownerColumn, typeColumn } = link;
    for (const ids of chunksOf(fileIds)) {
      const query = tables.table(tableName).select([fileColumn, ownerColumn]);
      if (typeColumn !== undefined) void query.where(typeColumn, FILE_UID);
      const rows: Record<string, unknown>[] = await query.whereIn(fileColumn, ids);
      for (const row of rows) {
        uses.push({
          fileId: Number(row[fileColumn]),
          kind: 'relation',
          certainty: 'sure',
          mention: null,
          uid,
          rowId: Number(row[ownerColumn]),
          attribute,
          obstacle: obstacle('relation'),
        });
      }
    }
  }
  return uses;
}

function linkTables(tables: DatabaseTables): LinkTable[] {
  return [...linksFromContent(tables), ...linksFromFiles(tables)];
}

function linksFromContent(tables: DatabaseTables): LinkTable[] {
  const { metadata } = tables.strapi.db;
  return contentModels(tables.strapi).flatMap(({ uid, attributes }) =>
    Object.entries(attributes).flatMap(([attribute, { type, target, relation, mappedBy }]) => {
      const mayNameFiles = target === FILE_UID || relation?.startsWith('morphTo') === true;
      if (type !== 'relation' || !mayNameFiles || mappedBy !== undefined) return [];
      const definition = metadata.get(uid).attributes[attribute] as unknown as RelationDefinition;
      return toLinkTable({ uid, attribute }, definition, metadata.get(uid).tableName);
    }),
  );
}

/** A project may extend the file model with relations whose other end is content. */
function linksFromFiles({ strapi }: DatabaseTables): LinkTable[] {
  const { attributes } = strapi.db.metadata.get(FILE_UID);
  const content = new Set(contentModels(strapi).map(({ uid }) => uid));
  return Object.values(attributes).flatMap((attribute) => {
    const { target, inversedBy, joinTable } = attribute as unknown as RelationDefinition;
    if (inversedBy === undefined || !joinTable?.inverseJoinColumn) return [];
    // Folders have files too but are not content.
    if (target === undefined || !content.has(target)) return [];
    return [
      {
        uid: target,
        attribute: inversedBy,
        tableName: joinTable.name,
        fileColumn: joinTable.joinColumn.name,
        ownerColumn: joinTable.inverseJoinColumn.name,
      },
    ];
  });
}

function toLinkTable(
  place: Pick<LinkTable, 'uid' | 'attribute'>,
  { joinTable, joinColumn, morphColumn }: RelationDefinition,
  ownTable: string,
): LinkTable[] {
  if (joinTable) {
    const { name, inverseJoinColumn, morphColumn: morph } = joinTable;
    const fileColumn = morph?.idColumn.name ?? inverseJoinColumn?.name;
    if (fileColumn === undefined) return [];
    const link = { ...place, tableName: name, fileColumn, ownerColumn: joinTable.joinColumn.name };
    return [morph ? { ...link, typeColumn: morph.typeColumn.name } : link];
  }
  if (joinColumn) {
    return [{ ...place, tableName: ownTable, fileColumn: joinColumn.name, ownerColumn: 'id' }];
  }
  if (!morphColumn) return [];
  const { idColumn, typeColumn } = morphColumn;
  const fileColumn = idColumn.name;
  return [
    { ...place, tableName: ownTable, fileColumn, ownerColumn: 'id', typeColumn: typeColumn.name },
  ];
}

/** One value of a media field; Strapi stores those of all content types and components in one table. */
export interface RelationRow {
  id: number;
  fileId: number;
  /** Content type or component; a deleted one leaves its rows behind. */
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

/** Names of the table and of its columns, derived from Strapi's models. */
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

/** All values of media fields that are these files, in field order, even if the field no longer exists. */
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
    found.push(...rows.map((row) => toRelationRow(tables, row)));
  }
  return found;
}

/** @param row with the table's columns, named as they are */
export function toRelationRow(tables: DatabaseTables, row: Record<string, unknown>): RelationRow {
  const { fileColumn, ownerColumn, typeColumn } = relationTable(tables);
  return {
    id: Number(row['id']),
    fileId: Number(row[fileColumn]),
    ownerUid: String(row[typeColumn]),
    ownerId: Number(row[ownerColumn]),
    field: String(row['field']),
    order: row['order'] === null ? null : Number(row['order']),
  };
}

/** A column that contains ids of used files. */
export interface FileReference {
  tableName: string;
  fileColumn: string;
  /** The column with the id's model, if it can be one of several. */
  typeColumn?: string;
}

/** Every relation by which content uses files: media fields (which share a table) and others. */
export function fileReferences(tables: DatabaseTables): FileReference[] {
  const { name, fileColumn } = relationTable(tables);
  return [{ tableName: name, fileColumn }, ...linkTables(tables)];
}
