import type { Core } from '@strapi/strapi';
import { chunksOf as chunksOfSize } from '../../../plugin/src/chunks';

type Connection = Core.Strapi['db']['connection'];

/** A query builder for one table. */
export type TableQuery = ReturnType<Connection>;
/** In knex a transaction has the shape of a connection. */
type Transaction = Connection;

/** Values in one SQL list. */
const LARGEST_LIST = 500;

/** Strapi's tables below its models, for what a model's query can't express or would alter. */
export interface DatabaseTables {
  readonly strapi: Core.Strapi;
  table(name: string): TableQuery;
  /** The column of a model's attribute. */
  columnOf(uid: string, attribute: string): string;
  tableOf(uid: string): string;
}

/** @param transaction queries join it; on SQLite, which has one connection, other queries would wait forever */
export function createDatabaseTables(
  strapi: Core.Strapi,
  transaction?: Transaction,
): DatabaseTables {
  const connection = transaction ?? strapi.db.connection;
  const schema = strapi.db.getSchemaName();
  return {
    strapi,
    table(name) {
      const query = connection(name);
      return schema === undefined ? query : query.withSchema(schema);
    },
    tableOf: (uid) => strapi.db.metadata.get(uid).tableName,
    columnOf(uid, attribute) {
      const definition = strapi.db.metadata.get(uid).attributes[attribute];
      return definition && 'columnName' in definition ? definition.columnName : attribute;
    },
  };
}

/** Joins the transaction in which this runs: on SQLite, which has one connection, it would otherwise wait forever. */
export async function readRows(strapi: Core.Strapi, query: TableQuery): Promise<unknown[]> {
  const rows: unknown = strapi.db.inTransaction()
    ? await strapi.db.transaction(({ trx }) => query.transacting(trx as never))
    : await query;
  return rows as unknown[];
}

/** Splits items into lists short enough for one statement each. */
export function chunksOf<Item>(items: Iterable<Item>, size = LARGEST_LIST): Item[][] {
  return chunksOfSize(items, size);
}

/** Groups items by key, in the order of each group's first item. */
export function groupBy<Item, Key>(
  items: Iterable<Item>,
  keyOf: (item: Item) => Key,
): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
