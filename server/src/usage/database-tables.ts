import type { Core } from '@strapi/strapi';

type Connection = Core.Strapi['db']['connection'];

/** A builder of queries on one table. */
export type TableQuery = ReturnType<Connection>;
/** Knex gives a transaction the shape of a connection. */
type Transaction = Connection;

/** Most values in one SQL list. */
const LARGEST_LIST = 500;

/** Strapi's own tables, below its models: what a query of a model cannot say or would change on its way. */
export interface DatabaseTables {
  readonly strapi: Core.Strapi;
  table(name: string): TableQuery;
  /** An attribute's column of a model's table. */
  columnOf(uid: string, attribute: string): string;
  tableOf(uid: string): string;
}

/** @param transaction queries join it; on SQLite, which has one connection, others would wait for its end forever */
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

/** Lists short enough for one statement each. */
export function chunksOf<Item>(items: Iterable<Item>, size = LARGEST_LIST): Item[][] {
  const all = [...items];
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
