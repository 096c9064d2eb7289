import type { Core } from '@strapi/strapi';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import type { FileTraits } from '../../../plugin/src/contracts/search';
import { ImageSearchError } from '../../../plugin/src/errors';
import {
  MOST_COUNTED,
  MOST_SORTED,
  type FacetName,
  type FileOrder,
  type VisibleFiles,
} from '../../../plugin/src/search/contract';
import type { WordField } from '../../../plugin/src/text/contract';
import { conditionOn, libraryOf } from '../assets/library';
import { colorCondition } from '../repositories/image-colors';
import { tagCondition } from '../repositories/image-tags';
import { trashedFileIds } from '../merging/journal';
import { FILE_UID, IMAGE_TRACE_UID } from '../plugin-id';
import {
  chunksOf,
  createDatabaseTables,
  type DatabaseTables,
  type TableQuery,
} from '../usage/database-tables';
import { fileReferences, type FileReference } from '../usage/relations';
import { countFiles, foldersOf, type KeptCounts } from './facets';

/** An upload file as a caller sees it. */
export type FileView = Record<string, unknown> & { id: number };

interface VisibleFilesOptions {
  strapi: Core.Strapi;
  /** Strapi filters for the files that the caller can see; empty for all. */
  permission: Record<string, unknown>;
  /** The caller's Strapi filters, validated and sanitized; empty for none. */
  filters: Record<string, unknown>;
  /** The caller's conditions that Strapi filters can't express. */
  traits?: FileTraits | undefined;
  /** A further condition on every file, as `traits` are. */
  condition?: Condition;
  populate: Record<string, unknown>;
  /** The fields whose words the caller may search. */
  wordFields: readonly WordField[];
  /** Where counts of all that pass the filters are kept for a while. */
  keptCounts?: KeptCounts;
  /** Whether merged copies in the trash are among them. */
  includesTrash?: boolean;
  /** Removes the fields that the caller can't see from a row. */
  sanitize: (row: FileView) => Promise<unknown>;
}

/** The model and alias of a query in Strapi's database layer. */
interface Scope {
  where: object;
  filters?: TraitFilters | undefined;
}

interface FileQuery {
  where: object;
  select?: string[];
  populate?: object;
  orderBy?: object;
  limit?: number;
}

/** The Media Library's files as one caller sees them, read from Strapi's database each time. */
export function createVisibleFiles(options: VisibleFilesOptions): VisibleFiles<FileView> {
  const { strapi, permission, filters, populate, sanitize } = options;
  const reader = createReader(options);
  const { findReadable, findVisible } = reader;
  return {
    wordFields: options.wordFields,
    isNarrowed: !isEmpty(permission) || !isEmpty(filters) || reader.hasTraits,

    async listIds(limit) {
      const rows = await findVisible({ where: {}, select: ['id'], limit: limit + 1 });
      return rows.length > limit ? null : uniqueIds(rows);
    },

    async listIdsAfter(after, limit) {
      const where = { id: { $gt: after } };
      const rows = await findVisible({ where, select: ['id'], orderBy: { id: 'asc' }, limit });
      const ids = uniqueIds(rows);
      return { ids, nextCursor: rows.length < limit ? null : (ids.at(-1) ?? null) };
    },

    async listImages({ start, limit, sort = NEWEST_FIRST }) {
      const where = libraryOf(strapi).condition();
      const rows = await findVisible({ where, ...toOrder(sort), limit: start + limit + 1 });
      const ids = uniqueIds(rows);
      return { ids: ids.slice(start, start + limit), hasMore: rows.length > start + limit };
    },

    async sortVisible(fileIds, sort) {
      const where = { id: { $in: [...fileIds] } };
      return uniqueIds(await findVisible({ where, ...toOrder(sort), limit: MOST_SORTED }));
    },

    countFacets: (facets, fileIds) => reader.countFacets(facets, fileIds),

    async foldersOf(fileIds) {
      const rows: FileView[] = [];
      for (const ids of chunksOf(fileIds)) {
        const where = { id: { $in: ids } };
        rows.push(...(await findVisible({ where, select: ['id', 'folderPath'] })));
      }
      return foldersOf(strapi, rows);
    },

    countImages: reader.countImages,

    filterReadable: (fileIds) => keep(fileIds, findReadable),

    filterVisible: (fileIds) => keep(fileIds, findVisible),

    async load(fileIds) {
      const rows = await findVisible({ where: { id: { $in: fileIds } }, populate });
      const fileService = strapi.plugin('upload').service('file');
      const views = rows.map(async (row): Promise<[number, FileView]> => {
        const signed = (await fileService.signFileUrls(row)) as FileView;
        return [row.id, (await sanitize(signed)) as FileView];
      });
      return new Map(await Promise.all(views));
    },
  };
}

/** Reads files that a caller may see, and those of them that match its filters: the visible ones. */
function createReader(options: VisibleFilesOptions) {
  const { strapi, permission, includesTrash = false } = options;
  const traits = toTraitFilters(strapi, options.traits, options.condition);
  const readable: Scope = { where: toWhere(strapi, permission) };
  const wanted = toWhere(strapi, options.filters);
  const visible: Scope = {
    where: readable.where,
    filters: (query) => ({
      $and: [
        query.uid === FILE_UID ? byDisplayedSides(strapi, wanted, query.qb.alias) : {},
        traits?.(query) ?? {},
      ],
    }),
  };
  const files = () => strapi.db.query(FILE_UID);

  function within(scope: Scope, condition: object): Scope {
    const where: object[] = [scope.where, condition];
    if (!includesTrash) where.push({ id: { $notIn: trashedFileIds(strapi) } });
    return { ...scope, where: { $and: where } };
  }

  function find(scope: Scope, query: FileQuery): Promise<FileView[]> {
    return files().findMany({ ...query, ...within(scope, query.where) });
  }

  /** Strapi validates a filter's fields, not its values: only the database knows which values are valid. */
  async function blamingFilters<Found>(read: () => Promise<Found>): Promise<Found> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ImageSearchError) throw error;
      // If the query works without the filters, they are at fault.
      await find({ ...readable, filters: traits }, { where: {}, select: ['id'], limit: 1 });
      throw new ImageSearchError({
        code: 'invalid-input',
        message: "filters: a value doesn't match its field or operator.",
        retryable: false,
        cause: error,
      });
    }
  }

  /** Of these files, or of all images. */
  async function countFacets(facets: readonly FacetName[], fileIds?: readonly number[]) {
    const condition = fileIds ? { id: { $in: [...fileIds] } } : libraryOf(strapi).condition();
    const params = within(visible, condition);
    // What a project adds to Strapi's queries holds for this one, too.
    await strapi.db.lifecycles.run('beforeFindMany', FILE_UID, { params });
    // More than there are: none of these files is left out.
    const limit = fileIds ? fileIds.length + 1 : MOST_COUNTED;
    const kept = fileIds ? undefined : options.keptCounts;
    return countFiles(strapi, { facets, limit, query: params, kept });
  }

  return {
    hasTraits: traits !== undefined,
    findReadable: (query: FileQuery) => find(readable, query),
    findVisible: (query: FileQuery) => blamingFilters(() => find(visible, query)),
    countImages: () =>
      blamingFilters(() => files().count(within(visible, libraryOf(strapi).condition()))),
    countFacets: (facets: readonly FacetName[], fileIds?: readonly number[]) =>
      blamingFilters(() => countFacets(facets, fileIds)),
  };
}

/** Filters by relations may find a file several times. */
function uniqueIds(rows: readonly { id: number }[]): number[] {
  return [...new Set(rows.map(({ id }) => id))];
}

/** Those of these files that a query finds. */
async function keep(
  fileIds: readonly number[],
  find: (query: FileQuery) => Promise<{ id: number }[]>,
): Promise<Set<number>> {
  const kept = new Set<number>();
  for (const ids of chunksOf(fileIds)) {
    for (const { id } of await find({ where: { id: { $in: ids } }, select: ['id'] })) kept.add(id);
  }
  return kept;
}

function toWhere(strapi: Core.Strapi, filters: Record<string, unknown>): object {
  const { where } = strapi.get('query-params').transform(FILE_UID, { filters }) as {
    where?: object;
  };
  return where ?? {};
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/**
 * A filter as Strapi's database layer takes it beside `where`: called with the model and alias of a query, and again
 * for each relation that the query populates.
 */
type TraitFilters = (query: { uid: string; qb: { alias: string } }) => object | null;

/** As a Strapi condition on the files that a query calls by this alias. */
export type Condition = (files: string) => object;

/**
 * Conditions on files that Strapi's filters can't express, for one query; undefined if there are none.
 *
 * A file is unused if no relation row references it: no media field (even one that no longer exists) and no other
 * relation of a content type or component. Texts that embed a file by its URL are not searched.
 */
function toTraitFilters(
  strapi: Core.Strapi,
  { color, colorTolerance, kind, orientation, tags, unused, hasAlternativeText }: FileTraits = {},
  condition?: Condition,
): TraitFilters | undefined {
  const tables = createDatabaseTables(strapi);
  const ofColor = colorCondition(tables, { color, colorTolerance });
  const tagged = tagCondition(tables, tags);
  const conditions = [
    ...(condition === undefined ? [] : [condition]),
    ...(kind === undefined ? [] : [() => conditionOn([kind])]),
    ...(orientation === undefined ? [] : [orientationCondition(tables, orientation)]),
    ...(unused === undefined ? [] : [unusedCondition(tables, unused)]),
    ...(hasAlternativeText === undefined ? [] : [alternativeTextCondition(hasAlternativeText)]),
    ...(ofColor === null ? [] : [ofColor]),
    ...(tagged === null ? [] : [tagged]),
  ];
  if (conditions.length === 0) return undefined;
  return ({ uid, qb }) =>
    uid === FILE_UID ? { $and: conditions.map((condition) => condition(qb.alias)) } : null;
}

/** Sides that differ by this factor are not equal. A decimal, because a product of integers may overflow. */
const LONGER = `?? * ${String(100 + apiLimits.squareTolerancePercent)}.0 / 100`;

/**
 * By the sides as displayed, which the index knows. Strapi has those before EXIF orientation, and none of an AVIF, but
 * they're all there is of an image that wasn't read yet.
 */
function orientationCondition(
  tables: DatabaseTables,
  orientation: NonNullable<FileTraits['orientation']>,
): Condition {
  return (files) => {
    const read = idsOfRead(tables, files);
    const isLonger = (longer: Side, shorter: Side, query: TableQuery) =>
      query.whereRaw(`?? > ${LONGER}`, [`sides.${longer}`, `sides.${shorter}`]);
    const isNotLonger = (longer: Side, shorter: Side, query: TableQuery) =>
      query.whereRaw(`?? <= ${LONGER}`, [`sides.${longer}`, `sides.${shorter}`]);
    const stored = (attribute: Side): unknown =>
      tables.strapi.db.connection.raw(LONGER, [`${files}.${tables.columnOf(FILE_UID, attribute)}`]);
    const displayedOrStored = (ids: TableQuery, condition: object): object => ({
      $or: [{ id: { $in: ids } }, { $and: [{ id: { $notIn: read } }, condition] }],
    });
    switch (orientation) {
      case 'landscape':
        return displayedOrStored(isLonger('width', 'height', idsOfRead(tables, files)), {
          width: { $gt: stored('height') },
        });
      case 'portrait':
        return displayedOrStored(isLonger('height', 'width', idsOfRead(tables, files)), {
          height: { $gt: stored('width') },
        });
      case 'square': {
        const isNotWide = isNotLonger('width', 'height', idsOfRead(tables, files));
        return displayedOrStored(isNotLonger('height', 'width', isNotWide), {
          $and: [{ width: { $lte: stored('height') } }, { height: { $lte: stored('width') } }],
        });
      }
    }
  };
}

type Side = 'width' | 'height';

/**
 * The id of the file in a query's current row, if its displayed sides are known. Those of drawings are the model's
 * choice.
 */
function idsOfRead(tables: DatabaseTables, files: string): TableQuery {
  return tables
    .table(`${tables.tableOf(IMAGE_TRACE_UID)} as sides`)
    .select('sides.file_id')
    .whereRaw('?? = ??', ['sides.file_id', `${files}.id`])
    .whereRaw('?? <> ?', [`${files}.mime`, DRAWING_TYPE]);
}

const DRAWING_TYPE = 'image/svg+xml';

/** The caller's filters, with those by width and height replaced by ones by the sides as displayed. */
function byDisplayedSides(strapi: Core.Strapi, where: object, files: string): object {
  const tables = createDatabaseTables(strapi);

  function rewrite(condition: unknown): unknown {
    if (Array.isArray(condition)) return condition.map(rewrite);
    if (condition === null || typeof condition !== 'object') return condition;
    const parts = Object.entries(condition).map(([key, value]: [string, unknown]) => {
      if (['$and', '$or', '$not'].includes(key)) return { [key]: rewrite(value) };
      if (key !== 'width' && key !== 'height') return { [key]: value };
      const { sql, bindings } = toSql(`sides.${key}`, value);
      const ids = idsOfRead(tables, files).whereRaw(sql, bindings);
      const unread = { $and: [{ id: { $notIn: idsOfRead(tables, files) } }, { [key]: value }] };
      return { $or: [{ id: { $in: ids } }, unread] };
    });
    return parts.length === 1 ? parts[0] : { $and: parts };
  }

  return rewrite(where) as object;
}

/** Strapi's operators in SQL on a column that is never null. */
const comparisons: Record<string, string> = {
  $eq: '=',
  $ne: '<>',
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
};

interface Sql {
  sql: string;
  bindings: (string | number)[];
}

const EVERY: Sql = { sql: '1 = 1', bindings: [] };
const NONE: Sql = { sql: '1 = 0', bindings: [] };

/** A condition on one field in Strapi's form, as SQL on a column of numbers that is never null. */
function toSql(column: string, condition: unknown): Sql {
  if (typeof condition !== 'object' || condition === null) {
    return operatorToSql(column, '$eq', condition);
  }
  const parts = Object.entries(condition).map(([operator, value]) =>
    operatorToSql(column, operator, value),
  );
  if (parts.length === 0) return EVERY;
  return {
    sql: parts.map(({ sql }) => `(${sql})`).join(' and '),
    bindings: parts.flatMap(({ bindings }) => bindings),
  };
}

function operatorToSql(column: string, operator: string, value: unknown): Sql {
  const list = Array.isArray(value) ? (value as unknown[]) : null;
  const numbers = (list ?? [value]).filter(
    (each): each is string | number => typeof each === 'number' || typeof each === 'string',
  );
  const comparison = comparisons[operator];
  if (comparison !== undefined && value === null) return operator === '$ne' ? EVERY : NONE;
  if (comparison !== undefined && list === null && numbers.length === 1) {
    return { sql: `?? ${comparison} ?`, bindings: [column, ...numbers] };
  }
  if (operator === '$null' || operator === '$notNull') {
    return (operator === '$notNull') === (value === true || value === 'true') ? EVERY : NONE;
  }
  if (operator === '$not') {
    const { sql, bindings } = toSql(column, value);
    return { sql: `not (${sql})`, bindings };
  }
  if (operator === '$in' || operator === '$notIn') {
    const isIn = operator === '$in';
    if (numbers.length === 0) return isIn ? NONE : EVERY;
    const places = numbers.map(() => '?').join(', ');
    return { sql: `?? ${isIn ? '' : 'not '}in (${places})`, bindings: [column, ...numbers] };
  }
  if (operator === '$between' && numbers.length === 2) {
    return { sql: '?? between ? and ?', bindings: [column, ...numbers] };
  }
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `filters: "${operator}" with this value doesn't work for width and height. Use $eq, $ne, $gt, $gte, $lt, $lte, $in, $notIn or $between with numbers.`,
    retryable: false,
  });
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

/** The id of the file in a query's current row, if it is used; answered by the index of the relation's table. */
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

const NEWEST_FIRST: readonly FileOrder[] = [{ field: 'createdAt', isDescending: true }];

/** Ties by descending id. Databases that sort by a column want it selected, too. */
function toOrder(sort: readonly FileOrder[]) {
  return {
    select: ['id', ...new Set(sort.map(({ field }) => field))],
    orderBy: [
      ...sort.map(({ field, isDescending }) => ({ [field]: isDescending ? 'desc' : 'asc' })),
      { id: 'desc' },
    ],
  };
}
