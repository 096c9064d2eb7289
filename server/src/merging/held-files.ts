import { FILE_UID } from '../plugin-id';
import type { DatabaseTables } from '../usage/database-tables';

/**
 * Locks these files' rows in a fixed order until the transaction ends: no one else can delete them or assign them to a
 * field. SQLite has one connection and needs no locks.
 *
 * @returns the ids that exist
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
