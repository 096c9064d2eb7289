import type { Core } from '@strapi/strapi';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import type { FileTraits } from '../../../plugin/src/contracts/search';
import { FILE_UID } from '../plugin-id';
import { createDatabaseTables, type DatabaseTables } from '../usage/database-tables';
import { fileReferences, type FileReference } from '../usage/file-references';

/**
 * Filters as Strapi's database takes them beside `where`: told which model a query is for and by which name it calls
 * the rows. What a query populates is asked for with the same filters.
 */
export type TraitFilters = (query: { uid: string; qb: { alias: string } }) => object | null;

type Condition = (files: string) => object;

/**
 * What is asked of files that Strapi's filters cannot say, as conditions of one query; undefined when nothing is.
 *
 * A file is unused when no relation row names it: no media field, whether its field still exists or not, and no other
 * relation of a content type or a component. Texts that show a file by its address are not looked at.
 */
export function toTraitFilters(
  strapi: Core.Strapi,
  { orientation, unused, hasAlternativeText }: FileTraits = {},
): TraitFilters | undefined {
  const tables = createDatabaseTables(strapi);
  const conditions = [
    ...(orientation === undefined ? [] : [orientationCondition(tables, orientation)]),
    ...(unused === undefined ? [] : [unusedCondition(tables, unused)]),
    ...(hasAlternativeText === undefined ? [] : [alternativeTextCondition(hasAlternativeText)]),
  ];
  if (conditions.length === 0) return undefined;
  return ({ uid, qb }) =>
    uid === FILE_UID ? { $and: conditions.map((condition) => condition(qb.alias)) } : null;
}

/** A side that is so much longer is not as long. Decimals, because a product of integers may be too large for one. */
const LONGER = `?? * ${String(100 + apiLimits.squareTolerancePercent)}.0 / 100`;

function orientationCondition(
  tables: DatabaseTables,
  orientation: NonNullable<FileTraits['orientation']>,
): Condition {
  return (files) => {
    const longerThan = (attribute: string): unknown =>
      tables.strapi.db.connection.raw(LONGER, [`${files}.${tables.columnOf(FILE_UID, attribute)}`]);
    switch (orientation) {
      case 'landscape':
        return { width: { $gt: longerThan('height') } };
      case 'portrait':
        return { height: { $gt: longerThan('width') } };
      case 'square':
        return {
          $and: [
            { width: { $lte: longerThan('height') } },
            { height: { $lte: longerThan('width') } },
          ],
        };
    }
  };
}

function unusedCondition(tables: DatabaseTables, unused: boolean): Condition {
  const references = fileReferences(tables);
  return (files) => {
    const uses = references.map((reference) => idsOfUsed(tables, reference, files));
    return unused
      ? { $and: uses.map((ids) => ({ id: { $notIn: ids } })) }
      : { $or: uses.map((ids) => ({ id: { $in: ids } })) };
  };
}

/** The id of the very file that a query looks at, if it is used: the index of the relation's table answers that. */
function idsOfUsed(
  tables: DatabaseTables,
  { tableName, fileColumn, typeColumn }: FileReference,
  files: string,
) {
  const query = tables
    .table(`${tableName} as uses`)
    .select(`uses.${fileColumn}`)
    .whereRaw('?? = ??', [`uses.${fileColumn}`, `${files}.id`]);
  return typeColumn === undefined ? query : query.where(`uses.${typeColumn}`, FILE_UID);
}

function alternativeTextCondition(hasAlternativeText: boolean): Condition {
  return () =>
    hasAlternativeText
      ? { alternativeText: { $notNull: true, $ne: '' } }
      : { $or: [{ alternativeText: { $null: true } }, { alternativeText: { $eq: '' } }] };
}
