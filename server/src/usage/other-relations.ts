import { FILE_UID } from '../plugin-id';
import type { RawUse } from './contract';
import { chunksOf, type DatabaseTables } from './database-tables';
import { contentModels } from './models';

const OBSTACLE = 'A relation that is no media field: change it by hand.';

/** A table that names files: which column has the file, which one the row that uses it. */
interface LinkTable {
  uid: string;
  attribute: string;
  tableName: string;
  fileColumn: string;
  ownerColumn: string;
  /** Of a relation to several models: the column that says which. */
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

/** Uses by relations that schemas written by hand may have beside media fields; one statement for each of them. */
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
          uid,
          rowId: Number(row[ownerColumn]),
          attribute,
          obstacle: OBSTACLE,
        });
      }
    }
  }
  return uses;
}

export function linkTables(tables: DatabaseTables): LinkTable[] {
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

/** A project may extend files by relations that content has the other end of. */
function linksFromFiles({ strapi }: DatabaseTables): LinkTable[] {
  const { attributes } = strapi.db.metadata.get(FILE_UID);
  const content = new Set(contentModels(strapi).map(({ uid }) => uid));
  return Object.values(attributes).flatMap((attribute) => {
    const { target, inversedBy, joinTable } = attribute as unknown as RelationDefinition;
    if (inversedBy === undefined || !joinTable?.inverseJoinColumn) return [];
    // Folders have files as well, and are no content.
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
