import type Database from 'better-sqlite3';
import type { VectorSpace } from '../../embedding/contract';
import { ImageSearchError } from '../../errors';
import { Collection, createCollectionTables, dropCollectionTables } from './collection';
import type { ThreadNotice } from './protocol';

export interface SessionOptions {
  prefilterFrom: number;
  report(notice: ThreadNotice): void;
}

type SpaceRow = VectorSpace & { number: number };

/** One open connection and what was prepared on it. */
export class Session {
  readonly #database: Database.Database;
  readonly #options: SessionOptions;
  readonly #collections = new Map<string, Collection>();
  readonly #dataVersion: Database.Statement<[], number>;
  #lastDataVersion: number | undefined;

  constructor(database: Database.Database, options: SessionOptions) {
    this.#database = database;
    this.#options = options;
    this.#dataVersion = database.prepare<[], number>('pragma data_version').pluck();
  }

  /** The collection of `space`, made when missing; fails with `store-space-clash` when its dimensions differ. */
  collection(space: VectorSpace): Collection {
    this.#noticeOtherWriters();
    const known = this.#collections.get(space.id);
    if (known?.space.dimensions === space.dimensions) return known;
    const number = this.#database.transaction(() => this.#ensureSpace(space)).immediate();
    const collection = new Collection({
      database: this.#database,
      number,
      space,
      ...this.#options,
    });
    this.#collections.set(space.id, collection);
    return collection;
  }

  listSpaces(): VectorSpace[] {
    return this.#database
      .prepare<[], VectorSpace>(
        'select id, provider, model, dimensions, preprocessing from spaces order by number',
      )
      .all();
  }

  dropSpace(spaceId: string): void {
    this.#collections.delete(spaceId);
    this.#database
      .transaction(() => {
        const row = this.#findSpace(spaceId);
        if (row === undefined) return;
        dropCollectionTables(this.#database, row.number);
        this.#database.prepare('delete from spaces where number = ?').run(row.number);
      })
      .immediate();
  }

  close(): void {
    this.#collections.clear();
    this.#database.close();
  }

  #findSpace(spaceId: string): SpaceRow | undefined {
    return this.#database
      .prepare<[string], SpaceRow>('select * from spaces where id = ?')
      .get(spaceId);
  }

  #ensureSpace(space: VectorSpace): number {
    const found = this.#findSpace(space.id);
    if (found !== undefined) {
      if (found.dimensions !== space.dimensions) throw clash(space, found.dimensions);
      return found.number;
    }
    const { id, provider, model, dimensions, preprocessing } = space;
    const { lastInsertRowid } = this.#database
      .prepare(
        'insert into spaces (id, provider, model, dimensions, preprocessing) values (?, ?, ?, ?, ?)',
      )
      .run(id, provider, model, dimensions, preprocessing);
    const number = Number(lastInsertRowid);
    createCollectionTables(this.#database, number);
    return number;
  }

  /** What is kept in memory is void when another process has written; SQLite counts that for us. */
  #noticeOtherWriters(): void {
    const version = this.#dataVersion.get();
    if (version !== this.#lastDataVersion) this.#collections.clear();
    this.#lastDataVersion = version;
  }
}

function clash(space: VectorSpace, dimensions: number): ImageSearchError {
  return new ImageSearchError({
    code: 'store-space-clash',
    message:
      `The vector store has a collection "${space.id}" of ${String(dimensions)} dimensions, and the model has ` +
      `${String(space.dimensions)}. Drop that collection to fill it anew.`,
    retryable: false,
  });
}
