import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { errorCodes } from '../../../plugin/src/errors';
import {
  indexPriorities,
  indexStates,
  type EntryCounts,
  type IndexedEntry,
  type IndexEntries,
  type IndexEntry,
  type IndexPriority,
  type IndexState,
} from '../../../plugin/src/indexing/contract';
import type { Lease } from '../../../plugin/src/lease';
import { libraryOf } from '../assets/library';
import { trashedFileIds } from '../merging/journal';
import { FILE_UID, IMAGE_TRACE_UID, INDEX_ENTRY_UID } from '../plugin-id';
import { chunksOf, createDatabaseTables, type TableQuery } from '../usage/database-tables';
import { hasRowLocks, isConflict, lockRows, retryConflicts } from './row-locks';

/** Values in one SQL list: SQLite allows 32,766 variables, but long lists are slow to plan everywhere. */
const LARGEST_LIST = 500;
/** Rows in one INSERT: its SQLite form is a compound SELECT, limited to 500 terms. */
const LARGEST_INSERT = 100;
/** Rows that get different values in one UPDATE. */
const LARGEST_UPDATE = 100;
const LONGEST_ERROR_MESSAGE = 1_000;

const rowSchema = z.object({
  fileId: z.number(),
  state: z.enum(indexStates),
  priority: z.int().transform((position) => indexPriorities[position] ?? 'backfill'),
  attempts: z.number(),
  lease: z.string().nullable(),
  errorCode: z.enum(errorCodes).nullable().catch('unexpected'),
  errorMessage: z.string().nullable(),
  contentHash: z.string().nullable(),
  sourceSignature: z.string().nullable(),
  indexedAt: z.coerce.date().nullable(),
});

const leasedSchema = z.array(
  z.object({ id: z.number(), file_id: z.number(), lease: z.string().nullable() }),
);

const byId = [{ id: 'asc' }];
const byFile = [{ fileId: 'asc' }];
const byDueTime = [{ dueAt: 'asc' }, { id: 'asc' }];
const byPriority = [{ priority: 'asc' }, ...byDueTime];
const noLease = { lease: null, leaseExpiresAt: null };
const noError = { errorCode: null, errorMessage: null };

/** Resets an entry but keeps what it knows of its last indexing, for comparison. */
function freshlyPending(now: Date) {
  return { state: 'pending', attempts: 0, dueAt: now, ...noLease, ...noError };
}

function positionOf(priority: IndexPriority): number {
  return indexPriorities.indexOf(priority);
}

type Transaction = NonNullable<Parameters<typeof createDatabaseTables>[1]>;

interface IndexEntriesOptions {
  /** The queue's space; a function, because the space is known only once its provider is open. */
  spaceId: () => string;
}

/**
 * The queue of one space in Strapi's database. Every change of a claimed entry is one conditional UPDATE on its lease,
 * which all supported databases apply atomically per row, so only the lease's holder writes. Where there are row locks,
 * claims skip rows that others are claiming, and writers of several rows lock them in file order, so that they can't
 * deadlock.
 */
export function createIndexEntries(
  strapi: Core.Strapi,
  { spaceId }: IndexEntriesOptions,
): IndexEntries {
  const rows = () => strapi.db.query(INDEX_ENTRY_UID);

  /** Restricts a condition to this space. */
  const own = (where: object): object => ({ ...where, spaceId: spaceId() });

  async function update(where: object, data: object): Promise<number> {
    const { count } = await rows().updateMany({ where: own(where), data });
    return count;
  }

  /** Any number of rows, in one statement or in short transactions. */
  async function updateMany(where: object, data: object): Promise<number> {
    if (!hasRowLocks(strapi)) return update(where, data);
    let updated = 0;
    let ids = await findIds(where, byId, LARGEST_LIST);
    while (ids.length > 0) {
      updated += await updateInOrder(ids, where, data);
      ids = await findIds({ ...where, id: { $gt: ids.at(-1) } }, byId, LARGEST_LIST);
    }
    return updated;
  }

  async function updateInOrder(ids: readonly number[], where: object, data: object) {
    return await inTransaction(async () => {
      const rowsById = { id: { $in: ids } };
      await lockRows(strapi, INDEX_ENTRY_UID, {
        where: rowsById,
        orderBy: byFile,
        limit: ids.length,
      });
      return update({ ...where, ...rowsById }, data);
    });
  }

  /** @param work gets queries of the table in the transaction, below Strapi's model */
  async function inTransaction<Result>(
    work: (table: () => TableQuery) => Promise<Result>,
  ): Promise<Result> {
    return await retryConflicts(strapi, () =>
      strapi.db.transaction(({ trx }) => {
        const tables = createDatabaseTables(strapi, trx as Transaction);
        return work(() => tables.table(tables.tableOf(INDEX_ENTRY_UID)));
      }),
    );
  }

  async function updateLeased(fileId: number, lease: string, data: object): Promise<boolean> {
    const where = { fileId, lease };
    return (await retryConflicts(strapi, () => update(where, { ...noLease, ...data }))) > 0;
  }

  async function addToAttempts(where: object, difference: number): Promise<void> {
    await strapi.db
      .queryBuilder(INDEX_ENTRY_UID)
      .where(own(where))
      .increment('attempts', difference)
      .execute();
  }

  /** Those of these entries that still hold their lease, in one statement. */
  async function completeHeld(
    indexed: readonly IndexedEntry[],
    table: () => TableQuery,
  ): Promise<number[]> {
    const leases = new Map(indexed.map(({ fileId, lease }) => [fileId, lease]));
    const found: unknown = await table()
      .select('id', 'file_id', 'lease')
      .where('space_id', spaceId())
      .whereIn('file_id', [...leases.keys()])
      .orderBy('file_id')
      .forUpdate();
    const held = leasedSchema.parse(found).filter((row) => row.lease === leases.get(row.file_id));
    const fileIds = held.map((row) => row.file_id);
    if (held.length === 0) return [];
    const valuesOf = (name: 'contentHash' | 'sourceSignature') => {
      const known = indexed.filter(({ fileId }) => fileIds.includes(fileId));
      const cases = known.map(() => 'when ? then ?').join(' ');
      return strapi.db.connection.raw(`case ?? ${cases} end`, [
        'file_id',
        ...known.flatMap((entry) => [entry.fileId, entry[name]]),
      ]);
    };
    await table()
      .whereIn(
        'id',
        held.map(({ id }) => id),
      )
      .update({
        state: 'indexed',
        content_hash: valuesOf('contentHash'),
        source_signature: valuesOf('sourceSignature'),
        indexed_at: new Date(),
        due_at: null,
        lease: null,
        lease_expires_at: null,
        error_code: null,
        error_message: null,
      });
    return fileIds;
  }

  async function find(where: object, options: object = {}): Promise<IndexEntry[]> {
    const found: unknown[] = await rows().findMany({ where: own(where), ...options });
    return found.map((row) => rowSchema.parse(row));
  }

  async function findIds(where: object, orderBy: object[], limit: number): Promise<number[]> {
    const found = await rows().findMany({
      where: own(where),
      orderBy,
      limit,
      select: ['id'],
    });
    return found.map(({ id }: { id: number }) => id);
  }

  async function claimRows(ids: readonly number[], lease: Lease): Promise<IndexEntry[]> {
    const count = await inTransaction((table) =>
      // By id alone: with the space, SQLite would walk all pending entries of its index.
      table()
        .whereIn('id', [...ids])
        .where('state', 'pending')
        .update({
          state: 'indexing',
          lease: lease.token,
          lease_expires_at: lease.expiresAt,
          // Counted when claimed, not when it fails, so that an image that kills the process is not retried forever.
          attempts: strapi.db.connection.raw('?? + 1', ['attempts']),
        }),
    );
    return count === 0 ? [] : find({ lease: lease.token }, { orderBy: byPriority });
  }

  /**
   * Due entries in the order of a claim. One query per priority, each a range of the index: a single one over all of
   * them would read every entry that waits for a retry before it.
   *
   * @param levels priorities to look for; those without any due entry are removed from it
   * @param take the first ids of a condition, by due time
   */
  async function pick(
    { limit, oldest, levels }: { limit: number; oldest: number; levels: Set<number> },
    take: (where: object, count: number) => Promise<number[]>,
  ): Promise<number[]> {
    const due = { state: 'pending', dueAt: { $lte: new Date() } };
    const picked = oldest > 0 ? await take(due, Math.min(oldest, limit)) : [];
    for (const priority of levels) {
      if (picked.length >= limit) break;
      const others = picked.length === 0 ? {} : { id: { $notIn: [...picked] } };
      const found = await take({ ...due, priority, ...others }, limit - picked.length);
      if (found.length === 0) levels.delete(priority);
      picked.push(...found);
    }
    return picked;
  }

  /** One statement, because an upload waits for it: existing rows are reset, missing ones inserted. */
  async function upsertPending(fileIds: readonly number[], priority: number): Promise<void> {
    const { tableName, attributes } = strapi.db.metadata.get(INDEX_ENTRY_UID);
    const fresh = Object.fromEntries(
      Object.entries(freshlyPending(new Date())).map(([name, value]) => {
        const attribute = attributes[name];
        const column = attribute && 'columnName' in attribute ? attribute.columnName : undefined;
        return [column ?? name, value];
      }),
    );
    const [state, former] = [`${tableName}.state`, `${tableName}.priority`];
    const moreUrgent = strapi.db.connection.raw(
      "case when ?? in ('pending', 'indexing') and ?? < ? then ?? else ? end",
      [state, former, priority, former, priority],
    );
    await strapi.db
      .getConnection(tableName)
      .insert(
        fileIds.map((fileId) => ({ space_id: spaceId(), file_id: fileId, priority, ...fresh })),
      )
      .onConflict(['space_id', 'file_id'])
      // The priority first: MySQL assigns in this order, and it depends on the former state.
      .merge({ priority: moreUrgent, ...fresh });
  }

  return {
    async markPending(fileIds, priority = 'backfill') {
      const inOrder = [...new Set(fileIds)].sort((left, right) => left - right);
      for (const ids of chunksOf(inOrder, LARGEST_INSERT)) {
        await retryConflicts(strapi, () => upsertPending(ids, positionOf(priority)));
      }
    },

    async markStatesPending(states) {
      return updateMany(
        { state: { $in: states } },
        // Without its hash an entry is embedded again even if its bytes are the same.
        {
          ...freshlyPending(new Date()),
          priority: positionOf('backfill'),
          contentHash: null,
        },
      );
    },

    async makeDue() {
      const now = new Date();
      return updateMany({ state: 'pending', dueAt: { $gt: now } }, { dueAt: now });
    },

    async claim(limit, lease, oldest = 0) {
      const order = { limit, oldest, levels: new Set(indexPriorities.keys()) };
      const candidates = await pick(order, (where, count) => findIds(where, byDueTime, count));
      if (candidates.length === 0) return [];
      if (!hasRowLocks(strapi)) return claimRows(candidates, lease);
      return inTransaction(async () => {
        // An empty range isn't read again, because MySQL would lock the first entry behind it.
        const locked = await pick(order, (where, count) =>
          lockRows(strapi, INDEX_ENTRY_UID, {
            where: own(where),
            orderBy: byDueTime,
            limit: count,
            skipLocked: true,
          }),
        );
        return claimRows(locked, lease);
      }).catch((error: unknown) => {
        // Others were faster each time.
        if (isConflict(error)) return [];
        throw error;
      });
    },

    async renew(lease) {
      return updateMany({ lease: lease.token }, { leaseExpiresAt: lease.expiresAt });
    },

    async complete(indexed) {
      return inTransaction(async (table) => {
        const written: number[] = [];
        const inOrder = [...indexed].sort((left, right) => left.fileId - right.fileId);
        for (const some of chunksOf(inOrder, LARGEST_UPDATE)) {
          written.push(...(await completeHeld(some, table)));
        }
        return written;
      });
    },

    async fail(fileId, lease, { code, message, next, sourceSignature }) {
      return updateLeased(fileId, lease, {
        state: next.state,
        dueAt: next.state === 'pending' ? next.dueAt : null,
        errorCode: code,
        errorMessage: message.slice(0, LONGEST_ERROR_MESSAGE),
        sourceSignature,
      });
    },

    async release(fileId, lease, dueAt) {
      await addToAttempts({ fileId, lease }, -1);
      return updateLeased(fileId, lease, { state: 'pending', dueAt });
    },

    async forget(fileId, lease) {
      const { count } = await rows().deleteMany({ where: own({ fileId, lease }) });
      return count > 0;
    },

    async releaseExpired(now) {
      return updateMany(
        { state: 'indexing', leaseExpiresAt: { $lt: now } },
        { state: 'pending', dueAt: now, ...noLease },
      );
    },

    async limitTimes({ due, expiry }) {
      await updateMany({ state: 'pending', dueAt: { $gt: due } }, { dueAt: due });
      await updateMany(
        { state: 'indexing', leaseExpiresAt: { $gt: expiry } },
        { leaseExpiresAt: expiry },
      );
    },

    async releaseAbandoned(isAbandoned) {
      const held = await rows().findMany({ where: own({ state: 'indexing' }), select: ['lease'] });
      const tokens = new Set<string>(
        held.flatMap(({ lease }: { lease: string | null }) => (lease === null ? [] : [lease])),
      );
      let released = 0;
      for (const lease of tokens) {
        if (!isAbandoned(lease)) continue;
        released += await updateMany(
          { lease },
          { state: 'pending', dueAt: new Date(), ...noLease },
        );
      }
      return released;
    },

    async nextDueAt() {
      const [next] = await rows().findMany({
        where: own({ state: 'pending' }),
        orderBy: { dueAt: 'asc' },
        limit: 1,
        select: ['dueAt'],
      });
      return next ? z.coerce.date().parse(next.dueAt) : null;
    },

    async counts() {
      // In one statement: an entry that changes its state between two would be in neither.
      const counted = stateCountsSchema.parse(
        await strapi.db
          .getConnection(strapi.db.metadata.get(INDEX_ENTRY_UID).tableName)
          .where('space_id', spaceId())
          .select('state')
          .count({ count: '*' })
          .groupBy('state'),
      );
      const counts = new Map(counted.map(({ count, state }) => [state, count]));
      return Object.fromEntries(
        indexStates.map((state) => [state, counts.get(state) ?? 0]),
      ) as EntryCounts;
    },

    countIndexed: () => rows().count({ where: own({ state: 'indexed' }) }),

    countSearchable: () =>
      rows().count({
        where: own({
          state: { $in: ['indexed', 'pending', 'indexing'] },
          indexedAt: { $notNull: true },
        }),
      }),

    countIndexedSince: (moment) =>
      rows().count({ where: own({ state: 'indexed', indexedAt: { $gte: moment } }) }),

    async clear() {
      await rows().deleteMany({ where: own({}) });
    },

    async get(fileIds) {
      const found: IndexEntry[] = [];
      for (const ids of chunksOf(fileIds)) found.push(...(await find({ fileId: { $in: ids } })));
      return found;
    },

    async list({ states, priorities, cursor, limit }) {
      const entries = await find(
        {
          ...(states && { state: { $in: states } }),
          ...(priorities && { priority: { $in: priorities.map(positionOf) } }),
          ...(cursor !== null && { fileId: { $gt: cursor } }),
        },
        { orderBy: { fileId: 'asc' }, limit },
      );
      const last = entries.length === limit ? entries.at(-1) : undefined;
      return { entries, nextCursor: last?.fileId ?? null };
    },
  };
}

/** Final states of an entry. */
const SETTLED: readonly IndexState[] = ['indexed', 'skipped', 'failed'];

/** PostgreSQL and MySQL return counts as text. */
const stateCountsSchema = z.array(z.object({ state: z.string(), count: z.coerce.number() }));
const countSchema = z.object({ images: z.coerce.number() });

/**
 * Counts the library's images that are missing from a space's index: those waiting in its queue and those not in it yet.
 * One statement, because entries may outlive their files for a while, so two counts can't be subtracted.
 */
export async function countMissingImages(strapi: Core.Strapi, spaceId: string): Promise<number> {
  const { db } = strapi;
  const files = db.metadata.get(FILE_UID).tableName;
  const entries = db.metadata.get(INDEX_ENTRY_UID).tableName;
  const settled = db
    .getConnection(entries)
    .where('space_id', spaceId)
    .whereIn('state', [...SETTLED])
    .whereRaw('?? = ??', [`${entries}.file_id`, `${files}.id`]);
  const missing = db
    .getConnection(files)
    .whereNotIn(`${files}.id`, trashedFileIds(strapi))
    .whereNotExists(settled)
    .count({ images: '*' })
    .first();
  libraryOf(strapi).narrow(missing);
  const row: unknown = await missing;
  return countSchema.parse(row).images;
}

const hashSchema = z.object({ fileId: z.number(), contentHash: z.string() });

/**
 * The files' content hashes when a space last indexed them. An entry that is to be embedded again has no hash, but the
 * file's trace has.
 */
export async function readContentHashes(
  { db }: Core.Strapi,
  spaceId: string,
  fileIds: readonly number[],
): Promise<Map<number, string>> {
  const entries = db.metadata.get(INDEX_ENTRY_UID).tableName;
  const traces = db.metadata.get(IMAGE_TRACE_UID).tableName;
  const hashes = new Map<number, string>();
  for (const ids of chunksOf(fileIds)) {
    const rows: unknown[] = await db
      .getConnection(entries)
      .leftJoin(traces, `${traces}.file_id`, `${entries}.file_id`)
      .select({
        fileId: `${entries}.file_id`,
        contentHash: db.connection.raw('coalesce(??, ??)', [
          `${entries}.content_hash`,
          `${traces}.content_hash`,
        ]),
      })
      .where(`${entries}.space_id`, spaceId)
      .whereNotNull(`${entries}.indexed_at`)
      .whereIn(`${entries}.file_id`, ids);
    for (const row of rows) {
      const { data } = hashSchema.safeParse(row);
      if (data) hashes.set(data.fileId, data.contentHash);
    }
  }
  return hashes;
}
