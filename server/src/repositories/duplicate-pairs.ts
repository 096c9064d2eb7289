import { isDeepStrictEqual } from 'node:util';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { LARGEST_ID } from '../../../plugin/src/contracts/values';
import {
  pairStatuses,
  type DuplicatePair,
  type DuplicatePairs,
  type Findings,
  type FoundPair,
  type PairStatus,
  type PairCluster,
} from '../../../plugin/src/duplicates/contract';
import {
  type KnownClusters,
  clusterPairs,
  countGroups,
  currentPairs,
} from '../../../plugin/src/duplicates/groups';
import type { Logger } from '../../../plugin/src/logger';
import {
  duplicateKinds,
  type DuplicateVerdict,
  editEffects,
} from '../../../plugin/src/matching/contract';
import { DUPLICATE_PAIR_UID, JOB_UID } from '../plugin-id';
import { prefixedLogger } from '../prefixed-logger';
import {
  chunksOf,
  createDatabaseTables,
  type DatabaseTables,
  type TableQuery,
} from '../usage/database-tables';
import { findReviews, hashesOf, recordReview } from './duplicate-reviews';
import { createRowReader } from './readable-rows';
import { retryConflicts } from './row-locks';

/** Rows in one INSERT: its SQLite form is a compound SELECT, limited to 500 terms. */
const LARGEST_INSERT = 100;
/** In MySQL, deletions and insertions between the same rows deadlock in any order, so writers take turns. */
const TURN = 'write duplicate pairs';
/** Pairs of shared clusters that are read to count their groups. */
const MAX_COUNTED = 20_000;
/** Alternatives in one condition. */
const MAX_ALTERNATIVES = 50;

/** Pairs that may still change or be deleted; listed, so that the index on the status is used. */
const undone: PairStatus[] = ['open', 'ignored'];
const newestFirst = [{ id: 'desc' }];
const idSchema = z.object({ id: z.number() });
const filesSchema = z.object({ fileA: z.number(), fileB: z.number() });

/**
 * Duplicate pairs in Strapi's database. Writers of several pairs take turns; readers never wait.
 */
export function createDuplicatePairs(
  strapi: Core.Strapi,
  {
    logger = prefixedLogger(strapi),
    onFound = () => undefined,
  }: {
    logger?: Logger;
    /** Called with new pairs to review, once they are written. */
    onFound?: (pairs: readonly FoundPair[]) => void;
  } = {},
): DuplicatePairs {
  const rows = () => strapi.db.query(DUPLICATE_PAIR_UID);
  const toPairs = createRowReader({ name: 'duplicate pair', read: toPair, logger });

  async function findRows(where: object, limit?: number): Promise<unknown[]> {
    return await rows().findMany({
      where,
      orderBy: newestFirst,
      ...(limit !== undefined && { limit }),
    });
  }

  async function find(where: object, limit?: number): Promise<DuplicatePair[]> {
    return toPairs(await findRows(where, limit));
  }

  /** Deletes pairs of these files that were found with a different content hash. */
  async function deleteOutdated(findings: readonly Findings[]): Promise<void> {
    for (const some of chunksOf(findings, MAX_ALTERNATIVES)) {
      const isOutdated = some.flatMap(({ fileId, contentHash }) => [
        { fileA: fileId, contentHashA: { $ne: contentHash } },
        { fileB: fileId, contentHashB: { $ne: contentHash } },
      ]);
      await rows().deleteMany({ where: { status: { $in: undone }, $or: isOutdated } });
    }
  }

  async function deleteRefuted(findings: readonly Findings[]): Promise<void> {
    const refuted = findings.flatMap((finding) => finding.refuted ?? []);
    for (const some of chunksOf(refuted, MAX_ALTERNATIVES)) {
      const $or = some.map(({ contentHashA, contentHashB, fileA, fileB }) => ({
        fileA,
        fileB,
        contentHashA,
        contentHashB,
      }));
      await rows().deleteMany({ where: { status: 'open', $or } });
    }
  }

  /** Known pairs by their files; null for a row that can't be parsed. */
  async function findKnown(
    pairs: readonly FoundPair[],
  ): Promise<Map<string, DuplicatePair | null>> {
    const known = new Map<string, DuplicatePair | null>();
    for (const some of chunksOf(pairs, MAX_ALTERNATIVES)) {
      const found = await findRows({ $or: some.map(({ fileA, fileB }) => ({ fileA, fileB })) });
      for (const row of found) known.set(keyOf(filesSchema.parse(row)), null);
      for (const pair of toPairs(found)) known.set(keyOf(pair), pair);
    }
    return known;
  }

  /** Deletes a row that can't be parsed, unless it was reviewed. Returns whether the pair can be inserted now. */
  async function deleteUnreadable({ fileA, fileB }: FoundPair): Promise<boolean> {
    const { count } = await rows().deleteMany({ where: { fileA, fileB, status: 'open' } });
    return count > 0;
  }

  async function updateEvidence(id: number, { verdict }: FoundPair): Promise<void> {
    await rows().updateMany({
      where: { id, status: { $in: undone } },
      data: toVerdictColumns(verdict),
    });
  }

  /** Clusters new pairs, and moves known ones accordingly. */
  async function cluster<Found extends Pick<FoundPair, 'fileA' | 'fileB'>>(
    tables: DatabaseTables,
    unknown: readonly Found[],
  ): Promise<(Found & { cluster: number })[]> {
    const { added, moved } = clusterPairs(unknown, await readClusters(tables, unknown));
    for (const [before, after] of moved) {
      await rows().updateMany({ where: { cluster: before }, data: { cluster: after } });
    }
    return added;
  }

  async function write(
    tables: DatabaseTables,
    findings: readonly Findings[],
  ): Promise<FoundPair[]> {
    await deleteOutdated(findings);
    await deleteRefuted(findings);
    const pairs = currentPairs(findings);
    const known = await findKnown(pairs);
    const unknown: FoundPair[] = [];
    for (const pair of pairs) {
      const before = known.get(keyOf(pair));
      if (before === null && !(await deleteUnreadable(pair))) continue;
      if (before?.status === 'merged') continue;
      if (before && isOnSameBytes(before, pair)) {
        if (!isDeepStrictEqual(before.verdict, pair.verdict)) await updateEvidence(before.id, pair);
        continue;
      }
      if (before) await rows().deleteMany({ where: { id: before.id, status: { $in: undone } } });
      unknown.push(pair);
    }
    return insert(tables, await cluster(tables, unknown));
  }

  /** Returns those that are open: those on reviewed bytes of which a file is gone are ignored again. */
  async function insert(
    tables: DatabaseTables,
    pairs: readonly (FoundPair & { cluster: number })[],
  ): Promise<FoundPair[]> {
    const foundAt = new Date();
    const reviews = await findReviews(tables, pairs);
    const reviewed = pairs.map(({ verdict, ...pair }) => {
      const review = reviews.get(hashesOf(pair));
      const status: PairStatus = review ? 'ignored' : 'open';
      return {
        ...pair,
        ...toVerdictColumns(verdict),
        ...(review ?? noReview),
        status,
        foundAt,
      };
    });
    for (const data of chunksOf(reviewed, LARGEST_INSERT)) await rows().createMany({ data });
    for (const pair of reviewed) if (pair.status === 'ignored') await recordReview(strapi, pair);
    return pairs.filter((_pair, index) => reviewed[index]?.status === 'open');
  }

  return {
    async record(findings) {
      if (findings.length === 0) return 0;
      const added = await inTurn(strapi, TURN, (tables) => write(tables, findings));
      onFound(added);
      return added.length;
    },

    async removeFiles(fileIds) {
      if (fileIds.length === 0) return;
      await inTurn(strapi, TURN, async () => {
        for (const ids of chunksOf(new Set(fileIds))) {
          for (const side of ['fileA', 'fileB']) {
            await rows().deleteMany({ where: { [side]: { $in: ids }, status: { $in: undone } } });
          }
        }
      });
    },

    async review(id, { status, userId, reviewedAt }) {
      const review = status === 'open' ? noReview : { reviewedBy: userId, reviewedAt };
      const where = { id, status: { $in: undone.filter((other) => other !== status) } };
      return inTurn(strapi, TURN, async () => {
        const { count } = await rows().updateMany({ where, data: { status, ...review } });
        const [pair] = await find({ id });
        if (pair && count > 0) await recordReview(strapi, pair);
        return pair ?? null;
      });
    },

    /** A single row found by its unique index can't deadlock, so it needs no turn. */
    async markMerged({ keptId, removedId, userId }) {
      const status: PairStatus = 'merged';
      const data = { status, reviewedBy: userId, reviewedAt: new Date() };
      const [fileA, fileB] = keptId < removedId ? [keptId, removedId] : [removedId, keptId];
      const where = { fileA, fileB, status: { $in: undone } };
      await retryConflicts(strapi, () => rows().updateMany({ where, data }));
    },

    async restore(pairs) {
      if (pairs.length === 0) return;
      await inTurn(strapi, TURN, async (tables) => {
        const known = await findKnown(pairs);
        for (const pair of pairs) {
          const { status, reviewedBy, reviewedAt } = pair;
          const merged = known.get(keyOf(pair));
          if (merged?.status !== 'merged') continue;
          await rows().updateMany({
            where: { id: merged.id },
            data: { status, reviewedBy, reviewedAt },
          });
        }
        const missing = pairs.filter((pair) => !known.has(keyOf(pair)));
        const data = (await cluster(tables, missing)).map(({ verdict, ...pair }) => {
          const { contentHashA, contentHashB, reviewedAt, reviewedBy, fileA, fileB } = pair;
          return {
            fileA,
            fileB,
            contentHashA,
            contentHashB,
            cluster: pair.cluster,
            status: pair.status,
            foundAt: pair.foundAt,
            reviewedBy,
            reviewedAt,
            ...toVerdictColumns(verdict),
          };
        });
        for (const some of chunksOf(data, LARGEST_INSERT)) await rows().createMany({ data: some });
      });
    },

    async get(ids) {
      const found: DuplicatePair[] = [];
      for (const some of chunksOf(new Set(ids))) found.push(...(await find({ id: { $in: some } })));
      return newest(found);
    },

    async list({ status, kind, cursor, limit }) {
      const found = await findRows(
        { status, ...(kind && { kind }), ...(cursor !== null && { id: { $lt: cursor } }) },
        limit + 1,
      );
      const page = found.slice(0, limit);
      const last = found.length > limit ? idSchema.parse(page.at(-1)).id : null;
      return { pairs: toPairs(page), nextCursor: last };
    },

    listClusters: (options) => listClusters(createDatabaseTables(strapi), options),

    async pairsOfClusters({ status, kind, clusterIds, limit }) {
      if (clusterIds.length === 0) return [];
      const where = { cluster: { $in: [...clusterIds] }, status, ...(kind && { kind }) };
      return find(where, limit);
    },

    async pairsTouching({ fileIds, status, limit }) {
      const found = new Map<number, DuplicatePair>();
      for (const ids of chunksOf(new Set(fileIds))) {
        // One condition on both columns could use neither index.
        for (const side of ['fileA', 'fileB']) {
          const where = { [side]: { $in: ids }, ...(status && { status }) };
          for (const pair of await find(where, limit)) found.set(pair.id, pair);
        }
      }
      return newest([...found.values()]).slice(0, limit);
    },

    async counts<Status extends PairStatus>(
      statuses: readonly Status[] = pairStatuses as readonly PairStatus[] as readonly Status[],
    ) {
      const tables = createDatabaseTables(strapi);
      const counted = await Promise.all(
        statuses.map(async (status) => [status, await countGroupsOf(tables, status)] as const),
      );
      return Object.fromEntries(counted) as Record<Status, number>;
    },
  };
}

const noReview = { reviewedBy: null, reviewedAt: null };

function keyOf({ fileA, fileB }: Pick<FoundPair, 'fileA' | 'fileB'>): string {
  return `${String(fileA)} ${String(fileB)}`;
}

function isOnSameBytes(one: FoundPair, other: FoundPair): boolean {
  return one.contentHashA === other.contentHashA && one.contentHashB === other.contentHashB;
}

function newest(pairs: readonly DuplicatePair[]): DuplicatePair[] {
  return [...pairs].sort((one, other) => other.id - one.id);
}

const alignmentSchema = z.object({
  inner: z.enum(['one', 'other']),
  isMirrored: z.boolean(),
  quarterTurns: z.literal([0, 1, 2, 3]).optional(),
  degrees: z.number().optional(),
  region: z.object({
    left: z.number(),
    top: z.number(),
    width: z.number(),
    height: z.number(),
  }),
  covered: z.number(),
  matching: z.number(),
  correlation: z.number(),
});

const boxesSchema = z.array(
  z.object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() }),
);
const sideSchema = z.enum(['one', 'other']);
const pixelsSchema = z
  .object({
    version: z.number(),
    differences: z.object({ one: boxesSchema, other: boxesSchema }),
    blurred: z.array(z.number()).optional(),
    otherColors: z.literal(true).optional(),
    quality: z
      .object({
        edited: z.object({ side: sideSchema, effect: z.enum(editEffects) }).nullable(),
        gray: sideSchema.nullable(),
        upscaled: sideSchema.nullable(),
        detail: z.object({ one: z.number(), other: z.number() }).nullable(),
      })
      .optional(),
  })
  .optional();

export const verdictSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('identical') }),
  z.object({
    kind: z.literal('same-image'),
    fingerprintDistance: z.number(),
    correlation: z.number(),
    largestDifference: z.number(),
    pixels: pixelsSchema,
  }),
  z.object({
    kind: z.literal('edited'),
    similarity: z.number().nullable(),
    fingerprintDistance: z.number(),
    alignment: alignmentSchema,
    pixels: pixelsSchema,
  }),
]) satisfies z.ZodType<DuplicateVerdict>;

const rowSchema = z.object({
  id: z.number(),
  fileA: z.number(),
  fileB: z.number(),
  contentHashA: z.string(),
  contentHashB: z.string(),
  kind: z.enum(duplicateKinds),
  cluster: z.number(),
  evidence: z.record(z.string(), z.unknown()),
  status: z.enum(pairStatuses),
  foundAt: z.coerce.date(),
  reviewedBy: z.number().nullable(),
  reviewedAt: z.coerce.date().nullable(),
});

/** A row as read by Strapi → the pair. */
function toPair(row: unknown): DuplicatePair {
  const { kind, evidence, ...pair } = rowSchema.parse(row);
  return { ...pair, verdict: verdictSchema.parse({ ...evidence, kind }) };
}

/** A verdict → the two attributes that store it. */
function toVerdictColumns({ kind, ...evidence }: DuplicateVerdict) {
  return { kind, evidence };
}

const membershipSchema = z.object({ file: z.number(), cluster: z.number() });
const clusterSchema = z.object({ cluster: z.number(), newest: z.number() });
const clusteredPairSchema = z.object({ cluster: z.number(), fileA: z.number(), fileB: z.number() });
/** PostgreSQL returns counts as text. */
const countSchema = z.object({ count: z.coerce.number() });
const sizeSchema = z.object({ cluster: z.number(), size: z.coerce.number() });

interface Chosen {
  status?: string;
  kind?: string;
}

/** The clusters that `clusterPairs` needs to know before these pairs are added. */
async function readClusters(
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

/** Reads pairs from the newest by index, and returns those that are the newest of their cluster. */
async function listClusters(
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

/** A cluster with a single pair is a group; the others are read, as their pairs may form several. */
async function countGroupsOf(tables: DatabaseTables, status: PairStatus): Promise<number> {
  const [clusters] = z
    .array(countSchema)
    .parse(await rowsOf(tables).countDistinct({ count: 'cluster' }).where({ status }));
  const shared = rowsOf(tables)
    .select('cluster')
    .where({ status })
    .groupBy('cluster')
    .havingRaw('count(*) > 1');
  const pairs = z.array(clusteredPairSchema).parse(
    await rowsOf(tables)
      .select({
        cluster: 'cluster',
        fileA: tables.columnOf(DUPLICATE_PAIR_UID, 'fileA'),
        fileB: tables.columnOf(DUPLICATE_PAIR_UID, 'fileB'),
      })
      .where({ status })
      .whereIn('cluster', shared)
      .orderBy('id', 'desc')
      .limit(MAX_COUNTED),
  );
  const read = new Set(pairs.map(({ cluster }) => cluster)).size;
  return (clusters?.count ?? 0) - read + countGroups(pairs);
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

/**
 * Runs work in a transaction while no other process runs work of this name, for tables whose writers would deadlock.
 * Inside a transaction of the caller the turn lasts until that one ends.
 *
 * The turn is taken by a write before any read. So databases with snapshot isolation show what the previous turn left,
 * and SQLite waits for other processes here.
 *
 * @param name of a row of the job table, created if missing
 */
async function inTurn<Result>(
  strapi: Core.Strapi,
  name: string,
  work: (tables: DatabaseTables) => Promise<Result>,
): Promise<Result> {
  const jobs = () => strapi.db.query(JOB_UID);

  async function tryTakeTurn(): Promise<boolean> {
    const { count } = await jobs().updateMany({ where: { name }, data: { startedAt: new Date() } });
    return count > 0;
  }

  return retryConflicts(strapi, () =>
    strapi.db.transaction(async ({ trx }) => {
      if (!(await tryTakeTurn())) {
        const { tableName } = strapi.db.metadata.get(JOB_UID);
        await strapi.db
          .getConnection(tableName)
          .transacting(trx)
          .insert({ name })
          .onConflict('name')
          .ignore();
        await tryTakeTurn();
      }
      return work(createDatabaseTables(strapi, trx));
    }),
  );
}
