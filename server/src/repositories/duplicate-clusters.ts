import { z } from 'zod';
import { LARGEST_ID } from '../../../plugin/src/contracts/numbers';
import type {
  DuplicatePairs,
  FoundPair,
  KnownClusters,
  PairCluster,
} from '../../../plugin/src/duplicates/contract';
import { DUPLICATE_PAIR_UID } from '../plugin-id';
import { chunksOf, type DatabaseTables, type TableQuery } from '../usage/database-tables';

const membershipSchema = z.object({ file: z.number(), cluster: z.number() });
const clusterSchema = z.object({ cluster: z.number(), newest: z.number() });
/** PostgreSQL answers counts as texts. */
const sizeSchema = z.object({ cluster: z.number(), size: z.coerce.number() });

interface Chosen {
  status?: string;
  kind?: string;
}

/** What `clusterPairs` must know before these pairs are added. */
export async function readClusters(
  tables: DatabaseTables,
  pairs: readonly Pick<FoundPair, 'fileA' | 'fileB'>[],
): Promise<KnownClusters> {
  const files = new Set(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]));
  const ofFile = new Map<number, Set<number>>();
  for (const ids of chunksOf(files)) {
    for (const side of ['fileA', 'fileB']) {
      const column = tables.columnOf(DUPLICATE_PAIR_UID, side);
      const found: unknown[] = await rowsOf(tables)
        .distinct({ file: column, cluster: 'cluster' })
        .whereIn(column, ids);
      for (const { file, cluster } of found.map((row) => membershipSchema.parse(row))) {
        ofFile.set(file, (ofFile.get(file) ?? new Set()).add(cluster));
      }
    }
  }
  const clusters = new Set([...ofFile.values()].flatMap((ids) => [...ids]));
  return { ofFile, sizes: await countPairs(tables, [...clusters], {}) };
}

/** Reads pairs from the newest on, by an index, and takes those that are the newest of their cluster. */
export async function listClusters(
  tables: DatabaseTables,
  options: Parameters<DuplicatePairs['listClusters']>[0],
): Promise<{ clusters: PairCluster[]; nextCursor: number | null }> {
  const { status, kind, cursor, limit } = options;
  const chosen = { status, ...(kind && { kind }) };
  const name = tables.tableOf(DUPLICATE_PAIR_UID);
  const column = (path: string) => tables.strapi.db.connection.ref(path);
  const newer = tables
    .table(`${name} as newer`)
    .select('newer.id')
    .where(prefixed('newer', chosen))
    .where('newer.cluster', column('pair.cluster'))
    .where('newer.id', '>', column('pair.id'));
  const found = z.array(clusterSchema).parse(
    await tables
      .table(`${name} as pair`)
      .select({ cluster: 'pair.cluster', newest: 'pair.id' })
      .where(prefixed('pair', chosen))
      .where('pair.id', '<', cursor ?? LARGEST_ID)
      .whereNotExists(newer)
      .orderBy('pair.id', 'desc')
      .limit(limit + 1),
  );
  const page = found.slice(0, limit);
  const sizes = await countPairs(
    tables,
    page.map(({ cluster }) => cluster),
    chosen,
  );
  const clusters = page.map(({ cluster, newest }) => ({
    id: cluster,
    newestPairId: newest,
    pairCount: sizes.get(cluster) ?? 0,
  }));
  const last = found.length > limit ? clusters.at(-1) : undefined;
  return { clusters, nextCursor: last?.newestPairId ?? null };
}

async function countPairs(
  tables: DatabaseTables,
  clusters: readonly number[],
  chosen: Chosen,
): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for (const ids of chunksOf(clusters)) {
    const found: unknown[] = await rowsOf(tables)
      .select('cluster')
      .count({ size: 'id' })
      .where(chosen)
      .whereIn('cluster', ids)
      .groupBy('cluster');
    for (const { cluster, size } of found.map((row) => sizeSchema.parse(row))) {
      sizes.set(cluster, size);
    }
  }
  return sizes;
}

function rowsOf(tables: DatabaseTables): TableQuery {
  return tables.table(tables.tableOf(DUPLICATE_PAIR_UID));
}

function prefixed(table: string, conditions: Chosen): object {
  return Object.fromEntries(
    Object.entries(conditions).map(([column, value]) => [`${table}.${column}`, value]),
  );
}
