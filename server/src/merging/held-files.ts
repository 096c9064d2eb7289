import { FILE_UID } from '../plugin-id';
import type { DatabaseTables } from '../usage/database-tables';

/**
 * Locks these files' rows for the rest of the transaction, in one order for all: nobody else deletes them, or gives
 * them to a field, before it ends. SQLite needs no locks, for it has one connection.
 *
 * @returns the ids that are there
 */
export async function holdFiles(
  tables: DatabaseTables,
  fileIds: readonly number[],
): Promise<Set<number>> {
  const rows: { id: number }[] = await tables
    .table(tables.tableOf(FILE_UID))
    .select('id')
    .whereIn('id', [...fileIds])
    .orderBy('id')
    .forUpdate();
  return new Set(rows.map(({ id }) => id));
}
