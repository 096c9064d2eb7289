import { z } from 'zod';
import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError } from '../../errors';
import type { DatabaseIdentity } from '../contract';
import type { ServerCatalog } from '../server-store';
import {
  INSUFFICIENT_PRIVILEGE,
  noRows,
  PostgresFailure,
  type Connection,
  type Send,
} from './connection';

/** How long a list of other databases' collections is trusted. */
const FOREIGN_AGE_MS = 60_000;
/** How long the server's version is trusted: an upgrade brings what the last one didn't have. */
const SERVER_AGE_MS = 60_000;
/** Longer vectors don't fit a page, so PostgreSQL keeps them elsewhere; shorter ones are faster within the row. */
const LONGEST_IN_ROW = 1_900;

/** What the server offers. */
export interface Server {
  /** Of PostgreSQL, such as `16.4`. */
  version: string;
  /** Of pgvector. */
  extension: { major: number; minor: number; text: string };
  /** Quoted name of the schema that has pgvector's types. */
  types: string;
}

/** The tables of one collection, and its types, quoted. */
export interface Tables {
  number: number;
  points: string;
  vectors: string;
  views: string;
}

const spaceSchema = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  dimensions: z.int().positive(),
  preprocessing: z.string(),
});

const collectionRow = z.object({
  number: z.int(),
  space: spaceSchema,
  owner: z.string().nullable(),
  owner_name: z.string().nullable(),
  place: z.string().nullable(),
});

type CollectionRow = z.output<typeof collectionRow>;

/**
 * The collections in one schema: a row each in the table `collections`, and the tables `points_<number>`,
 * `vectors_<number>` and `views_<number>`. A collection belongs to a database. One that belongs to none is taken over;
 * so is one from a restored dump, whose database got another id where it was restored, if it is in that database: in a
 * shared one, a collection is another project's.
 */
export class CollectionCatalog implements ServerCatalog {
  readonly #connection: Connection;
  readonly #schemaName: string;
  readonly #database: () => Promise<DatabaseIdentity | null>;
  readonly #isOwnDatabase: boolean;
  readonly #tables = new Map<string, Tables>();
  readonly #foreign = new Map<string, { at: number; collections: ForeignCollection[] }>();
  #server: { at: number; server: Server } | null = null;
  #place: Promise<string | null> | null = null;

  constructor(options: {
    connection: Connection;
    schema: string;
    /** Whose collections; null for those of no database, or else the first ones. */
    database: () => Promise<DatabaseIdentity | null>;
    /** Whether the tables are in that database, and so in its dumps. */
    isOwnDatabase: boolean;
  }) {
    this.#connection = options.connection;
    this.#schemaName = options.schema;
    this.#database = options.database;
    this.#isOwnDatabase = options.isOwnDatabase;
  }

  get schema(): string {
    return quote(this.#schemaName);
  }

  nameOf(spaceId: string): string {
    const tables = this.#tables.get(spaceId);
    return tables ? `${this.#schemaName}.vectors_${String(tables.number)}` : spaceId;
  }

  /** Of a space that was ensured. */
  tablesOf({ id }: VectorSpace): Tables {
    const tables = this.#tables.get(id);
    if (tables === undefined) throw new TypeError(`The space "${id}" has no tables yet.`);
    return tables;
  }

  /** @throws ImageSearchError `store-not-installed` without pgvector */
  async server(): Promise<Server> {
    const known = this.#server;
    if (known && Date.now() - known.at < SERVER_AGE_MS) return known.server;
    const server = (await this.#readServer()) ?? (await this.#installExtension());
    this.#server = { at: Date.now(), server };
    return server;
  }

  async list(): Promise<VectorSpace[]> {
    const database = await this.#database();
    if (!(await this.#exists())) return [];
    const rows = await this.#connection.send(
      collectionRow,
      `${selectCollections(this.schema)} order by space_id, number`,
    );
    const place = await this.#readPlace();
    const ids = new Set(rows.map(({ space }) => space.id));
    return [...ids].flatMap((id) => {
      const own = chooseOwn(
        rows.filter(({ space }) => space.id === id),
        { database, place },
      );
      return own ? [own.space] : [];
    });
  }

  async drop(spaceId: string): Promise<void> {
    const database = await this.#database();
    if (!(await this.#exists())) return;
    const place = await this.#readPlace();
    const chosen = chooseOwn(await this.#rowsOf(this.#connection.send, spaceId), {
      database,
      place,
    });
    if (chosen === undefined) return;
    await this.#stopBuilding(this.#toTables(chosen.number));
    await this.#connection.transact(async (send) => {
      await this.#lock(send);
      const rows = await this.#rowsOf(send, spaceId);
      const own = chooseOwn(rows, { database, place });
      if (own === undefined) return;
      await this.#dropTables(send, this.#toTables(own.number));
      await send(noRows, `delete from ${this.schema}.collections where number = $1`, [own.number]);
    });
    this.#tables.delete(spaceId);
  }

  async foreignTo(space: VectorSpace): Promise<readonly ForeignCollection[]> {
    const known = this.#foreign.get(space.id);
    if (known !== undefined && Date.now() - known.at < FOREIGN_AGE_MS) return known.collections;
    const own = this.#tables.get(space.id)?.number;
    const rows = await this.#rowsOf(this.#connection.send, space.id);
    const collections = rows
      .filter(
        ({ number, space: { dimensions } }) => number !== own && dimensions === space.dimensions,
      )
      .map(({ number, owner_name: database }): ForeignCollection => ({
        name: `${this.#schemaName}.vectors_${String(number)}`,
        database,
        tables: this.#toTables(number),
      }));
    this.#foreign.set(space.id, { at: Date.now(), collections });
    return collections;
  }

  async countCollections(): Promise<number> {
    if (!(await this.#exists())) return 0;
    const [row] = await this.#connection.send(
      z.object({ count: z.int() }),
      `select count(*)::int as count from ${this.schema}.collections`,
    );
    return row?.count ?? 0;
  }

  async ensure(space: VectorSpace): Promise<boolean> {
    // Something may be missing because the extension was dropped or moved.
    this.#server = null;
    const { types } = await this.server();
    const database = await this.#database();
    const place = await this.#readPlace();
    if (!(await this.#exists())) await this.#createSchema();
    return this.#connection.transact(async (send) => {
      await this.#lock(send);
      const rows = await this.#rowsOf(send, space.id);
      const own = chooseOwn(rows, { database, place });
      if (own && own.space.dimensions !== space.dimensions) {
        throw clashError(space, own.space.dimensions);
      }
      const number = own?.number ?? (await this.#insert(send, space));
      if (database) {
        await send(
          noRows,
          `update ${this.schema}.collections set owner = $2, owner_name = $3, place = $4
           where number = $1 and (owner, owner_name, place) is distinct from ($2, $3, $4)`,
          [number, database.id, database.name, place],
        );
      }
      const tables = this.#toTables(number);
      const isComplete = own !== undefined && (await this.#isComplete(send, tables));
      if (!isComplete) {
        await this.#dropTables(send, tables);
        await this.#createTables(send, tables, { ...space, types });
      }
      this.#tables.set(space.id, tables);
      return !isComplete;
    });
  }

  async #insert(send: Send, space: VectorSpace): Promise<number> {
    const { id, dimensions, model, preprocessing, provider } = space;
    const [row] = await send(
      z.object({ number: z.int() }),
      `insert into ${this.schema}.collections (space_id, space) values ($1, $2) returning number`,
      [id, JSON.stringify({ id, provider, model, dimensions, preprocessing })],
    );
    if (row === undefined) throw new TypeError('PostgreSQL returned no row.');
    return row.number;
  }

  #toTables(number: number): Tables {
    const named = (kind: string): string => `${this.schema}.${kind}_${String(number)}`;
    return { number, points: named('points'), vectors: named('vectors'), views: named('views') };
  }

  async #isComplete(send: Send, { points, vectors, views }: Tables): Promise<boolean> {
    const [row] = await send(
      z.object({ count: z.int() }),
      `select count(*)::int as count from pg_attribute where not attisdropped and (
         attrelid = to_regclass($1) and attname = 'content_hash'
         or attrelid in (to_regclass($2), to_regclass($3)) and attname = 'embedding')`,
      [points, vectors, views],
    );
    return row?.count === 3;
  }

  async #createTables(
    send: Send,
    { number, points, vectors, views }: Tables,
    { dimensions, types }: { dimensions: number; types: string },
  ): Promise<void> {
    const vector = `${types}.vector(${String(dimensions)}) not null`;
    const storage = dimensions <= LONGEST_IN_ROW ? 'plain' : 'external';
    await send(
      noRows,
      `create table ${points} (
         file_id bigint primary key,
         mime_type text not null,
         extension text not null,
         created_at text not null,
         content_hash text not null
       );
       create index points_${String(number)}_hash on ${points} (content_hash);
       create table ${vectors} (file_id bigint primary key, embedding ${vector});
       create table ${views} (
         id bigint primary key,
         file_id bigint not null generated always as (id >> 16) stored,
         embedding ${vector}
       );
       create index views_${String(number)}_file on ${views} (file_id);
       alter table ${vectors} alter column embedding set storage ${storage};
       alter table ${views} alter column embedding set storage ${storage};`,
    );
  }

  /** Otherwise dropping waits for an index that is being built. */
  async #stopBuilding({ vectors, views }: Tables): Promise<void> {
    try {
      await this.#connection.send(
        noRows,
        `select pg_cancel_backend(pid) from pg_stat_progress_create_index
         where relid in (to_regclass($1), to_regclass($2))`,
        [vectors, views],
      );
    } catch (error) {
      // Another role's: then dropping waits.
      if (!(error instanceof PostgresFailure) || error.sqlState !== INSUFFICIENT_PRIVILEGE)
        throw error;
    }
  }

  async #dropTables(send: Send, { points, vectors, views }: Tables): Promise<void> {
    await send(noRows, `drop table if exists ${points}, ${vectors}, ${views}`);
  }

  #rowsOf(send: Send, spaceId: string): Promise<CollectionRow[]> {
    return send(
      collectionRow,
      `${selectCollections(this.schema)} where space_id = $1 order by number`,
      [spaceId],
    );
  }

  /** For the transaction: one process at a time looks for a collection and creates it. */
  async #lock(send: Send): Promise<void> {
    await send(noRows, 'select pg_advisory_xact_lock(hashtext($1))', [
      `image-search ${this.schema}`,
    ]);
  }

  async #exists(): Promise<boolean> {
    const [row] = await this.#connection.send(
      z.object({ exists: z.boolean() }),
      'select to_regclass($1) is not null as exists',
      [`${this.schema}.collections`],
    );
    return row?.exists === true;
  }

  async #createSchema(): Promise<void> {
    await this.#connection.transact(async (send) => {
      await this.#lock(send);
      // A user who may not create schemas may still use one.
      const [found] = await send(
        z.object({ exists: z.boolean() }),
        'select to_regnamespace($1) is not null as exists',
        [this.schema],
      );
      if (found?.exists !== true) await send(noRows, `create schema ${this.schema}`);
      await send(
        noRows,
        `create table if not exists ${this.schema}.collections (
           number int generated always as identity primary key,
           space_id text not null,
           space jsonb not null,
           owner text,
           owner_name text,
           place text,
           has_views boolean not null default false,
           graphs jsonb not null default '{}',
           unique (space_id, owner)
         )`,
      );
    });
  }

  async #readServer(): Promise<Server | null> {
    const [row] = await this.#connection.send(
      z.object({
        version: z.string(),
        extension: z.string().nullable(),
        types: z.string().nullable(),
      }),
      `select current_setting('server_version') as version, extversion as extension, nspname as types
       from (select 1) one left join pg_extension on extname = 'vector'
       left join pg_namespace on pg_namespace.oid = extnamespace`,
    );
    if (!row?.extension || !row.types) return null;
    const [major = 0, minor = 0] = row.extension.split('.').map(Number);
    const version = row.version.split(' ')[0] ?? '';
    return { version, extension: { major, minor, text: row.extension }, types: quote(row.types) };
  }

  async #installExtension(): Promise<Server> {
    try {
      await this.#connection.send(noRows, 'create extension if not exists vector');
    } catch (error) {
      if (!(error instanceof PostgresFailure) || error.sqlState === null) throw error;
      // Another process was first.
      const isInstalled = (await this.#readServer()) !== null;
      if (!isInstalled) throw missingExtension(error, this.#connection.server);
    }
    const server = await this.#readServer();
    if (server === null) throw new TypeError('PostgreSQL has no extension "vector".');
    return server;
  }

  /** Differs for a restored dump; null when the server doesn't tell, or when that can't be. */
  #readPlace(): Promise<string | null> {
    if (!this.#isOwnDatabase) return Promise.resolve(null);
    this.#place ??= this.#connection
      .send(
        z.object({ place: z.string() }),
        `select system_identifier::text || ' ' || oid::text as place
         from pg_control_system(), pg_database where datname = current_database()`,
      )
      .then(
        ([row]) => row?.place ?? null,
        (error: unknown) => {
          this.#place = null;
          // Some hosts don't allow it.
          if (error instanceof PostgresFailure && error.sqlState === INSUFFICIENT_PRIVILEGE)
            return null;
          throw error;
        },
      );
    return this.#place;
  }
}

/** A collection in which another database has vectors. */
export interface ForeignCollection {
  name: string;
  /** Null when the collection belongs to none. */
  database: string | null;
  tables: Tables;
}

function selectCollections(schema: string): string {
  return `select number, space, owner, owner_name, place from ${schema}.collections`;
}

/** Of the collections of one space, the one of this database. */
function chooseOwn(
  rows: readonly CollectionRow[],
  { database, place }: { database: DatabaseIdentity | null; place: string | null },
): CollectionRow | undefined {
  const unowned = rows.find(({ owner }) => owner === null);
  if (database === null) return unowned ?? rows[0];
  const restored = rows.filter(
    (row) => place !== null && row.place !== null && row.place !== place,
  );
  return (
    rows.find(({ owner }) => owner === database.id) ??
    unowned ??
    // Of several, nobody knows which one it is.
    (restored.length === 1 ? restored[0] : undefined)
  );
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function clashError({ id, dimensions }: VectorSpace, stored: number): ImageSearchError {
  return new ImageSearchError({
    code: 'store-space-clash',
    message: `The collection "${id}" in PostgreSQL has vectors of ${String(stored)} dimensions, not ${String(dimensions)}. Change vectors.schema, or drop the collection.`,
    retryable: false,
  });
}

function missingExtension(cause: PostgresFailure, server: string): ImageSearchError {
  const isAvailable = cause.sqlState === INSUFFICIENT_PRIVILEGE;
  const message = isAvailable
    ? `PostgreSQL at ${server} has pgvector, but not in this database, and this user may not add it. Have a superuser run "CREATE EXTENSION vector" there.`
    : `PostgreSQL at ${server} doesn't have pgvector. Install it on the server (Debian: postgresql-<version>-pgvector), and have a superuser run "CREATE EXTENSION vector" in this database.`;
  return new ImageSearchError({ code: 'store-not-installed', message, retryable: false, cause });
}
