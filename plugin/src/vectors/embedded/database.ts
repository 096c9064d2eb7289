import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { SqlDatabase, SqlDriver } from './driver';

/** Identifies the plugin's files in their header ("ISvs"). */
const APPLICATION_ID = 0x49537673;

/** Fits several vectors of typical length with little waste. */
const PAGE_BYTES = 16_384;
const MAX_KEPT_JOURNAL_BYTES = 64 * 1024 * 1024;
/** How long a call waits for another writing process. */
const LOCK_TIMEOUT_MS = 5000;

/** Step `n` migrates a file from version `n` to `n + 1`. Only ever append. */
const migrations: readonly (string | ((database: SqlDatabase) => void))[] = [
  `create table spaces (
     number integer primary key,
     id text not null unique,
     provider text not null,
     model text not null,
     dimensions integer not null,
     preprocessing text not null
   ) strict`,
  // The empty database id marks collections that the next database to ask for them takes over.
  `create table databases (
     id text primary key,
     name text not null,
     seen_at text not null
   ) strict;
   create table owned_spaces (
     number integer primary key,
     database_id text not null,
     id text not null,
     provider text not null,
     model text not null,
     dimensions integer not null,
     preprocessing text not null,
     unique (database_id, id)
   ) strict;
   insert into owned_spaces
     select number, '', id, provider, model, dimensions, preprocessing from spaces;
   drop table spaces;
   alter table owned_spaces rename to spaces;
   create table removed_vectors (
     space_id text not null,
     content_hash text not null,
     removed_at text not null,
     vector blob not null,
     primary key (space_id, content_hash)
   ) strict;
   create index removed_vectors_time on removed_vectors (removed_at)`,
  (database) => {
    const spaces = database.prepare<[], { number: number }>('select number from spaces').all();
    for (const { number } of spaces) createViewsTable(database, number);
  },
];

/** Of files' further views, whose ids `toViewId` makes. */
export function createViewsTable(database: SqlDatabase, number: number): void {
  database.exec(
    `create table if not exists views_${String(number)} (id integer primary key, vector blob not null) strict`,
  );
}

/**
 * Opens the file, checks its integrity and migrates it; creates it and its folder if missing. A file of a newer
 * version or of another program is rejected before anything is written.
 *
 * When a transaction ends it is in the operating system's cache, which survives a killed process, so `synchronous =
 * NORMAL` loses none. A power failure may lose the last ones but never corrupts the file.
 *
 * @throws DamagedFileError and any error of SQLite or the file system
 */
export function openDatabase(driver: SqlDriver, file: string): SqlDatabase {
  mkdirSync(path.dirname(file), { recursive: true });
  const database = driver.open(file);
  try {
    database.exec(`pragma busy_timeout = ${String(LOCK_TIMEOUT_MS)}`);
    checkIntegrity(database);
    checkOwner(database, file);
    database.exec(`pragma page_size = ${String(PAGE_BYTES)}`);
    database.exec('pragma journal_mode = WAL');
    database.exec('pragma synchronous = NORMAL');
    database.exec(`pragma journal_size_limit = ${String(MAX_KEPT_JOURNAL_BYTES)}`);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Renames the file and its journals to make room for a new one. Returns the new name. */
export function setFileAside(file: string, now: Date): string {
  const target = `${file}.damaged-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  // The file itself goes last: a journal without its file would be replayed into the new one.
  for (const suffix of ['-wal', '-shm', '']) {
    try {
      renameSync(file + suffix, target + suffix);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return target;
}

/** Which file a path leads to right now; null when there is none. */
export function fileIdentity(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? null : `${String(found.dev)}:${String(found.ino)}`;
}

/** Deletes what a deleted file has left behind: a journal without its file would be replayed into the next one. */
export function removeJournals(file: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
}

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';

/**
 * Compares an open file's length with its header (https://www.sqlite.org/fileformat.html#the_database_header), which
 * SQLite itself only does when it opens the file. While another process moves its journal into the file, the header may
 * be ahead of the length, so SQLite has the last word.
 *
 * @throws DamagedFileError when it was cut off or overwritten
 */
export function checkLength(driver: SqlDriver, file: string): void {
  if (isWhole(file)) return;
  const database = driver.open(file);
  try {
    database.exec(`pragma busy_timeout = ${String(LOCK_TIMEOUT_MS)}`);
    checkIntegrity(database);
    // An emptied file passes.
    if (readPragma(database, 'application_id') === APPLICATION_ID) return;
  } catch (error) {
    if (!isDamage(error)) throw error;
  } finally {
    database.close();
  }
  throw new DamagedFileError('it was cut off or overwritten');
}

function isWhole(file: string): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const length = readSync(descriptor, header, 0, HEADER_BYTES, 0);
    const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
    return (
      length === HEADER_BYTES &&
      header.toString('latin1', 0, MAGIC.length) === MAGIC &&
      size >= pageBytes * header.readUInt32BE(28)
    );
  } finally {
    closeSync(descriptor);
  }
}

function checkIntegrity(database: SqlDatabase): void {
  const finding = readPragma(database, 'quick_check(1)');
  if (finding !== 'ok') throw new DamagedFileError(String(finding));
}

function checkOwner(database: SqlDatabase, file: string): void {
  const isEmpty = database.prepare('select 1 from sqlite_schema').get() === undefined;
  const owner = readPragma(database, 'application_id');
  if (!isEmpty && owner !== APPLICATION_ID) {
    throw rejection(`${file} is a database of another program. Set vectors.path to another file.`);
  }
  const version = versionOf(database);
  if (version > migrations.length) {
    throw rejection(
      `The vector file ${file} has version ${String(version)}, but this version of the plugin supports versions up ` +
        `to ${String(migrations.length)}. Update strapi-plugin-image-search, or set vectors.path to another file.`,
    );
  }
}

function migrate(database: SqlDatabase): void {
  if (versionOf(database) === migrations.length) return;
  transact(database, () => {
    // Read inside the transaction: another process may have been first.
    for (const step of migrations.slice(versionOf(database))) {
      if (typeof step === 'string') database.exec(step);
      else step(database);
    }
    database.exec(`pragma application_id = ${String(APPLICATION_ID)}`);
    database.exec(`pragma user_version = ${String(migrations.length)}`);
  });
}

/** Runs `work` in a transaction that may write; rolls back if it throws. Doesn't nest. */
export function transact<Result>(database: SqlDatabase, work: () => Result): Result {
  database.exec('begin immediate');
  try {
    const result = work();
    database.exec('commit');
    return result;
  } catch (error) {
    try {
      database.exec('rollback');
    } catch {
      // SQLite itself rolls back after some errors, such as a full disk.
    }
    throw error;
  }
}

/** The first value of its first row. */
function readPragma(database: SqlDatabase, name: string): unknown {
  return Object.values(database.prepare(`pragma ${name}`).all()[0] ?? {})[0];
}

function versionOf(database: SqlDatabase): number {
  return Number(readPragma(database, 'user_version'));
}

function rejection(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'store-unavailable', message, retryable: false });
}

/** The file has data that this store can't have written, although SQLite accepts it. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
  readonly code = 'SQLITE_CORRUPT';
}

/** Whether the file is corrupt, so that retrying is pointless. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error));
}

/**
 * Whether only a new connection will notice that the cause is gone: SQLite checks whether a file is writable only
 * when it opens it.
 */
export function outdatesConnection(error: unknown): boolean {
  return /^SQLITE_(READONLY|CANTOPEN|IOERR|PERM|AUTH)/.test(codeOf(error));
}

/**
 * Converts an error of SQLite or the file system to a retryable `store-unavailable`: a full disk, a read-only folder
 * or a lock may be gone at the next try. Converts any other error with `toImageSearchError`.
 */
export function toStoreError(error: unknown, file: string): ImageSearchError {
  const code = codeOf(error);
  if (error instanceof ImageSearchError || code === '') return toImageSearchError(error);
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The vector file ${file} can't be used: ${explain(code)} (${code}). Its location is set in vectors.path.`,
    retryable: true,
    cause: error,
  });
}

/** `SQLITE_…` or the name of an `errno`; empty for any other error. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(SQLITE_\w+|E[A-Z\d]+)$/.test(code) ? code : '';
}

function explain(code: string): string {
  if (/FULL|ENOSPC|EDQUOT/.test(code)) return 'the disk is full';
  if (/READONLY|EROFS|EACCES|EPERM|SQLITE_PERM/.test(code)) {
    return "the user that runs Strapi can't write to it or its folder";
  }
  if (/BUSY|LOCKED/.test(code)) return 'another process has locked it';
  if (/CANTOPEN|ENOTDIR|EEXIST|EISDIR|ENOENT/.test(code)) {
    return 'its folder must be writable and must not contain a folder of that name';
  }
  return 'reading or writing failed';
}
