import type { Core } from '@strapi/strapi';
import { rowKey, type FileNames, type LocatedUse, type RawUse } from './contract';
import { createDatabaseTables, type DatabaseTables } from './database-tables';
import { describeEntries } from './entry-descriptions';
import { findEntryPaths } from './entry-paths';
import { groupBy } from './grouping';
import { loadFiles, namesOf } from './library-files';
import { findModel } from './models';
import { findOtherRelationUses } from './other-relations';
import { readRelationRows, type RelationRow } from './relation-rows';
import { findTextUses } from './text-uses';

/**
 * Every place that uses one of these files, by file id, in all locales, drafts and published versions: media fields
 * of content types, components and dynamic zones, other relations, and texts that name the file. Reads all texts of the
 * project's content, so it is asked before a merge and not for a list. Not looked at: what Strapi keeps of old
 * versions of entries (content history), and places outside the database. Ids that are no files have no uses.
 */
export async function findUsage(
  strapi: Core.Strapi,
  fileIds: readonly number[],
): Promise<Map<number, LocatedUse[]>> {
  const files = await loadFiles(strapi, fileIds);
  const tables = createDatabaseTables(strapi);
  const { relations, others } = await readUses(tables, files.map(namesOf));
  const uses = await locateUses(tables, [...relations.map(toRawUse), ...others]);
  return groupBy(uses, ({ fileId }) => fileId);
}

export interface Uses {
  /** Values of media fields, those of fields that are no more included. */
  relations: RelationRow[];
  /** All other uses. */
  others: RawUse[];
}

export async function readUses(tables: DatabaseTables, files: readonly FileNames[]): Promise<Uses> {
  const ids = files.map(({ id }) => id);
  return {
    relations: await readRelationRows(tables, ids),
    others: [...(await findOtherRelationUses(tables, ids)), ...(await findTextUses(tables, files))],
  };
}

export function toRawUse({ fileId, ownerUid, ownerId, field }: RelationRow): RawUse {
  return {
    ...{ fileId, uid: ownerUid, rowId: ownerId, attribute: field },
    kind: 'relation',
    obstacle: null,
  };
}

/** The entries that these uses are in. What no entry reaches, and fields that are no more, are no uses. */
export async function locateUses(
  tables: DatabaseTables,
  uses: readonly RawUse[],
): Promise<LocatedUse[]> {
  const living = uses.filter(
    ({ uid, attribute }) => findModel(tables.strapi, uid)?.attributes[attribute] !== undefined,
  );
  const paths = await findEntryPaths(tables, distinctRows(living));
  const entries = await describeEntries(tables, [...paths.values()].flat());
  return living.flatMap((use) => {
    const { fileId, kind, obstacle, uid, rowId, attribute } = use;
    return (paths.get(rowKey(use)) ?? []).flatMap(({ path, ...entry }) => {
      const description = entries.get(rowKey({ uid: entry.uid, rowId: entry.entryId }));
      if (!description) return [];
      const fullPath = path === '' ? attribute : `${path}.${attribute}`;
      const row = { uid, rowId, attribute };
      return [{ ...description, fileId, kind, obstacle, path: fullPath, row }];
    });
  });
}

function distinctRows(uses: readonly RawUse[]): RawUse[] {
  return [...new Map(uses.map((use) => [rowKey(use), use])).values()];
}
