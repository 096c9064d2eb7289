import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { errorCodes } from '../../../plugin/src/errors';
import {
  indexStates,
  type EntryCounts,
  type IndexEntries,
  type IndexEntry,
  type IndexState,
  type Lease,
} from '../../../plugin/src/indexing/contract';
import { INDEX_ENTRY_UID } from '../plugin-id';
import { hasRowLocks, lockRows, retryConflicts } from './row-locks';

/** Most values in one SQL list: SQLite allows 32,766 variables, but long lists plan slowly everywhere. */
const LARGEST_LIST = 500;
/** Most rows in one INSERT: SQLite takes 500 terms of a compound SELECT, which is how its driver writes it. */
const LARGEST_INSERT = 100;
const LONGEST_ERROR_MESSAGE = 1_000;

const rowSchema = z.object({
  fileId: z.number(),
  state: z.enum(indexStates),
  attempts: z.number(),
  lease: z.string().nullable(),
  errorCode: z.enum(errorCodes).nullable().catch('unexpected'),
  errorMessage: z.string().nullable(),
  contentHash: z.string().nullable(),
  sourceSignature: z.string().nullable(),
  indexedAt: z.coerce.date().nullable(),
});

const byId = [{ id: 'asc' }];
const byFile = [{ fileId: 'asc' }];
const byDueTime = [{ dueAt: 'asc' }, { id: 'asc' }];
const noLease = { lease: null, leaseExpiresAt: null };
const noError = { errorCode: null, errorMessage: null };

/** A fresh start for an entry; what it knew of its last indexing stays, to be compared with. */
function freshlyPending(now: Date) {
  return { state: 'pending', attempts: 0, dueAt: now, ...noLease, ...noError };
}

export interface IndexEntriesOptions {
  /** Whose queue it is; asked at every call, for a space is known only after its provider was opened. */
  spaceId: () => string;
}

/**
 * The queue of one space in Strapi's own database. Every change of a claimed entry is one conditional UPDATE on its
 * lease, which all supported databases apply atomically row by row: none but the holder of a lease writes. Where
 * there are row locks, claims skip what others are claiming, and what changes several rows locks them in the order of
 * their files, so that no two wait for each other.
 */
export function createIndexEntries(
  strapi: Core.Strapi,
  { spaceId }: IndexEntriesOptions,
): IndexEntries {
  const rows = () => strapi.db.query(INDEX_ENTRY_UID);

  /** Among the rows of this space. */
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

  async function inTransaction<Result>(work: () => Promise<Result>): Promise<Result> {
    return await retryConflicts(strapi, () => strapi.db.transaction(work));
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
    const claimed = await update(
      { id: { $in: ids }, state: 'pending' },
      { state: 'indexing', lease: lease.token, leaseExpiresAt: lease.expiresAt },
    );
    if (claimed === 0) return [];
    // Counted when claimed, not when it fails: a picture that kills the process is given up some day.
    await addToAttempts({ lease: lease.token }, 1);
    return find({ lease: lease.token }, { orderBy: byDueTime });
  }

  /** One statement, because an upload waits for it: rows that are there start afresh, others are made. */
  async function upsertPending(fileIds: readonly number[]): Promise<void> {
    const { tableName, attributes } = strapi.db.metadata.get(INDEX_ENTRY_UID);
    const fresh = Object.entries(freshlyPending(new Date())).map(([name, value]) => {
      const attribute = attributes[name];
      const column = attribute && 'columnName' in attribute ? attribute.columnName : undefined;
      return [column ?? name, value] as const;
    });
    await strapi.db
      .getConnection(tableName)
      .insert(
        fileIds.map((fileId) => ({
          space_id: spaceId(),
          file_id: fileId,
          ...Object.fromEntries(fresh),
        })),
      )
      .onConflict(['space_id', 'file_id'])
      .merge(fresh.map(([column]) => column));
  }

  return {
    async markPending(fileIds) {
      const inOrder = [...new Set(fileIds)].sort((left, right) => left - right);
      for (const ids of chunks(inOrder, LARGEST_INSERT)) {
        await retryConflicts(strapi, () => upsertPending(ids));
      }
    },

    async markStatesPending(states) {
      return updateMany(
        { state: { $in: states } },
        // Without its hash an entry is embedded anew even if its bytes are the same.
        { ...freshlyPending(new Date()), contentHash: null },
      );
    },

    async makeDue() {
      return updateMany({ state: 'pending' }, { dueAt: new Date() });
    },

    async claim(limit, lease) {
      const due = { state: 'pending', dueAt: { $lte: new Date() } };
      const candidates = await findIds(due, byDueTime, limit);
      if (candidates.length === 0) return [];
      if (!hasRowLocks(strapi)) return claimRows(candidates, lease);
      return inTransaction(async () => {
        const locked = await lockRows(strapi, INDEX_ENTRY_UID, {
          where: own(due),
          orderBy: byDueTime,
          limit,
          skipLocked: true,
        });
        return claimRows(locked, lease);
      });
    },

    async renew(lease) {
      return updateMany({ lease: lease.token }, { leaseExpiresAt: lease.expiresAt });
    },

    async complete(fileId, lease, picture) {
      return updateLeased(fileId, lease, {
        ...picture,
        ...noError,
        state: 'indexed',
        dueAt: null,
        indexedAt: new Date(),
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
      const counted = await Promise.all(
        indexStates.map(async (state): Promise<[IndexState, number]> => [
          state,
          await rows().count({ where: own({ state }) }),
        ]),
      );
      return Object.fromEntries(counted) as EntryCounts;
    },

    countIndexed: () => rows().count({ where: own({ state: 'indexed' }) }),

    countIndexedSince: (moment) =>
      rows().count({ where: own({ state: 'indexed', indexedAt: { $gte: moment } }) }),

    async clear() {
      await rows().deleteMany({ where: own({}) });
    },

    async get(fileIds) {
      const found: IndexEntry[] = [];
      for (const ids of chunks(fileIds)) found.push(...(await find({ fileId: { $in: ids } })));
      return found;
    },

    async list({ states, cursor, limit }) {
      const entries = await find(
        {
          ...(states && { state: { $in: states } }),
          ...(cursor !== null && { fileId: { $gt: cursor } }),
        },
        { orderBy: { fileId: 'asc' }, limit },
      );
      const last = entries.length === limit ? entries.at(-1) : undefined;
      return { entries, nextCursor: last?.fileId ?? null };
    },
  };
}

/**
 * Moves what is in one queue to another, where it is due at once. What another process adds meanwhile is left to the
 * comparison of library and index.
 */
export async function assignEntries(from: IndexEntries, to: IndexEntries): Promise<void> {
  const { entries } = await from.list({ cursor: null, limit: 1 });
  if (entries.length === 0) return;
  let cursor: number | null = null;
  do {
    const page = await from.list({ cursor, limit: LARGEST_LIST });
    await to.markPending(page.entries.map(({ fileId }) => fileId));
    cursor = page.nextCursor;
  } while (cursor !== null);
  await from.clear();
}

function* chunks<Item>(items: readonly Item[], size = LARGEST_LIST): Generator<Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
