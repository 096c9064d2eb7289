import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { Logger } from '../../../plugin/src/logger';
import type { DatabaseIdentity } from '../../../plugin/src/vectors/contract';

/**
 * Not a content type: `strapi export` and `import` must not give one database the id of another, while a dump does
 * carry it along.
 */
const TABLE = 'image_search_database';
/** The only row. */
const SLOT = 1;

const rowSchema = z.object({ id: z.string(), location: z.string().nullable() });

/** Where a database is. */
interface Place {
  /** Differs for a copy, and stays the same across restarts; null when it can't be told. */
  location: string | null;
  /** For people. */
  name: string;
}

/**
 * The id of Strapi's database, made at the first call. A copy of the database gets an id of its own, so that it doesn't
 * change the vectors of the original, if its place tells: on MySQL and MariaDB by its name alone. A moved file keeps it.
 */
export function createDatabaseIdentity(
  strapi: Core.Strapi,
  logger: Pick<Logger, 'warn'>,
): () => Promise<DatabaseIdentity> {
  const rows = () => strapi.db.getConnection(TABLE).where('slot', SLOT);

  async function ensureTable(): Promise<void> {
    const schema = strapi.db.getSchemaConnection();
    if (await schema.hasTable(TABLE)) return;
    try {
      await schema.createTable(TABLE, (table) => {
        table.integer('slot').primary();
        table.string('id').notNullable();
        table.text('location');
      });
    } catch (error) {
      // Another process may have been first.
      if (!(await strapi.db.getSchemaConnection().hasTable(TABLE))) throw error;
    }
  }

  async function read(): Promise<z.output<typeof rowSchema>> {
    return rowSchema.parse(await rows().select('id', 'location').first());
  }

  async function identify(): Promise<DatabaseIdentity> {
    await ensureTable();
    const { location, name } = await findPlace(strapi);
    await strapi.db
      .getConnection(TABLE)
      .insert({ slot: SLOT, id: randomUUID(), location })
      .onConflict('slot')
      .ignore();
    const known = await read();
    if (location !== null && known.location !== location) {
      const id = isCopy(known.location) ? randomUUID() : known.id;
      if (id !== known.id) {
        logger.warn(
          `${name} is a copy, so it gets vectors of its own. Its id was ${known.id} and is ${id} now.`,
        );
      }
      await rows().where('id', known.id).update({ id, location });
    }
    return { id: (await read()).id, name };
  }

  let identity: Promise<DatabaseIdentity> | null = null;
  return () => {
    identity ??= identify().catch((error: unknown) => {
      identity = null;
      throw error;
    });
    return identity;
  };
}

/** Whether a database that is now elsewhere may still be where it was, too. */
function isCopy(former: string | null): boolean {
  if (former === null) return false;
  return path.isAbsolute(former) ? existsSync(former) : true;
}

const connectionSchema = z.object({
  connection: z.object({ filename: z.string().optional(), host: z.string().optional() }).catch({}),
});

async function findPlace({ db }: Core.Strapi): Promise<Place> {
  const { connection } = connectionSchema.parse(db.config.connection);
  if (db.dialect.client === 'sqlite') {
    const file = connection.filename ?? '';
    const location = existsSync(file) ? realpathSync(file) : null;
    return { location, name: `the database ${location ?? file}` };
  }
  const query = db.dialect.client === 'postgres' ? placeInPostgres : placeInMysql;
  const [place] = await db.connection
    .raw(query)
    .then((result: unknown) => placeRowsSchema.parse(result))
    // Some hosts don't allow it; then a copy can't be told from its original.
    .catch(() => []);
  const host = connection.host ?? 'its server';
  return {
    location: place?.server && place.database ? `${place.server} ${place.database}` : null,
    name: `the database ${place?.name ?? ''} on ${host}`.replace('  ', ' '),
  };
}

/** An object or a URL; whatever else knex takes, such as a function, isn't known. */
const postgresSchema = z.object({
  connection: z
    .union([
      z.record(z.string(), z.unknown()),
      z.string().transform((connectionString) => ({ connectionString })),
    ])
    .or(z.literal('unknown'))
    .catch('unknown'),
});

/** How Strapi reaches its database, with its password; null if that isn't PostgreSQL. */
export function postgresOf({
  db,
}: Core.Strapi): Readonly<Record<string, unknown>> | 'unknown' | null {
  if (db.dialect.client !== 'postgres') return null;
  return postgresSchema.parse(db.config.connection).connection;
}

/** Equal for a server, its replicas, and whatever address leads to it; a restored dump has another number. */
const placeInPostgres = `select system_identifier::text as server, oid::text as database, datname as name
  from pg_control_system(), pg_database where datname = current_database()`;

/** Without the server's id, which is another one after a failover, as each node has its own; MariaDB has none. */
const placeInMysql = "select 'mysql' as server, database() as `database`, database() as name";

const placeSchema = z.object({
  server: z.string().nullable(),
  database: z.string().nullable(),
  name: z.string(),
});

/** The rows of either driver. */
const placeRowsSchema = z.union([
  z.object({ rows: z.array(placeSchema) }).transform(({ rows }) => rows),
  z
    .tuple([z.array(placeSchema)])
    .rest(z.unknown())
    .transform(([rows]) => rows),
]);

/** Deletes the id: whatever a store keeps for this database is another's from now on. */
export async function forgetDatabaseIdentity({ db }: Core.Strapi): Promise<void> {
  await db.getSchemaConnection().dropTableIfExists(TABLE);
}
