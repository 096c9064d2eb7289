import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
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

/** Files that are counted before others have a turn: SQLite answers in the process's own thread. */
const FILES_AT_ONCE = 500;
/** How long the counts of an anonymous caller's question are kept, new files or not. */
const KEPT_MS = 5_000;

/**
 * Counts files by facets in the database, which hands over one row for each value. It takes a few milliseconds at a time,
 * however many files there are.
 *
 * @param options.query of Strapi's database layer, which finds the files
 * @param options.limit files that are counted: the newest
 */
export async function countFiles(
  strapi: Core.Strapi,
  { kept, ...options }: CountOptions & { kept?: KeptCounts | undefined },
): Promise<Facets> {
  if (options.facets.includes('tags')) requireTags(strapi, null);
  const tables = createDatabaseTables(strapi);
  if (kept === undefined) return countPages(tables, options);
  const { bindings, sql } = selectIds(tables, options).toSQL();
  const key = JSON.stringify([options.facets, sql, bindings]);
  const counting = kept.get(key) ?? countPages(tables, options);
  kept.set(key, counting, { noUpdateTTL: true });
  counting.catch(() => kept.delete(key));
  return counting;
}

/** Counts by the statement that finds the files, conditions and permission included. */
export type KeptCounts = LRUCache<string, Promise<Facets>>;

/** For callers who may be anyone: the same question is answered once in a while, whoever asks. */
export function createKeptCounts(): KeptCounts {
  return new LRUCache({ max: 200, ttl: KEPT_MS });
}

interface CountOptions {
  facets: readonly FacetName[];
  limit: number;
  query: FileQuery;
}

async function countPages(
  tables: DatabaseTables,
  { facets, limit, query }: CountOptions,
): Promise<Facets> {
  const counts = new Counts();
  let below: number | undefined;
  let counted = 0;
  let isLowerBound = false;
  for (;;) {
    const most = Math.min(FILES_AT_ONCE, limit - counted);
    const select = selectIds(tables, { query, below, limit: Math.max(1, most) });
    const rows = (await readRows(tables.strapi, select)) as { id: number }[];
    const ids = rows.map(({ id }) => id);
    isLowerBound = most === 0 && ids.length > 0;
    if (most === 0 || ids.length === 0) break;
    await countSome(tables, { facets, ids, counts });
    counted += ids.length;
    below = ids.at(-1);
    if (ids.length < most) break;
    await nextTurn();
  }
  const facetCounts: FacetCounts = {};
  for (const facet of facets) Object.assign(facetCounts, { [facet]: counts.of(facet) });
  return { ...facetCounts, counted, isLowerBound };
}

/** A query of Strapi's database layer. */
interface FileQuery {
  where: object;
}

/** Selects the ids below another, the highest first, each once. */
function selectIds(
  { strapi }: DatabaseTables,
  { query, below, limit }: { query: FileQuery; below?: number | undefined; limit: number },
): TableQuery {
  const builder = strapi.db.queryBuilder(FILE_UID);
  const before = below === undefined ? {} : { id: { $lt: below } };
  return builder
    .init({
      ...query,
      where: { $and: [query.where, before] },
      // By the name that Strapi sorts by, so that the id is selected once, and each file is, too.
      select: [`${builder.alias}.id`],
      orderBy: { id: 'desc' },
      limit,
    })
    .getKnexQuery() as TableQuery;
}

type FacetValue = string | number | null;

/** Sums of the counts of several lists of files. */
class Counts {
  readonly #counts = new Map<FacetName, Map<FacetValue, number>>();

  add(facet: FacetName, counts: readonly FacetCount<FacetValue>[]): void {
    const sums = this.#counts.get(facet) ?? new Map<FacetValue, number>();
    this.#counts.set(facet, sums);
    for (const { count, value } of counts) {
      if (count > 0) sums.set(value, (sums.get(value) ?? 0) + count);
    }
  }

  /** The most frequent values first; ties in the order of the values. */
  of(facet: FacetName): FacetCount<FacetValue>[] {
    return [...(this.#counts.get(facet) ?? [])]
      .map(([value, count]) => ({ value, count }))
      .sort(
        (left, right) =>
          right.count - left.count || ((left.value ?? 0) < (right.value ?? 0) ? -1 : 1),
      );
  }
}

async function countSome(
  tables: DatabaseTables,
  { facets, ids, counts }: { facets: readonly FacetName[]; ids: readonly number[]; counts: Counts },
): Promise<void> {
  const { strapi } = tables;
  if (facets.includes('color')) counts.add('color', await countColorNames(strapi, ids));
  if (facets.includes('tags')) counts.add('tags', await countTags(strapi, ids));
  if (facets.every((facet) => facet === 'color' || facet === 'tags')) return;
  const groups = await countGroups(tables, { facets, ids });
  if (facets.includes('kind')) {
    counts.add(
      'kind',
      groups.flatMap(({ count, type }) => {
        const kind = kindOf(type ?? '');
        return kind === null ? [] : [{ value: kind, count }];
      }),
    );
  }
  if (facets.includes('type')) {
    counts.add(
      'type',
      groups.flatMap(({ count, type }) => (type === null ? [] : [{ value: type, count }])),
    );
  }
  if (facets.includes('folder')) {
    const folderIds = await folderIdsOf(strapi, new Set(groups.map(pathIdOf)));
    counts.add(
      'folder',
      groups.map((group) => ({
        value: folderIds.get(pathIdOf(group)) ?? null,
        count: group.count,
      })),
    );
  }
  if (facets.includes('year')) {
    const times = groups.flatMap(({ oldest }) => (oldest === null ? [] : [new Date(oldest)]));
    counts.add('year', await countYears(tables, { ids, times }));
  }
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
  { facets, ids }: { facets: readonly FacetName[]; ids: readonly number[] },
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

/** As drivers return dates. */
type DatabaseDate = Date | string | number | null;

/**
 * By the first instants of years, as databases disagree about the year of a date and about its time zone. A gap of many
 * years is skipped.
 */
async function countYears(
  tables: DatabaseTables,
  { ids, times }: { ids: readonly number[]; times: readonly Date[] },
): Promise<FacetCount<number>[]> {
  const createdAt = createdAtOf(tables);
  const counts: FacetCount<number>[] = [];
  let next: DatabaseDate = times.length === 0 ? null : Math.min(...times.map(Number));
  while (next !== null) {
    const first = new Date(next).getUTCFullYear();
    const years = Array.from({ length: YEARS_AT_ONCE }, (_value, index) => first + index);
    const end = startOf(first + YEARS_AT_ONCE);
    const query = filesOf(tables, ids);
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

function filesOf(tables: DatabaseTables, ids: readonly number[]): TableQuery {
  return tables.table(`${tables.tableOf(FILE_UID)} as files`).whereIn('files.id', ids);
}

function createdAtOf(tables: DatabaseTables): string {
  return `files.${tables.columnOf(FILE_UID, 'createdAt')}`;
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
