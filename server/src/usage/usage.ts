import type { Core } from '@strapi/strapi';
import type { FileUse } from '../../../plugin/src/contracts/merging';
import type { FileNames, LocatedUse, RawUse } from './contract';
import { createDatabaseTables, type DatabaseTables, groupBy } from './database-tables';
import { describeEntries, findEntryPaths, rowKey } from './entries';
import { loadFiles, namesOf } from './library-files';
import { findModel } from './models';
import { findOtherRelationUses, readRelationRows, type RelationRow } from './relations';
import { findSettingUses, isSetting, locateSetting } from './settings';
import { findIdUses, findTextUses } from './texts';

/**
 * Every use of these files, by file id, in all locales, drafts and published versions: media fields of content types,
 * components and dynamic zones, other relations, texts that refer to the file, numbers that are or may be its id, and
 * Strapi's settings, such as e-mail templates. It scans all texts of the project's content, so call it for a merge, not
 * for a list. It does not search content history or anything outside the database.
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
  /** Values of media fields, including fields that no longer exist. */
  relations: RelationRow[];
  /** All other uses. */
  others: RawUse[];
}

export async function readUses(tables: DatabaseTables, files: readonly FileNames[]): Promise<Uses> {
  const ids = files.map(({ id }) => id);
  const texts = [...(await findTextUses(tables, files)), ...(await findSettingUses(tables, files))];
  const known = new Set(texts.map(fieldKey));
  const inIds = await findIdUses(tables, ids);
  return {
    relations: await readRelationRows(tables, ids),
    others: [
      ...(await findOtherRelationUses(tables, ids)),
      ...texts,
      ...inIds.filter((use) => !known.has(fieldKey(use))),
    ],
  };
}

function fieldKey({ attribute, fileId, rowId, uid }: RawUse): string {
  return [fileId, uid, rowId, attribute].join(' ');
}

export function toRawUse({ fileId, ownerUid, ownerId, field }: RelationRow): RawUse {
  return {
    fileId,
    uid: ownerUid,
    rowId: ownerId,
    attribute: field,
    kind: 'relation',
    certainty: 'sure',
    mention: null,
    obstacle: null,
  };
}

/** Finds the entries of these uses; drops orphaned rows and fields that no longer exist. */
export async function locateUses(
  tables: DatabaseTables,
  uses: readonly RawUse[],
): Promise<LocatedUse[]> {
  const living = uses.filter(
    ({ uid, attribute }) => findModel(tables.strapi, uid)?.attributes[attribute] !== undefined,
  );
  const paths = await findEntryPaths(tables, distinctRows(living));
  const entries = await describeEntries(tables, [...paths.values()].flat());
  const inContent = living.flatMap((use): LocatedUse[] => {
    const { fileId, kind, certainty, mention, urls, obstacle, uid, rowId, attribute } = use;
    return (paths.get(rowKey(use)) ?? []).flatMap(({ path, ...entry }) => {
      const description = entries.get(rowKey({ uid: entry.uid, rowId: entry.entryId }));
      if (!description) return [];
      const fullPath = path === '' ? attribute : `${path}.${attribute}`;
      const row = { uid, rowId, attribute };
      const place = { path: fullPath, row, ...(urls && { urls }) };
      return [{ ...description, fileId, kind, certainty, mention, obstacle, ...place }];
    });
  });
  return [...inContent, ...uses.filter(isSetting).map(locateSetting)];
}

function distinctRows(uses: readonly RawUse[]): RawUse[] {
  return [...new Map(uses.map((use) => [rowKey(use), use])).values()];
}

export function toFileUse(use: LocatedUse): FileUse {
  const { kind, certainty, mention, contentType, documentId, entryId } = use;
  const { locale, status, path, title, obstacle } = use;
  return {
    kind,
    certainty,
    mention,
    contentType,
    documentId,
    entryId,
    locale,
    status,
    path,
    title,
    obstacle,
  };
}
