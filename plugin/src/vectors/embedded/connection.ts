import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { ImageSearchError } from '../../errors';
import type { Driver } from './driver';
import { DamagedFileError } from './failures';

/** In the file's header: says that the file is one of ours ("ISvs"). */
const APPLICATION_ID = 0x49537673;

/** Several vectors of usual length fit on a page with little left over. */
const PAGE_BYTES = 16_384;
const LARGEST_KEPT_JOURNAL_BYTES = 64 * 1024 * 1024;
/** How long a call waits for another process that writes. */
const LOCK_TIMEOUT_MS = 5000;

/** Step `n` takes a file of version `n` to `n + 1`; steps are only ever added. */
const migrations: readonly string[] = [
  `create table spaces (
     number integer primary key,
     id text not null unique,
     provider text not null,
     model text not null,
     dimensions integer not null,
     preprocessing text not null
   ) strict`,
];

/**
 * Opens the file, checks it through and brings it to the present version; makes it and its folder when missing.
 * A file of a newer version or of another program is refused before anything is written to it. Otherwise throws what
 * SQLite and the file system throw, and DamagedFileError.
 *
 * A transaction is in the journal of the operating system when it ends, which a killed process cannot undo, so
 * `synchronous = NORMAL` keeps every one of them. A power failure may take the last ones, never the file's soundness.
 */
export function openDatabase(driver: Driver, file: string): Database.Database {
  mkdirSync(path.dirname(file), { recursive: true });
  const database = new driver(file, { timeout: LOCK_TIMEOUT_MS });
  try {
    checkSoundness(database);
    checkOwner(database, file);
    database.pragma(`page_size = ${String(PAGE_BYTES)}`);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma(`journal_size_limit = ${String(LARGEST_KEPT_JOURNAL_BYTES)}`);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Renames the file and its journals so that a fresh one can take its place; answers the new name. */
export function setFileAside(file: string, now: Date): string {
  const target = `${file}.damaged-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  // The file itself goes last: a journal that outlives its file would be played into the fresh one.
  for (const suffix of ['-wal', '-shm', '']) {
    try {
      renameSync(file + suffix, target + suffix);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return target;
}

function checkSoundness(database: Database.Database): void {
  const finding = database.pragma('quick_check(1)', { simple: true });
  if (finding !== 'ok') throw new DamagedFileError(String(finding));
}

function checkOwner(database: Database.Database, file: string): void {
  const isEmpty = database.prepare('select 1 from sqlite_schema').get() === undefined;
  const owner = database.pragma('application_id', { simple: true });
  if (!isEmpty && owner !== APPLICATION_ID) {
    throw refusal(`${file} is a database of another program. Choose another file in vectors.path.`);
  }
  const version = versionOf(database);
  if (version > migrations.length) {
    throw refusal(
      `The vector file ${file} has version ${String(version)}, and this version of the plugin knows versions up to ` +
        `${String(migrations.length)}. Update strapi-plugin-image-search, or choose another file in vectors.path.`,
    );
  }
}

function migrate(database: Database.Database): void {
  if (versionOf(database) === migrations.length) return;
  database
    .transaction(() => {
      // Read inside the transaction: another process may have been first.
      for (const step of migrations.slice(versionOf(database))) database.exec(step);
      database.pragma(`application_id = ${String(APPLICATION_ID)}`);
      database.pragma(`user_version = ${String(migrations.length)}`);
    })
    .immediate();
}

function versionOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function refusal(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'store-unavailable', message, retryable: false });
}
