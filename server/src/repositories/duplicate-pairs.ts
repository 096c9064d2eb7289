import { isDeepStrictEqual } from 'node:util';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import {
  clusterPairs,
  currentPairs,
  pairStatuses,
  type DuplicatePair,
  type DuplicatePairs,
  type Findings,
  type FoundPair,
  type PairStatus,
} from '../../../plugin/src/duplicates/contract';
import type { Logger } from '../../../plugin/src/logger';
import { DUPLICATE_PAIR_UID } from '../plugin-id';
import { prefixedLogger } from '../prefixed-logger';
import { chunksOf, createDatabaseTables, type DatabaseTables } from '../usage/database-tables';
import { listClusters, readClusters } from './duplicate-clusters';
import { toPair, toVerdictColumns } from './duplicate-pair-rows';
import { createRowReader } from './readable-rows';
import { retryConflicts } from './row-locks';
import { inTurn } from './write-turns';

/** Most rows in one INSERT: SQLite takes 500 terms of a compound SELECT, which is how its driver writes it. */
const LARGEST_INSERT = 100;
/** Deletions and insertions between the same rows lock each other in MySQL, whatever their order. */
const TURN = 'write duplicate pairs';
/** Most alternatives in one condition. */
const MOST_ALTERNATIVES = 50;

/** What may still be changed or deleted; named one by one, so that an index on the status is of use. */
const undone: PairStatus[] = ['open', 'ignored'];
const newestFirst = [{ id: 'desc' }];
const idSchema = z.object({ id: z.number() });
const filesSchema = z.object({ fileA: z.number(), fileB: z.number() });

/**
 * The pairs in Strapi's own database. Those who write several of them take turns; those who read them wait for nobody.
 */
export function createDuplicatePairs(
  strapi: Core.Strapi,
  logger: Logger = prefixedLogger(strapi),
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

  /** Pairs of these files that were judged on other bytes than these have now. */
  async function deleteOutdated(findings: readonly Findings[]): Promise<void> {
    for (const some of chunksOf(findings, MOST_ALTERNATIVES)) {
      const isOutdated = some.flatMap(({ fileId, contentHash }) => [
        { fileA: fileId, contentHashA: { $ne: contentHash } },
        { fileB: fileId, contentHashB: { $ne: contentHash } },
      ]);
      await rows().deleteMany({ where: { status: { $in: undone }, $or: isOutdated } });
    }
  }

  /** By their files; null for one that cannot be read. */
  async function findKnown(
    pairs: readonly FoundPair[],
  ): Promise<Map<string, DuplicatePair | null>> {
    const known = new Map<string, DuplicatePair | null>();
    for (const some of chunksOf(pairs, MOST_ALTERNATIVES)) {
      const found = await findRows({ $or: some.map(({ fileA, fileB }) => ({ fileA, fileB })) });
      for (const row of found) known.set(keyOf(filesSchema.parse(row)), null);
      for (const pair of toPairs(found)) known.set(keyOf(pair), pair);
    }
    return known;
  }

  /** What cannot be read is of no use, but a decision is nobody's to undo. Answers whether the place is free now. */
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

  async function write(tables: DatabaseTables, findings: readonly Findings[]): Promise<number> {
    await deleteOutdated(findings);
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
    const { added, moved } = clusterPairs(unknown, await readClusters(tables, unknown));
    for (const [before, cluster] of moved) {
      await rows().updateMany({ where: { cluster: before }, data: { cluster } });
    }
    await insert(added);
    return unknown.length;
  }

  async function insert(pairs: readonly (FoundPair & { cluster: number })[]): Promise<void> {
    const status: PairStatus = 'open';
    const foundAt = new Date();
    for (const some of chunksOf(pairs, LARGEST_INSERT)) {
      await rows().createMany({
        data: some.map(({ verdict, ...pair }) => ({
          ...pair,
          ...toVerdictColumns(verdict),
          status,
          foundAt,
        })),
      });
    }
  }

  return {
    async record(findings) {
      return findings.length === 0 ? 0 : inTurn(strapi, TURN, (tables) => write(tables, findings));
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

    async decide(id, { status, userId, decidedAt }) {
      const decision = status === 'open' ? noDecision : { decidedBy: userId, decidedAt };
      const where = { id, status: { $in: undone.filter((other) => other !== status) } };
      return inTurn(strapi, TURN, async () => {
        await rows().updateMany({ where, data: { status, ...decision } });
        const [pair] = await find({ id });
        return pair ?? null;
      });
    },

    /** One row, found by its unique index: nobody can lock that crosswise, so that it needs no turn. */
    async markMerged({ keptId, removedId, userId }) {
      const status: PairStatus = 'merged';
      const data = { status, decidedBy: userId, decidedAt: new Date() };
      const [fileA, fileB] = keptId < removedId ? [keptId, removedId] : [removedId, keptId];
      const where = { fileA, fileB, status: { $in: undone } };
      await retryConflicts(strapi, () => rows().updateMany({ where, data }));
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
        // Not one condition on both columns: that could not use the index of either.
        for (const side of ['fileA', 'fileB']) {
          const where = { [side]: { $in: ids }, ...(status && { status }) };
          for (const pair of await find(where, limit)) found.set(pair.id, pair);
        }
      }
      return newest([...found.values()]).slice(0, limit);
    },

    async counts() {
      const [open, ignored, merged] = await Promise.all(
        pairStatuses.map((status) => rows().count({ where: { status } })),
      );
      return { open: open ?? 0, ignored: ignored ?? 0, merged: merged ?? 0 };
    },
  };
}

const noDecision = { decidedBy: null, decidedAt: null };

function keyOf({ fileA, fileB }: Pick<FoundPair, 'fileA' | 'fileB'>): string {
  return `${String(fileA)} ${String(fileB)}`;
}

function isOnSameBytes(one: FoundPair, other: FoundPair): boolean {
  return one.contentHashA === other.contentHashA && one.contentHashB === other.contentHashB;
}

function newest(pairs: readonly DuplicatePair[]): DuplicatePair[] {
  return [...pairs].sort((one, other) => other.id - one.id);
}
