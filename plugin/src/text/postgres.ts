import { z } from 'zod';
import { chunksOf } from '../chunks';
import type { DatabaseIdentity } from '../vectors/contract';
import {
  Connection,
  isMissingTable,
  noRows,
  type ConnectionOptions,
  type Send,
} from '../vectors/postgres/connection';
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
} from './candidates';
import {
  wordFields,
  type FileWords,
  type TextHit,
  type TextIndex,
  type TextMatches,
  type TextQuery,
  type WordField,
} from './contract';
import { compareTextHits, parseQuery, scoreFile, type ParsedQuery, type Term } from './ranking';
import { isSingle, nameKeyOf } from './tokens';

/** Of each process, beside those of the vectors. */
const CONNECTIONS = 2;
const ROWS_AT_ONCE = 500;
/** Raise it with the tables: it is part of their name, and they have nothing that the database doesn't have. */
const VERSION = 2;

const COLUMNS = wordFields.map((field) => columnOf[field]);

export interface PostgresTextOptions extends Omit<ConnectionOptions, 'connections'> {
  /** That of the vectors. */
  schema: string;
  /** Whose words. Several databases may share a schema. */
  database: () => Promise<DatabaseIdentity>;
}

type CandidateRow = z.output<typeof candidateRow>;

const candidateRow = z.object({
  file_id: z.number(),
  name_key: z.string(),
  name: z.string(),
  alternative_text: z.string(),
  caption: z.string(),
  folder: z.string(),
  entry_titles: z.string(),
  text: z.string(),
});

const signatureRow = z.object({ file_id: z.number(), signature: z.string() });

/**
 * Words in one table of PostgreSQL, for all processes: the product's own tokens, each field as a `tsvector` without
 * positions, in one GIN index. No dictionary or extension takes part, so a query means the same as in the other index.
 */
export function createPostgresTextIndex({
  database,
  schema,
  ...access
}: PostgresTextOptions): TextIndex {
  const connection = new Connection({ ...access, connections: CONNECTIONS });
  const table = `"${schema}".words_${String(VERSION)}`;
  let identity: Promise<DatabaseIdentity> | null = null;

  /** Creates the table if it is missing. */
  function use<Result>(work: (words: WordTable) => Promise<Result>): Promise<Result> {
    return connection.run(async () => {
      identity ??= database();
      const { id } = await identity.catch((error: unknown) => {
        identity = null;
        throw error;
      });
      const words = new WordTable(connection, table, id);
      try {
        return await work(words);
      } catch (error) {
        if (!isMissingTable(error)) throw error;
        await createTable(connection, { schema, table });
        return work(words);
      }
    });
  }

  return {
    async upsert(files) {
      if (files.length > 0) await use((words) => words.upsert(files));
    },
    async remove(fileIds) {
      if (fileIds.length > 0) await use((words) => words.remove(fileIds));
    },
    replaceRange: (files, range) => use((words) => words.replaceRange(files, range)),
    search: (query) => use((words) => words.search(query)),
    dispose: () => connection.dispose(),
  };
}

interface Scope {
  fields: readonly WordField[];
  includeIds: readonly number[] | undefined;
}

/** The words of one database. */
class WordTable {
  readonly #connection: Connection;
  readonly #table: string;
  readonly #owner: string;

  constructor(connection: Connection, table: string, owner: string) {
    this.#connection = connection;
    this.#table = table;
    this.#owner = owner;
  }

  async upsert(files: readonly FileWords[]): Promise<void> {
    await this.#write((send) => this.#put(send, files));
  }

  async remove(fileIds: readonly number[]): Promise<void> {
    await this.#write((send) => this.#delete(send, fileIds));
  }

  replaceRange(
    files: readonly FileWords[],
    { after, through }: { after: number; through: number | null },
  ): Promise<number> {
    return this.#write(async (send) => {
      const rows = await send(
        signatureRow,
        `select file_id::float8 as file_id, signature from ${this.#table}
         where owner = $1 and file_id > $2 and file_id <= $3`,
        [this.#owner, after, through ?? Number.MAX_SAFE_INTEGER],
      );
      const known = new Map(rows.map(({ file_id: fileId, signature }) => [fileId, signature]));
      const changed = files.filter((file) => known.get(file.fileId) !== signatureOf(file));
      for (const { fileId } of files) known.delete(fileId);
      await this.#put(send, changed);
      await this.#delete(send, [...known.keys()]);
      return changed.length + known.size;
    });
  }

  async search({ fields = wordFields, includeIds, limit, text }: TextQuery): Promise<TextMatches> {
    const query = parseQuery(text);
    const scope: Scope = { fields, includeIds };
    const counted = await this.#countTerms(query.terms, scope);
    const total = await this.#count();
    const weights = counted.map(({ count }) => rarityOf(count, total));
    const rows = await this.#findCandidates(query, { counted, scope, limit, total });
    const hits = rows
      .map((row) => toHit(query, weights, row, fields))
      .filter((hit) => hit !== null)
      .sort(compareTextHits);
    return { hits: hits.slice(0, limit), hasPhrases: query.phrases.length > 0 };
  }

  async #findCandidates(
    query: ParsedQuery,
    found: { counted: readonly CountedTerm[]; scope: Scope; limit: number; total: number },
  ): Promise<CandidateRow[]> {
    const { counted, scope, total } = found;
    const limit = Math.max(found.limit, LEAST_CANDIDATES);
    const named = scope.fields.includes('name') ? await this.#findNames(query.nameKey, scope) : [];
    const others =
      query.phrases.length > 0
        ? await this.#find(scope, {
            where: query.phrases.map((each) => phraseIn(each, scope)),
            limit,
          })
        : await this.#findByTerms(counted, { scope, limit, total });
    return [...new Map([...named, ...others].map((row) => [row.file_id, row])).values()];
  }

  async #findByTerms(
    counted: readonly CountedTerm[],
    { scope, limit, total }: { scope: Scope; limit: number; total: number },
  ): Promise<CandidateRow[]> {
    const chosen = chooseTerms(counted);
    const [rarest] = chosen?.terms ?? [];
    if (chosen === null || rarest === undefined) return [];
    const conditions = chosen.terms.map(({ term }) => matchIn(toMatch(term), scope));
    if (!chosen.areCommon) {
      const rank = chosen.terms
        .map(({ term, count }) => {
          const worth = scope.fields.map(
            (field) =>
              `case when ${columnOf[field]}_words @@ ${toMatch(term)} then ${String(COLUMN_WEIGHTS[field])} else 0 end`,
          );
          return `${String(rarityOf(count, total))} * greatest(${worth.join(', ')})`;
        })
        .join(' + ');
      return this.#find(scope, {
        where: [`(${conditions.join(' or ')})`],
        order: `${rank} desc, words.file_id`,
        limit,
      });
    }
    // The newest files that have all of them, or else the rarest.
    const rows = await this.#find(scope, { where: conditions, limit });
    return rows.length > 0
      ? rows
      : this.#find(scope, { where: [matchIn(toMatch(rarest.term), scope)], limit });
  }

  /** Files with that name, and with names that begin with it. */
  async #findNames(nameKey: string, scope: Scope): Promise<CandidateRow[]> {
    if (nameKey === '') return [];
    return this.#find(scope, {
      where: ['name_key >= $3', 'name_key < $4'],
      values: [nameKey, `${nameKey}\u{10ffff}`],
      order: 'name_key',
      limit: MOST_NAMES,
    });
  }

  #find(
    { includeIds }: Scope,
    options: {
      where: readonly string[];
      values?: readonly string[];
      order?: string;
      limit: number;
    },
  ): Promise<CandidateRow[]> {
    const { where, values = [], order = 'words.file_id desc', limit } = options;
    return this.#connection.send(
      candidateRow,
      `select file_id::float8 as file_id, name_key, ${COLUMNS.join(', ')}
       from ${this.#table} as words
       where owner = $1 and ($2::bigint[] is null or file_id = any($2)) and ${where.join(' and ')}
       order by ${order} limit ${String(limit)}`,
      [this.#owner, includeIds ?? null, ...values],
    );
  }

  /** Counts to just above RANKED_AT_MOST. */
  async #countTerms(terms: readonly Term[], scope: Scope): Promise<CountedTerm[]> {
    if (terms.length === 0) return [];
    const counts = terms.map(
      (term, index) =>
        `(select count(*)::int from (
           select 1 from ${this.#table} where owner = $1 and ${matchIn(toMatch(term), scope)}
           limit ${String(RANKED_AT_MOST + 1)}
         ) as files) as "${String(index)}"`,
    );
    const [row = {}] = await this.#connection.send(
      z.record(z.string(), z.int()),
      `select ${counts.join(', ')}`,
      [this.#owner],
    );
    return terms.map((term, index) => ({ term, count: row[index] ?? 0 }));
  }

  async #count(): Promise<number> {
    const [row] = await this.#connection.send(
      z.object({ count: z.int() }),
      `select count(*)::int as count from ${this.#table} where owner = $1`,
      [this.#owner],
    );
    return row?.count ?? 0;
  }

  /** One process at a time, so that two that compare the library don't wait for each other in a circle. */
  #write<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    return this.#connection.transact(async (send) => {
      await send(noRows, 'select pg_advisory_xact_lock(hashtext($1), hashtext($2))', [
        `image-search ${this.#table}`,
        this.#owner,
      ]);
      return work(send);
    });
  }

  async #put(send: Send, files: readonly FileWords[]): Promise<void> {
    const distinct = new Map(files.map((file) => [file.fileId, file]));
    const values = COLUMNS.map((_, index) => `$${String(index + 5)}::text[]`);
    for (const batch of chunksOf(distinct.values(), ROWS_AT_ONCE)) {
      await send(
        noRows,
        `insert into ${this.#table} (owner, file_id, signature, name_key, ${COLUMNS.join(', ')})
         select $1, * from unnest($2::bigint[], $3::text[], $4::text[], ${values.join(', ')})
         on conflict (owner, file_id) do update set
           ${['signature', 'name_key', ...COLUMNS].map((column) => `${column} = excluded.${column}`).join(', ')}`,
        [
          this.#owner,
          batch.map(({ fileId }) => fileId),
          batch.map(signatureOf),
          batch.map(({ name }) => nameKeyOf(name)),
          ...wordFields.map((field) => batch.map((file) => toStored(file[field]))),
        ],
      );
    }
  }

  async #delete(send: Send, fileIds: readonly number[]): Promise<void> {
    if (fileIds.length === 0) return;
    await send(
      noRows,
      `delete from ${this.#table} where owner = $1 and file_id = any($2::bigint[])`,
      [this.#owner, fileIds],
    );
  }
}

function toHit(
  query: ParsedQuery,
  weights: readonly number[],
  row: CandidateRow,
  fields: readonly WordField[],
): TextHit | null {
  const words = Object.fromEntries(fields.map((field) => [field, row[columnOf[field]]]));
  return scoreFile(query, weights, { fileId: row.file_id, nameKey: row.name_key, words });
}

function matchIn(match: string, { fields }: Scope): string {
  return `(${fields.map((field) => `${columnOf[field]}_words @@ ${match}`).join(' or ')})`;
}

/** In one field side by side; a single character of a script without spaces is stored with the one after it. */
function phraseIn(phrase: readonly string[], { fields }: Scope): string {
  const [only = ''] = phrase;
  const isBeginning = phrase.length === 1 && isSingle(only);
  const match = isBeginning ? `${quote(only)}:*` : phrase.map(quote).join(' & ');
  const pattern = isBeginning ? `% ${only}%` : `% ${phrase.join(' ')} %`;
  const conditions = fields.map((field) => {
    const column = columnOf[field];
    return `${column}_words @@ ${literal(match)}::tsquery and ' ' || ${column} || ' ' like ${literal(pattern)}`;
  });
  return `(${conditions.join(' or ')})`;
}

/** The word itself, longer ones, or other forms. */
function toMatch({ beginning, root, stems, word }: Term): string {
  const forms = [...new Set([word, ...stems])].map(quote);
  const beginnings = [beginning, root].filter((each) => each !== null);
  return `${literal([...forms, ...beginnings.map((each) => `${quote(each)}:*`)].join(' | '))}::tsquery`;
}

/** Words consist of letters, marks and digits. */
function quote(word: string): string {
  return `'${word.replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '')}'`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function createTable(
  connection: Connection,
  { schema, table }: { schema: string; table: string },
): Promise<void> {
  await connection.transact(async (send) => {
    await send(noRows, 'select pg_advisory_xact_lock(hashtext($1))', [`image-search "${schema}"`]);
    const [found] = await send(
      z.object({ exists: z.boolean() }),
      'select to_regnamespace($1) is not null as exists',
      [`"${schema}"`],
    );
    if (found?.exists !== true) await send(noRows, `create schema "${schema}"`);
    await send(
      noRows,
      `create table if not exists ${table} (
         owner text not null,
         file_id bigint not null,
         signature text not null,
         name_key text collate "C" not null,
         ${COLUMNS.map((column) => `${column} text not null`).join(', ')},
         ${COLUMNS.map(
           (column) =>
             `${column}_words tsvector not null generated always as (array_to_tsvector(string_to_array(${column}, ' '))) stored`,
         ).join(', ')},
         primary key (owner, file_id)
       );
       drop table if exists "${schema}".words_${String(VERSION - 1)};
       create index if not exists words_${String(VERSION)}_name on ${table} (owner, name_key);
       create index if not exists words_${String(VERSION)}_all on ${table}
         using gin (${COLUMNS.map((column) => `${column}_words`).join(', ')})`,
    );
  });
}
