import type { Core } from '@strapi/strapi';
import { kindOf } from '../../../plugin/src/contracts/file-kinds';
import type {
  FacetCount,
  FacetCounts,
  FacetName,
  Facets,
} from '../../../plugin/src/search/contract';
import { countColorNames } from '../repositories/image-colors';
import { countTags, requireTags } from '../repositories/image-tags';
import { FILE_UID, FOLDER_UID } from '../plugin-id';
import {
  chunksOf,
  createDatabaseTables,
  readRows,
  type DatabaseTables,
  type TableQuery,
} from '../usage/database-tables';

/** Years that one statement counts. */
const YEARS_AT_ONCE = 50;

/**
 * Counts files by facets in the database, which hands over one row for each value.
 *
 * @param options.query of Strapi's database layer, which finds the files
 * @param options.limit files that are counted: the newest
 */
export async function countFiles(
  strapi: Core.Strapi,
  { facets, limit, query }: { facets: readonly FacetName[]; limit: number; query: object },
): Promise<Facets> {
  if (facets.includes('tags')) requireTags(strapi, null);
  const tables = createDatabaseTables(strapi);
  const selectIds = (most: number): TableQuery => {
    const builder = strapi.db.queryBuilder(FILE_UID);
    // By the name that Strapi sorts by, so that the id is selected once, and each file is, too.
    const select = [`${builder.alias}.id`];
    const newest = { ...query, select, orderBy: { id: 'desc' }, limit: most };
    return builder.init(newest).getKnexQuery() as TableQuery;
  };
  const ids = (): TableQuery => selectIds(limit);
  const groups = await countGroups(tables, { facets, ids: ids() });
  const counted = groups.reduce((sum, { count }) => sum + count, 0);
  const facetCounts: FacetCounts = {};
  if (facets.includes('color')) facetCounts.color = inOrder(await countColorNames(strapi, ids()));
  if (facets.includes('kind')) {
    const known = groups.flatMap(({ type, ...group }) => {
      const kind = kindOf(type ?? '');
      return kind === null ? [] : [{ ...group, kind }];
    });
    facetCounts.kind = countBy(known, ({ kind }) => kind);
  }
  if (facets.includes('tags')) facetCounts.tags = inOrder(await countTags(strapi, ids()));
  if (facets.includes('type')) {
    const typed = groups.flatMap(({ type, ...group }) =>
      type === null ? [] : [{ ...group, type }],
    );
    facetCounts.type = countBy(typed, ({ type }) => type);
  }
  if (facets.includes('folder')) {
    const folderIds = await folderIdsOf(strapi, new Set(groups.map(pathIdOf)));
    facetCounts.folder = countBy(groups, (group) => folderIds.get(pathIdOf(group)) ?? null);
  }
  if (facets.includes('year')) {
    const times = groups.flatMap(({ oldest }) => (oldest === null ? [] : [new Date(oldest)]));
    facetCounts.year = inOrder(await countYears(tables, { ids, times }));
  }
  const isLowerBound = counted === limit && (await countIds(tables, selectIds(limit + 1))) > limit;
  return { ...facetCounts, counted, isLowerBound };
}

/** Files of one type in one folder, as far as these are counted. */
interface Group {
  type: string | null;
  folderPath: string | null;
  oldest: DatabaseDate;
  count: number;
}

async function countGroups(
  tables: DatabaseTables,
  { facets, ids }: { facets: readonly FacetName[]; ids: TableQuery },
): Promise<Group[]> {
  const query = filesOf(tables, ids)
    .count({ count: '*' })
    .min({ oldest: createdAtOf(tables) });
  const columns = [
    ...(facets.includes('type') || facets.includes('kind') ? [['type', 'mime'] as const] : []),
    ...(facets.includes('folder') ? [['folderPath', 'folderPath'] as const] : []),
  ];
  for (const [name, attribute] of columns) {
    const column = `files.${tables.columnOf(FILE_UID, attribute)}`;
    void query.select({ [name]: column }).groupBy(column);
  }
  const rows = (await readRows(tables.strapi, query)) as (Partial<Omit<Group, 'count'>> & {
    count?: unknown;
  })[];
  return rows.map(({ count, folderPath = null, oldest = null, type = null }) => ({
    type,
    folderPath,
    oldest,
    // Databases return counts as text or as numbers.
    count: Number(count ?? 0),
  }));
}

async function countIds(tables: DatabaseTables, ids: TableQuery): Promise<number> {
  const query = tables.table(tables.tableOf(FILE_UID));
  void query.from(ids.as('counted') as never);
  void query.count({ count: '*' });
  const [row] = (await readRows(tables.strapi, query)) as { count: unknown }[];
  return Number(row?.count ?? 0);
}

function countBy<Value extends string | number | null, Counted extends { count: number }>(
  groups: readonly Counted[],
  valueOf: (group: Counted) => Value,
): FacetCount<Value>[] {
  const counts = new Map<Value, number>();
  for (const group of groups) {
    const value = valueOf(group);
    counts.set(value, (counts.get(value) ?? 0) + group.count);
  }
  return inOrder([...counts].flatMap(([value, count]) => (count > 0 ? [{ value, count }] : [])));
}

/** As drivers return dates. */
type DatabaseDate = Date | string | number | null;

/**
 * By the first instants of years, as databases disagree about the year of a date and about its time zone. A gap of many
 * years is skipped.
 */
async function countYears(
  tables: DatabaseTables,
  { ids, times }: { ids: () => TableQuery; times: readonly Date[] },
): Promise<FacetCount<number>[]> {
  const createdAt = createdAtOf(tables);
  const counts: FacetCount<number>[] = [];
  let next: DatabaseDate = times.length === 0 ? null : Math.min(...times.map(Number));
  while (next !== null) {
    const first = new Date(next).getUTCFullYear();
    const years = Array.from({ length: YEARS_AT_ONCE }, (_value, index) => first + index);
    const end = startOf(first + YEARS_AT_ONCE);
    const query = filesOf(tables, ids());
    for (const [index, year] of years.entries()) {
      void query.select(
        tables.strapi.db.connection.raw(
          'sum(case when ?? >= ? and ?? < ? then 1 else 0 end) as ??',
          [createdAt, startOf(year), createdAt, startOf(year + 1), `year_${String(index)}`],
        ),
      );
    }
    const later = 'min(case when ?? >= ? then ?? end) as ??';
    void query.select(tables.strapi.db.connection.raw(later, [createdAt, end, createdAt, 'later']));
    const [row = {}] = (await readRows(tables.strapi, query)) as Record<string, DatabaseDate>[];
    for (const [index, value] of years.entries()) {
      const count = Number(row[`year_${String(index)}`] ?? 0);
      if (count > 0) counts.push({ value, count });
    }
    next = row['later'] ?? null;
  }
  return counts;
}

/** Also of years before 100, which `Date.UTC` takes for ones of the 20th century. */
function startOf(year: number): Date {
  const start = new Date(0);
  start.setUTCFullYear(year);
  return start;
}

function filesOf(tables: DatabaseTables, ids: TableQuery): TableQuery {
  const files = tables.tableOf(FILE_UID);
  return tables
    .table(files)
    .from(ids.as('counted') as never)
    .join(`${files} as files`, 'files.id', 'counted.id');
}

function createdAtOf(tables: DatabaseTables): string {
  return `files.${tables.columnOf(FILE_UID, 'createdAt')}`;
}

/** The most frequent values first; ties in the order of the values. */
function inOrder<Value extends string | number | null>(
  counts: FacetCount<Value>[],
): FacetCount<Value>[] {
  return counts.sort(
    (left, right) => right.count - left.count || ((left.value ?? 0) < (right.value ?? 0) ? -1 : 1),
  );
}

/** The folders of files, by their paths: path ids of folders from the top down, such as `/1/7`. */
export async function foldersOf(
  strapi: Core.Strapi,
  files: readonly { id: number; folderPath?: unknown }[],
): Promise<Map<number, number | null>> {
  const pathIds = files.map(pathIdOf);
  const folderIds = await folderIdsOf(strapi, new Set(pathIds));
  return new Map(files.map(({ id }, index) => [id, folderIds.get(pathIds[index] ?? 0) ?? null]));
}

/** 0 for a file in no folder. */
function pathIdOf({ folderPath }: { folderPath?: unknown }): number {
  return typeof folderPath === 'string' ? Number(folderPath.split('/').at(-1)) || 0 : 0;
}

async function folderIdsOf(
  strapi: Core.Strapi,
  pathIds: ReadonlySet<number>,
): Promise<Map<number, number>> {
  const ids = new Map<number, number>();
  for (const some of chunksOf([...pathIds].filter((pathId) => pathId > 0))) {
    const folders = await strapi.db.query(FOLDER_UID).findMany({
      where: { pathId: { $in: some } },
      select: ['id', 'pathId'],
    });
    for (const folder of folders) ids.set(Number(folder.pathId), folder.id as number);
  }
  return ids;
}
