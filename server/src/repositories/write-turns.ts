import type { Core } from '@strapi/strapi';
import { JOB_UID } from '../plugin-id';
import { createDatabaseTables, type DatabaseTables } from '../usage/database-tables';
import { retryConflicts } from './row-locks';

/**
 * Does the work in a transaction while nobody else, in whatever process, does work of this name: for tables whose
 * writers would lock each other's rows crosswise. Inside a transaction of the caller the turn lasts until that ends.
 *
 * The turn is taken by writing, and that before anything is read: so the databases that keep a transaction to what
 * was there at its first look show it what the turn before left, and SQLite waits for other processes here.
 *
 * @param name of a row of the jobs, which is made when there is none
 */
export async function inTurn<Result>(
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
