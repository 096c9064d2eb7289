import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Handlers } from '../../threads';
import {
  loadDriver,
  type DriverOptions,
  type SqlDatabase,
  type SqlStatement,
  type SqlValue,
} from '../../vectors/embedded/driver';
import {
  wordFields,
  type FileWords,
  type TextHit,
  type TextMatches,
  type TextQuery,
  type WordField,
} from '../contract';
import {
  chooseTerms,
  COLUMN_WEIGHTS,
  columnOf,
  LEAST_CANDIDATES,
  MOST_NAMES,
  RANKED_AT_MOST,
  rarityOf,
  signatureOf,
  toStored,
  type CountedTerm,
} from '../candidates';
import { compareTextHits, parseQuery, scoreFile, type ParsedQuery, type Term } from '../ranking';
import { isSingle, nameKeyOf } from '../tokens';

/** Of the tables. A file of another version is replaced: it has nothing that the database doesn't have. */
const VERSION = 2;
/** How long a call waits for another writing process. */
const LOCK_TIMEOUT_MS = 5_000;
const WEIGHTS = wordFields.map((field) => COLUMN_WEIGHTS[field]).join(', ');
const COLUMNS = wordFields.map((field) => columnOf[field]).join(', ');

/** The thread's operations; it runs them one at a time, in the order requested. */
export interface TextOperations {
  upsert: { input: readonly FileWords[]; result: undefined };
  remove: { input: readonly number[]; result: undefined };
  replaceRange: {
    input: { files: readonly FileWords[]; after: number; through: number | null };
    result: number;
  };
  search: { input: TextQuery; result: TextMatches };
  close: { input: null; result: undefined };
}

export interface TextEngineOptions extends DriverOptions {
  file: string;
  /** The id of the database that the words belong to. */
  databaseId: string;
}

/**
 * The words in a SQLite file, with FTS5. A damaged file is replaced by an empty one, which the next comparison with the
 * library fills. Throws only ImageSearchErrors.
 */
export function createTextEngine(options: TextEngineOptions): Handlers<TextOperations> {
  let session: Session | null = null;

  function use<Result>(work: (session: Session) => Result): Result {
    try {
      session ??= openSession(options);
      return work(session);
    } catch (error) {
      // The next call opens the file again, which may have been replaced or become writable.
      close();
      if (isDamage(error)) deleteFile(options.file);
      throw toTextError(error, options.file);
    }
  }

  function close(): void {
    try {
      session?.close();
    } finally {
      session = null;
    }
  }

  return {
    upsert(files) {
      use((opened) => {
        opened.upsert(files);
      });
      return undefined;
    },
    remove(fileIds) {
      use((opened) => {
        opened.remove(fileIds);
      });
      return undefined;
    },
    replaceRange: ({ files, after, through }) =>
      use((opened) => opened.replaceRange(files, { after, through })),
    search: (query) => use((opened) => opened.search(query)),
    close() {
      close();
      return undefined;
    },
  };
}

interface FileRow {
  number: number;
  file_id: number;
  signature: string;
}

type CandidateRow = Record<string, string | number> & { file_id: number; name_key: string };

class Session {
  readonly #database: SqlDatabase;
  readonly #owner: number;
  readonly #statements = new Map<string, SqlStatement<SqlValue[], object>>();

  constructor(database: SqlDatabase, databaseId: string) {
    this.#database = database;
    database.prepare<[string]>('insert or ignore into owners (id) values (?)').run(databaseId);
    const owner = database
      .prepare<[string], { number: number }>('select number from owners where id = ?')
      .get(databaseId);
    if (owner === undefined) throw new TypeError('SQLite returned no row.');
    this.#owner = owner.number;
  }

  close(): void {
    this.#database.close();
  }

  upsert(files: readonly FileWords[]): void {
    this.#transact(() => {
      const known = this.#rowsOf(files.map(({ fileId }) => fileId));
      for (const file of new Map(files.map((each) => [each.fileId, each])).values()) {
        this.#write(file, known.get(file.fileId));
      }
    });
  }

  remove(fileIds: readonly number[]): void {
    this.#transact(() => {
      for (const row of this.#rowsOf(fileIds).values()) this.#delete(row);
    });
  }

  replaceRange(
    files: readonly FileWords[],
    { after, through }: { after: number; through: number | null },
  ): number {
    return this.#transact(() => {
      const known = new Map(
        this.#all<FileRow>(
          'select number, file_id, signature from files where owner = ? and file_id > ? and file_id <= ?',
          [this.#owner, after, through ?? Number.MAX_SAFE_INTEGER],
        ).map((row) => [row.file_id, row]),
      );
      let changes = 0;
      for (const file of files) {
        changes += this.#write(file, known.get(file.fileId)) ? 1 : 0;
        known.delete(file.fileId);
      }
      for (const row of known.values()) this.#delete(row);
      return changes + known.size;
    });
  }

  search({ fields = wordFields, includeIds, limit, text }: TextQuery): TextMatches {
    const query = parseQuery(text);
    const hasPhrases = query.phrases.length > 0;
    const scope: Scope = { fields, includeIds };
    const { weights, candidates } = this.#findCandidates(query, scope, limit);
    const hits = candidates
      .map((row) => this.#score(query, weights, row, fields))
      .filter((hit) => hit !== null)
      .sort(compareTextHits);
    return { hits: hits.slice(0, limit), hasPhrases };
  }

  #score(
    query: ParsedQuery,
    weights: readonly number[],
    row: CandidateRow,
    fields: readonly WordField[],
  ): TextHit | null {
    const words = Object.fromEntries(
      fields.map((field) => [field, String(row[columnOf[field]] ?? '')]),
    );
    return scoreFile(query, weights, { fileId: row.file_id, nameKey: row.name_key, words });
  }

  #findCandidates(
    query: ParsedQuery,
    scope: Scope,
    limit: number,
  ): { weights: number[]; candidates: CandidateRow[] } {
    const total = this.#count();
    const counted = query.terms.map((term) => ({ term, count: this.#countFilesWith(term, scope) }));
    const weights = counted.map(({ count }) => rarityOf(count, total));
    const rows = new Map<number, CandidateRow>();
    const add = (found: readonly CandidateRow[]): void => {
      for (const row of found) rows.set(row.file_id, row);
    };
    if (scope.fields.includes('name')) add(this.#findNames(query.nameKey, scope));
    const wanted = Math.max(limit, LEAST_CANDIDATES);
    const phrases = query.phrases.map((phrase) => quoteAll(phrase).join(' + '));
    if (query.phrases.length > 0) add(this.#findByWords(phrases.join(' AND '), scope, wanted));
    else add(this.#findByTerms(counted, scope, wanted));
    return { weights, candidates: [...rows.values()] };
  }

  #findByTerms(counted: readonly CountedTerm[], scope: Scope, wanted: number): CandidateRow[] {
    const chosen = chooseTerms(counted);
    const [rarest] = chosen?.terms ?? [];
    if (chosen === null || rarest === undefined) return [];
    if (!chosen.areCommon) {
      return this.#findByWords(
        chosen.terms.map(({ term }) => toMatch(term)).join(' OR '),
        scope,
        wanted,
      );
    }
    // The newest files that have all of them, or else the rarest.
    const all = chosen.terms.map(({ term }) => `(${toMatch(term)})`).join(' AND ');
    const rows = this.#findByWords(all, scope, wanted, 'words.rowid desc');
    return rows.length > 0
      ? rows
      : this.#findByWords(toMatch(rarest.term), scope, wanted, 'words.rowid desc');
  }

  #findByWords(
    match: string,
    { fields, includeIds }: Scope,
    limit: number,
    order = `bm25(words, ${WEIGHTS})`,
  ): CandidateRow[] {
    const values: SqlValue[] = [withinFields(match, fields), this.#owner];
    const among =
      includeIds === undefined ? '' : 'and files.file_id in (select value from json_each(?))';
    if (includeIds !== undefined) values.push(JSON.stringify(includeIds));
    return this.#all<CandidateRow>(
      `select files.file_id, files.name_key, ${COLUMNS} from words
       join files on files.number = words.rowid
       where words match ? and files.owner = ? ${among}
       order by ${order} limit ?`,
      [...values, limit],
    );
  }

  /** Files with that name, and with names that begin with it. */
  #findNames(nameKey: string, { includeIds }: Scope): CandidateRow[] {
    if (nameKey === '') return [];
    const values: SqlValue[] = [this.#owner, nameKey, `${nameKey}\u{10ffff}`];
    const among =
      includeIds === undefined ? '' : 'and files.file_id in (select value from json_each(?))';
    if (includeIds !== undefined) values.push(JSON.stringify(includeIds));
    return this.#all<CandidateRow>(
      `select files.file_id, files.name_key, ${COLUMNS} from files
       join words on words.rowid = files.number
       where files.owner = ? and files.name_key >= ? and files.name_key < ? ${among}
       order by files.name_key limit ?`,
      [...values, MOST_NAMES],
    );
  }

  /** Counts to just above RANKED_AT_MOST. */
  #countFilesWith(term: Term, { fields }: Scope): number {
    const [row] = this.#all<{ count: number }>(
      'select count(*) as count from (select 1 from words where words match ? limit ?)',
      [withinFields(toMatch(term), fields), RANKED_AT_MOST + 1],
    );
    return row?.count ?? 0;
  }

  #count(): number {
    const [row] = this.#all<{ count: number }>(
      'select count(*) as count from files where owner = ?',
      [this.#owner],
    );
    return row?.count ?? 0;
  }

  #rowsOf(fileIds: readonly number[]): Map<number, FileRow> {
    const rows = this.#all<FileRow>(
      `select number, file_id, signature from files
       where owner = ? and file_id in (select value from json_each(?))`,
      [this.#owner, JSON.stringify(fileIds)],
    );
    return new Map(rows.map((row) => [row.file_id, row]));
  }

  /** Returns whether anything differs. */
  #write(file: FileWords, known: FileRow | undefined): boolean {
    const signature = signatureOf(file);
    if (known?.signature === signature) return false;
    if (known !== undefined) this.#delete(known);
    const [row] = this.#all<{ number: number }>(
      'insert into files (owner, file_id, signature, name_key) values (?, ?, ?, ?) returning number',
      [this.#owner, file.fileId, signature, nameKeyOf(file.name)],
    );
    if (row === undefined) throw new TypeError('SQLite returned no row.');
    const places = wordFields.map(() => '?').join(', ');
    this.#prepare(`insert into words (rowid, ${COLUMNS}) values (?, ${places})`).run(
      row.number,
      ...wordFields.map((field) => toStored(file[field])),
    );
    return true;
  }

  #delete({ number }: FileRow): void {
    this.#prepare('delete from words where rowid = ?').run(number);
    this.#prepare('delete from files where number = ?').run(number);
  }

  #all<Row extends object>(sql: string, values: SqlValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  #prepare(sql: string): SqlStatement<SqlValue[], object> {
    const known = this.#statements.get(sql) ?? this.#database.prepare<SqlValue[]>(sql);
    this.#statements.set(sql, known);
    return known;
  }

  #transact<Result>(work: () => Result): Result {
    this.#database.exec('begin immediate');
    try {
      const result = work();
      this.#database.exec('commit');
      return result;
    } catch (error) {
      try {
        this.#database.exec('rollback');
      } catch {
        // SQLite itself rolls back after some errors, such as a full disk.
      }
      throw error;
    }
  }
}

interface Scope {
  fields: readonly WordField[];
  includeIds: readonly number[] | undefined;
}

/** In FTS5's query language: the word itself, longer ones, or other forms. */
function toMatch({ beginning, root, stems, word }: Term): string {
  const forms = [...new Set([word, ...stems])].map(quote);
  const beginnings = [beginning, root].filter((each) => each !== null);
  return [...forms, ...beginnings.map((each) => `${quote(each)} *`)].join(' OR ');
}

function withinFields(match: string, fields: readonly WordField[]): string {
  return fields.length === wordFields.length
    ? match
    : `{${fields.map((field) => columnOf[field]).join(' ')}} : (${match})`;
}

/** A phrase's words; a single character of a script without spaces is stored with the one after it. */
function quoteAll(phrase: readonly string[]): string[] {
  const [only = ''] = phrase;
  return phrase.length === 1 && isSingle(only) ? [`${quote(only)} *`] : phrase.map(quote);
}

/** Words consist of letters, marks and digits. */
function quote(word: string): string {
  return `"${word}"`;
}

function openSession(options: TextEngineOptions): Session {
  const { databaseId, file } = options;
  mkdirSync(path.dirname(file), { recursive: true });
  const database = loadDriver(options).open(file);
  try {
    database.exec(`pragma busy_timeout = ${String(LOCK_TIMEOUT_MS)}`);
    database.exec('pragma journal_mode = WAL');
    // A power failure may lose the last words, which the next comparison finds.
    database.exec('pragma synchronous = NORMAL');
    prepareTables(database);
    return new Session(database, databaseId);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** All characters but spaces belong to words: the texts are split before they are stored. */
const TOKENIZER = `unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'`;

function prepareTables(database: SqlDatabase): void {
  if (versionOf(database) === VERSION) return;
  database.exec('begin immediate');
  try {
    // Read inside the transaction: another process may have been first.
    if (versionOf(database) !== VERSION) {
      database.exec(
        `drop table if exists words;
         drop table if exists files;
         drop table if exists owners;
         create table owners (number integer primary key, id text not null unique) strict;
         create table files (
           number integer primary key,
           owner integer not null,
           file_id integer not null,
           signature text not null,
           name_key text not null,
           unique (owner, file_id)
         ) strict;
         create index files_name on files (owner, name_key);
         create virtual table words using fts5(${COLUMNS}, tokenize = "${TOKENIZER}");
         pragma user_version = ${String(VERSION)}`,
      );
    }
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}

function versionOf(database: SqlDatabase): number {
  const row = database.prepare<[], { user_version: number }>('pragma user_version').get();
  return row?.user_version ?? 0;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error));
}

function deleteFile(file: string): void {
  for (const suffix of ['-wal', '-shm', '']) rmSync(file + suffix, { force: true });
}

function toTextError(error: unknown, file: string): ImageSearchError {
  const code = codeOf(error);
  if (error instanceof ImageSearchError || code === '') return toImageSearchError(error);
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The file of words ${file} can't be used (${code}). It is beside vectors.path, and may be deleted.`,
    retryable: true,
    cause: error,
  });
}
