import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError } from '../../errors';
import type { Handlers } from '../../threads';
import type { DatabaseIdentity } from '../contract';
import {
  Collection,
  createCollectionTables,
  dropCollectionTables,
  ensureHashIndex,
} from './collection';
import {
  checkLength,
  fileIdentity,
  isDamage,
  openDatabase,
  outdatesConnection,
  removeJournals,
  setFileAside,
  toStoreError,
  transact,
} from './database';
import { loadDriver, type SqlDatabase, type SqlStatement } from './driver';
import type {
  FileReport,
  Operations,
  StoreNotice,
  StoreThreadOptions,
  ViewBatch,
} from './protocol';

/** How long the store's health mentions what has happened to the file. */
const INCIDENT_MS = 3_600_000;

export interface EngineOptions extends StoreThreadOptions {
  report(notice: StoreNotice): void;
}

/**
 * The thread's engine. Opens the file at the first operation, and again after a failure that a new connection may
 * fix, or when the path leads to another file. If the file is damaged, it is renamed and the operation runs on a new
 * file, unless it is to be kept. Throws only ImageSearchErrors.
 */
export function createEngine(options: EngineOptions): Handlers<Operations> {
  const { file } = options;
  let session: Session | null = null;
  /** The files that were opened. */
  let opened: { database: string | null; journal: string | null } | null = null;
  let incident: { message: string; at: number } | null = null;
  /** The other databases that the operator was told of. */
  let announced = '';

  function open(): Session {
    if (session !== null && fileIdentity(file) !== opened?.database) followFile(session);
    if (session !== null) return session;
    session = openSession();
    opened = { database: fileIdentity(file), journal: fileIdentity(`${file}-wal`) };
    announce(session.otherDatabases());
    return session;
  }

  function openSession(): Session {
    const database = openDatabase(loadDriver(options), file);
    try {
      return new Session(database, options);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  function close(): void {
    session?.close();
    session = null;
  }

  function announce(others: readonly string[]): void {
    const names = others.join(' and ');
    if (names === announced) return;
    announced = names;
    if (others.length === 0) return;
    const message = `The vector file ${file} also has vectors of ${names}. They aren't changed, and are reused for images with the same bytes.`;
    options.report({ isLoss: false, level: 'info', message });
  }

  function reportIncident(notice: Omit<StoreNotice, 'level'>, level: 'warn' | 'error'): void {
    incident = { message: notice.message, at: Date.now() };
    options.report({ ...notice, level });
  }

  /** The path leads to no file or to another one than is open. */
  function followFile(current: Session): void {
    if (fileIdentity(file) === null) {
      restoreDeletedFile(current);
      return;
    }
    close();
    // The journal of a file that is gone must not be replayed into the one in its place.
    removeFormerJournals();
    const message = `The vector file ${file} was replaced while it was open. It was reopened and will be compared with the library.`;
    reportIncident({ isLoss: true, message }, 'warn');
  }

  /** A journal that another process made for the file in its place stays. */
  function removeFormerJournals(): void {
    if (fileIdentity(`${file}-wal`) === opened?.journal) removeJournals(file);
  }

  /** A deleted file can be read until it is closed. */
  function restoreDeletedFile(current: Session): void {
    const draft = `${file}.${randomUUID()}.part`;
    let isRestored = false;
    try {
      current.copyTo(draft);
      // Another process that had it open, too, may have been first.
      if (fileIdentity(file) === null) {
        removeFormerJournals();
        renameSync(draft, file);
        isRestored = true;
      }
    } catch {
      // An empty one takes its place.
    } finally {
      rmSync(draft, { force: true });
    }
    if (!isRestored && fileIdentity(file) !== null) {
      followFile(current);
      return;
    }
    close();
    if (!isRestored) removeFormerJournals();
    const outcome = isRestored
      ? 'It was written again, with all vectors.'
      : 'It was replaced by an empty one; all images will be reindexed.';
    const message = `The vector file ${file} was deleted while it was open. ${outcome}`;
    reportIncident({ isLoss: !isRestored, message }, 'warn');
  }

  function damaged(damage: unknown): ImageSearchError {
    close();
    return new ImageSearchError({
      code: 'store-unavailable',
      message: `The vector file ${file} is damaged (${describeDamage(damage)}). Strapi renames it and reindexes all images when it next uses it; restore a backup before that, if you have one.`,
      retryable: false,
      cause: damage,
    });
  }

  function replaceDamagedFile(damage: unknown): void {
    close();
    const target = setFileAside(file, new Date());
    const reason = describeDamage(damage);
    const message =
      `The vector file ${file} is damaged (${reason}). It was renamed to ${target} and replaced by an empty one; ` +
      'all images will be reindexed. The damaged file may be deleted.';
    reportIncident({ isLoss: true, message }, 'error');
  }

  function use<T>(work: (session: Session) => T): T {
    try {
      try {
        return work(open());
      } catch (error) {
        if (!isDamage(error)) throw error;
        if (options.keepsDamaged) throw damaged(error);
        replaceDamagedFile(error);
        return work(open());
      }
    } catch (error) {
      if (outdatesConnection(error)) close();
      throw toStoreError(error, file);
    }
  }

  return {
    ensureSpace({ space }) {
      use((opened) => opened.collection(space));
    },
    inspect: () =>
      use((opened): FileReport => {
        checkLength(loadDriver(options), file);
        const isRecent = incident !== null && Date.now() - incident.at < INCIDENT_MS;
        return {
          collections: opened.listSpaces().length,
          others: opened.otherDatabases(),
          incident: isRecent ? (incident?.message ?? null) : null,
        };
      }),
    listSpaces: () => use((opened) => opened.listSpaces()),
    dropSpace({ spaceId }) {
      use((opened) => {
        opened.dropSpace(spaceId);
      });
    },
    upsert({ space, batch }) {
      use((opened) => {
        opened.collection(space).upsert(batch);
      });
    },
    remove({ space, fileIds }) {
      use((opened) => {
        opened.collection(space).remove(fileIds);
      });
    },
    search: ({ space, query }) => use((opened) => opened.collection(space).search(query)),
    getMany: ({ space, fileIds }) => use((opened) => opened.collection(space).getMany(fileIds)),
    hasViews: ({ space }) => use((opened) => opened.collection(space).hasViews()),
    viewsOf: ({ space, fileIds }) => use((opened) => opened.collection(space).viewsOf(fileIds)),
    contentHashesOf: ({ space, fileIds }) =>
      use((opened) => opened.collection(space).contentHashesOf(fileIds)),
    findByContentHash: ({ space, contentHash }) =>
      use((opened) => opened.findByContentHash(space, contentHash)),
    count: ({ space }) => use((opened) => opened.collection(space).count()),
    listIds: ({ space, cursor, limit }) =>
      use((opened) => opened.collection(space).listIds(cursor, limit)),
    close() {
      close();
    },
  };
}

function describeDamage(damage: unknown): string {
  return damage instanceof Error ? damage.message : String(damage);
}

interface SessionOptions {
  prefilterFrom: number;
  database: DatabaseIdentity | null;
  report: (notice: StoreNotice) => void;
}

type SpaceRow = VectorSpace & { number: number };

/** Of vectors that the next database to ask for them takes over. */
const NO_OWNER = '';

/** An open connection with its collections. */
class Session {
  readonly #database: SqlDatabase;
  readonly #options: SessionOptions;
  readonly #owner: string;
  readonly #collections = new Map<string, Collection>();
  /** By space: the collections of other databases. */
  readonly #others = new Map<string, Collection[]>();
  readonly #dataVersion: SqlStatement<[], { data_version: number }>;
  #lastDataVersion: number | undefined;

  constructor(database: SqlDatabase, options: SessionOptions) {
    this.#database = database;
    this.#options = options;
    this.#dataVersion = database.prepare('pragma data_version');
    this.#owner = options.database ? this.#register(options.database) : this.#lastOwner();
  }

  /** Names of the other databases with vectors in the file. */
  otherDatabases(): string[] {
    const rows = this.#database
      .prepare<[string], { name: string }>(
        `select name from databases
         where id <> ? and id in (select database_id from spaces) order by name, id`,
      )
      .all(this.#owner);
    return rows.map(({ name }) => name);
  }

  /** The vectors of these bytes from any collection of the space, this database's first. */
  findByContentHash(space: VectorSpace, contentHash: string): ViewBatch | null {
    const own = this.collection(space);
    for (const collection of [own, ...this.#collectionsOfOthers(space)]) {
      const found = collection.findByContentHash(contentHash);
      if (found !== null) return found;
    }
    return own.findRemoved(contentHash);
  }

  /** Writes everything to a new file. */
  copyTo(file: string): void {
    mkdirSync(path.dirname(file), { recursive: true });
    this.#database.prepare<[string]>('vacuum into ?').run(file);
  }

  /**
   * The collection of `space`, created if missing.
   *
   * @throws ImageSearchError `store-space-clash` when its dimensions differ
   */
  collection(space: VectorSpace): Collection {
    this.#noticeOtherWriters();
    const known = this.#collections.get(space.id);
    if (known?.space.dimensions === space.dimensions) return known;
    const number = transact(this.#database, () => this.#ensureSpace(space));
    const collection = this.#open(number, space);
    this.#collections.set(space.id, collection);
    return collection;
  }

  /** With those without an owner, which this database may take over. */
  listSpaces(): VectorSpace[] {
    return this.#database
      .prepare<[string, string, string], VectorSpace>(
        `select id, provider, model, dimensions, preprocessing from spaces
         where database_id = ?
           or (database_id = ? and id not in (select id from spaces where database_id = ?))
         order by number`,
      )
      .all(this.#owner, NO_OWNER, this.#owner);
  }

  dropSpace(spaceId: string): void {
    this.#collections.delete(spaceId);
    transact(this.#database, () => {
      const row = this.#findSpace(spaceId) ?? this.#findSpace(spaceId, NO_OWNER);
      if (row === undefined) return;
      dropCollectionTables(this.#database, row.number);
      this.#database.prepare<[number]>('delete from spaces where number = ?').run(row.number);
      // Removed vectors are of a space, whichever database it is of.
      this.#database
        .prepare<[string]>(
          'delete from removed_vectors where space_id = ? and space_id not in (select id from spaces)',
        )
        .run(spaceId);
    });
  }

  close(): void {
    this.#collections.clear();
    this.#others.clear();
    this.#database.close();
  }

  /** Once a day is enough to tell which database used the file last. */
  #register({ id, name }: DatabaseIdentity): string {
    const now = new Date().toISOString();
    this.#database
      .prepare<[string, string, string]>(
        `insert into databases values (?, ?, ?)
         on conflict (id) do update set name = excluded.name, seen_at = excluded.seen_at
         where name <> excluded.name or substr(seen_at, 1, 10) <> substr(excluded.seen_at, 1, 10)`,
      )
      .run(id, name, now);
    return id;
  }

  #lastOwner(): string {
    const last = this.#database
      .prepare<[], { id: string }>(
        'select id from databases order by seen_at desc, rowid desc limit 1',
      )
      .get();
    return last?.id ?? NO_OWNER;
  }

  #open(number: number, space: VectorSpace): Collection {
    const { prefilterFrom, report } = this.#options;
    return new Collection({ database: this.#database, number, space, prefilterFrom, report });
  }

  #collectionsOfOthers(space: VectorSpace): Collection[] {
    const known = this.#others.get(space.id);
    if (known !== undefined) return known;
    const rows = this.#database
      .prepare<[string, number, string], { number: number }>(
        'select number from spaces where id = ? and dimensions = ? and database_id <> ?',
      )
      .all(space.id, space.dimensions, this.#owner);
    for (const { number } of rows) ensureHashIndex(this.#database, number);
    const collections = rows.map(({ number }) => this.#open(number, space));
    this.#others.set(space.id, collections);
    return collections;
  }

  #findSpace(spaceId: string, owner = this.#owner): SpaceRow | undefined {
    return this.#database
      .prepare<[string, string], SpaceRow>('select * from spaces where id = ? and database_id = ?')
      .get(spaceId, owner);
  }

  #ensureSpace(space: VectorSpace): number {
    const found = this.#findSpace(space.id) ?? this.#adopt(space);
    if (found !== undefined) {
      if (found.dimensions !== space.dimensions) throw clash(space, found.dimensions);
      return found.number;
    }
    const { id, provider, model, dimensions, preprocessing } = space;
    const [row] = this.#database
      .prepare<[string, string, string, string, number, string], { number: number }>(
        `insert into spaces (database_id, id, provider, model, dimensions, preprocessing)
         values (?, ?, ?, ?, ?, ?) returning number`,
      )
      .all(this.#owner, id, provider, model, dimensions, preprocessing);
    if (row === undefined) throw new TypeError('SQLite returned no row.');
    const { number } = row;
    createCollectionTables(this.#database, number);
    ensureHashIndex(this.#database, number);
    return number;
  }

  /** Takes over a collection without an owner. Vectors of other images than this database's are found out later. */
  #adopt({ id }: VectorSpace): SpaceRow | undefined {
    this.#database
      .prepare<[string, string, string]>(
        'update spaces set database_id = ? where id = ? and database_id = ?',
      )
      .run(this.#owner, id, NO_OWNER);
    const adopted = this.#findSpace(id);
    if (adopted !== undefined) ensureHashIndex(this.#database, adopted.number);
    return adopted;
  }

  /** Discards everything cached when another process has written, which changes SQLite's `data_version`. */
  #noticeOtherWriters(): void {
    const version = this.#dataVersion.get()?.data_version;
    if (version !== this.#lastDataVersion) {
      this.#collections.clear();
      this.#others.clear();
    }
    this.#lastDataVersion = version;
  }
}

function clash(space: VectorSpace, dimensions: number): ImageSearchError {
  return new ImageSearchError({
    code: 'store-space-clash',
    message:
      `The collection "${space.id}" in the vector store has ${String(dimensions)} dimensions, but the model has ` +
      `${String(space.dimensions)}. Drop the collection to rebuild it.`,
    retryable: false,
  });
}
