import { setTimeout as wait } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { backoffMs } from '../../../plugin/src/circuit-breaker';

/** Deadlocks and serialization failures of PostgreSQL, MySQL and MariaDB: nothing changed, and a retry helps. */
const CONFLICT_CODES = new Set([
  ...['40P01', '40001', 'ER_LOCK_DEADLOCK', 'ER_CHECKREAD'],
  // A transaction of SQLite that reads before it writes doesn't wait for another process.
  ...['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT'],
]);
const MAX_TRIES = 10;
const pauses = { firstRetryMs: 10, longestRetryMs: 500 };

const oldestVersions = { MYSQL: [8, 0], MARIADB: [10, 6] } as const;

const lockedRowsSchema = z.array(z.object({ id: z.number() }));

const mysqlDialectSchema = z.object({
  info: z.object({ database: z.enum(['MYSQL', 'MARIADB']), version: z.string() }),
});

/** Whether `FOR UPDATE SKIP LOCKED` works: everywhere except SQLite, which has no row locks, and old versions. */
export function hasRowLocks({ db }: Core.Strapi): boolean {
  if (db.dialect.client === 'postgres') return true;
  const dialect = mysqlDialectSchema.safeParse(db.dialect);
  if (!dialect.success) return false;
  const { database, version } = dialect.data.info;
  const [oldestMajor, oldestMinor] = oldestVersions[database];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * Retries a statement or transaction that lost a deadlock, which MySQL may detect between any two writers of adjacent
 * rows. It waits a random time between attempts, so that the two don't collide again. Inside a transaction of the caller
 * nothing is retried: that one is lost as a whole.
 */
export async function retryConflicts<Result>(
  { db }: { db: Pick<Core.Strapi['db'], 'inTransaction'> },
  work: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || tries >= MAX_TRIES || db.inTransaction()) throw error;
      await wait(backoffMs(pauses, tries, Math.random()));
    }
  }
}

/**
 * Locks rows of a content type in this order until the transaction ends. Needs a transaction and row locks.
 */
export async function lockRows(
  { db }: Core.Strapi,
  uid: string,
  options: {
    where: object;
    orderBy: readonly object[];
    limit: number;
    /** Skips rows locked by another transaction instead of waiting for them. */
    skipLocked?: boolean;
  },
): Promise<number[]> {
  const { limit, orderBy, skipLocked = false, where } = options;
  return await db.transaction(async ({ trx }) => {
    const query = db
      .queryBuilder(uid)
      .select(['id'])
      .where(where)
      .orderBy([...orderBy])
      .limit(limit)
      .forUpdate()
      .getKnexQuery()
      .transacting(trx);
    const rows = lockedRowsSchema.parse(await (skipLocked ? query.skipLocked() : query));
    return rows.map(({ id }) => id);
  });
}

/** Whether a statement or transaction lost a deadlock, with nothing changed. */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    CONFLICT_CODES.has(error.code)
  );
}
