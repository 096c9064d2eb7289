import type { VectorSpace } from '../../embedding/contract';
import type { IdPage, VectorHit, VectorQuery } from '../contract';
import { compareHits, dotProduct, toScore } from '../similarity';
import { fileIdOf, mergeViews, toViewId, toViewScore, viewIdsOf, type ViewHit } from '../views';
import { createViewsTable, DamagedFileError, transact } from './database';
import type { SqlDatabase } from './driver';
import type { PointBatch, StoreNotice, ViewBatch } from './protocol';
import { QuantizedIndex, SAMPLE_SIZE } from './quantized-index';

/** The index is rebuilt with a new mean and scale when the collection has grown by this factor. */
const GROWTH_BEFORE_REBUILD = 4;
/** Vectors of removed files are kept this long, for files with the same bytes that are uploaded later. */
const REMOVED_VECTORS_KEPT_MS = 30 * 24 * 3_600_000;
const MAX_REMOVED_VECTORS = 2_000;

export interface CollectionOptions {
  database: SqlDatabase;
  /** Suffix of the collection's tables. */
  number: number;
  space: VectorSpace;
  prefilterFrom: number;
  report(notice: StoreNotice): void;
}

interface VectorRow {
  file_id: number;
  vector: Uint8Array;
}

interface ViewRow {
  id: number;
  vector: Uint8Array;
}

interface PointRow extends VectorRow {
  mime_type: string;
  extension: string;
  created_at: string;
  content_hash: string;
}

/** Vectors have a table of their own, because counting and listing would otherwise read hundreds of megabytes. */
export function createCollectionTables(database: SqlDatabase, number: number): void {
  database.exec(`
    create table points_${String(number)} (
      file_id integer primary key,
      mime_type text not null,
      extension text not null,
      created_at text not null,
      content_hash text not null
    ) strict;
    create table vectors_${String(number)} (
      file_id integer primary key,
      vector blob not null
    ) strict;
  `);
  createViewsTable(database, number);
}

/** Equal bytes are looked up in every collection of their space. */
export function ensureHashIndex(database: SqlDatabase, number: number): void {
  const name = `points_${String(number)}`;
  database.exec(`create index if not exists ${name}_hash on ${name} (content_hash)`);
}

export function dropCollectionTables(database: SqlDatabase, number: number): void {
  const tables = ['points', 'vectors', 'views'].map((name) => `${name}_${String(number)}`);
  database.exec(tables.map((table) => `drop table if exists ${table}`).join(';'));
}

/** What an exact search has to compare. */
export interface Candidates {
  /** Null for all files. */
  fileIds: readonly number[] | null;
  /** Of further views; null for all those of the files. */
  viewIds: readonly number[] | null;
}

/** The points of one space, on one open connection. */
export class Collection {
  readonly space: VectorSpace;
  readonly #options: CollectionOptions;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #index: QuantizedIndex | null = null;
  #sizeWhenBuilt = 0;
  #canIndex = true;
  /** Whether a file may have further views; null until it is known. */
  #mayHaveViews: boolean | null = null;

  constructor(options: CollectionOptions) {
    this.space = options.space;
    this.#options = options;
    this.#statements = prepareStatements(options.database, options.number);
  }

  upsert({ points, vectors }: PointBatch): void {
    const { dimensions } = this.space;
    let position = 0;
    const batch = points.map(({ fileId, payload, views = [] }) => {
      const vectorOfNext = () => vectors.subarray(position * dimensions, ++position * dimensions);
      const vector = vectorOfNext();
      const further = views.map((view) => ({ id: toViewId(fileId, view), vector: vectorOfNext() }));
      return { fileId, payload, vector, views: further };
    });
    if (batch.some(({ views }) => views.length > 0)) this.#mayHaveViews = true;
    this.#transact(() => {
      for (const { fileId, payload, vector, views } of batch) {
        const { mimeType, extension, createdAt, contentHash } = payload;
        this.#statements.putPoint.run(fileId, mimeType, extension, createdAt, contentHash);
        this.#statements.putVector.run(fileId, toBlob(vector));
        if (this.hasViews()) this.#statements.removeViews.run(...viewIdsOf(fileId));
        for (const view of views) this.#statements.putView.run(view.id, toBlob(view.vector));
      }
    });
    this.#updateIndex((index) => {
      for (const { fileId, vector, views } of batch) {
        index.set(fileId, vector);
        index.deleteViews(fileId);
        for (const view of views) index.setView(fileId, view.id, view.vector);
      }
    });
  }

  remove(fileIds: readonly number[]): void {
    const removedAt = new Date();
    const forgottenBefore = new Date(removedAt.getTime() - REMOVED_VECTORS_KEPT_MS).toISOString();
    this.#transact(() => {
      for (const fileId of fileIds) {
        this.#statements.keepRemoved.run(this.space.id, removedAt.toISOString(), fileId);
        this.#statements.removePoint.run(fileId);
        this.#statements.removeVector.run(fileId);
        if (this.hasViews()) this.#statements.removeViews.run(...viewIdsOf(fileId));
      }
      this.#statements.forgetRemoved.run(forgottenBefore, MAX_REMOVED_VECTORS);
    });
    this.#updateIndex((index) => {
      for (const fileId of fileIds) {
        index.delete(fileId);
        index.deleteViews(fileId);
      }
    });
  }

  contentHashesOf(fileIds: readonly number[]): Map<number, string> {
    const rows = this.#statements.hashesById.all(JSON.stringify(fileIds));
    return new Map(rows.map((row) => [row.file_id, row.content_hash]));
  }

  /** Further views of these files. */
  viewsOf(fileIds: readonly number[]): ViewBatch {
    if (!this.hasViews()) return this.#toViews([]);
    return this.#toViews([...this.#viewRows({ fileIds, viewIds: null })]);
  }

  /** In this collection, whichever file has it: its vector and then those of its views. */
  findByContentHash(contentHash: string): ViewBatch | null {
    const row = this.#statements.vectorByHash.get(contentHash);
    if (row === undefined) return null;
    const { viewIds, vectors } = this.viewsOf([row.file_id]);
    return { viewIds, vectors: Float32Array.from([...this.#vectorOf(row), ...vectors]) };
  }

  /** Of a file that was removed from this or another collection of the space, without further views. */
  findRemoved(contentHash: string): ViewBatch | null {
    const row = this.#statements.removedByHash.get(this.space.id, contentHash);
    return row === undefined
      ? null
      : { viewIds: [], vectors: Float32Array.from(this.#vectorOf(row)) };
  }

  /** Exact, with the index and without. */
  search(query: VectorQuery): VectorHit[] {
    const { vector, limit, filter = {}, minimumScore = -1 } = query;
    const excluded = new Set(filter.excludeIds);
    const candidates = this.#candidatesFor(query);
    const hits: VectorHit[] = [];
    for (const row of this.#rows(candidates.fileIds)) {
      if (excluded.has(row.file_id)) continue;
      const score = toScore(dotProduct(vector, this.#vectorOf(row)));
      if (score >= minimumScore) hits.push({ fileId: row.file_id, score });
    }
    const views: ViewHit[] = [];
    for (const row of this.#viewRows(candidates)) {
      if (excluded.has(fileIdOf(row.id))) continue;
      const score = toViewScore(dotProduct(vector, this.#vectorOfView(row)), query);
      if (score >= minimumScore) views.push({ viewId: row.id, score });
    }
    const ordered = views.length > 0 ? mergeViews(hits, views) : hits.sort(compareHits);
    return ordered.slice(0, limit);
  }

  getMany(fileIds: readonly number[]): PointBatch {
    const rows = this.#statements.pointsById.all(JSON.stringify(fileIds));
    const vectors = new Float32Array(rows.length * this.space.dimensions);
    for (const [position, row] of rows.entries()) {
      vectors.set(this.#vectorOf(row), position * this.space.dimensions);
    }
    return { points: rows.map(toPoint), vectors };
  }

  count(): number {
    return this.#statements.count.get()?.count ?? 0;
  }

  listIds(cursor: number | null, limit: number): IdPage {
    // One extra id shows whether there is a next page.
    const ids = this.#idsAfter(cursor, limit + 1);
    const page = ids.slice(0, limit);
    return { ids: page, nextCursor: ids.length > limit ? (page.at(-1) ?? null) : null };
  }

  #candidatesFor(query: VectorQuery): Candidates {
    const includeIds = query.filter?.includeIds ?? null;
    const hasViews = query.isWholeOnly !== true && this.hasViews();
    const isIndexWorthBuilding = () =>
      (includeIds?.length ?? this.count()) >= this.#options.prefilterFrom;
    const index = this.#index !== null || isIndexWorthBuilding() ? this.#openIndex() : null;
    if (index !== null) return index.findCandidates(query);
    return { fileIds: includeIds, viewIds: hasViews ? null : [] };
  }

  #rows(fileIds: readonly number[] | null): Iterable<VectorRow> {
    return fileIds === null
      ? this.#statements.vectors.iterate()
      : this.#statements.vectorsById.iterate(JSON.stringify(fileIds));
  }

  #viewRows({ fileIds, viewIds }: Candidates): Iterable<ViewRow> {
    if (viewIds !== null) {
      return viewIds.length === 0
        ? []
        : this.#statements.viewsById.iterate(JSON.stringify(viewIds));
    }
    return fileIds === null
      ? this.#statements.views.iterate()
      : this.#statements.viewsOfFiles.iterate(JSON.stringify([...new Set(fileIds)]));
  }

  hasViews(): boolean {
    this.#mayHaveViews ??= this.#statements.anyView.get() !== undefined;
    return this.#mayHaveViews;
  }

  #toViews(rows: readonly ViewRow[]): ViewBatch {
    const vectors = new Float32Array(rows.length * this.space.dimensions);
    for (const [position, row] of rows.entries()) {
      vectors.set(this.#vectorOfView(row), position * this.space.dimensions);
    }
    return { viewIds: rows.map(({ id }) => id), vectors };
  }

  #vectorOfView({ id, vector }: ViewRow): Float32Array {
    return this.#vectorOf({ file_id: fileIdOf(id), vector });
  }

  #vectorOf({ file_id: fileId, vector: blob }: VectorRow): Float32Array {
    const values = fromBlob(blob);
    if (values.length !== this.space.dimensions || !Number.isFinite(dotProduct(values, values))) {
      throw new DamagedFileError(`the vector of file ${String(fileId)} is invalid`);
    }
    return values;
  }

  /** Ascending; all of them when `limit` is negative. */
  #idsAfter(cursor: number | null, limit: number): number[] {
    const rows = this.#statements.idsAfter.all(cursor ?? -Infinity, limit);
    return rows.map((row) => row.file_id);
  }

  #transact(work: () => void): void {
    transact(this.#options.database, work);
  }

  #openIndex(): QuantizedIndex | null {
    if (this.#index === null && this.#canIndex) {
      try {
        this.#index = this.#buildIndex();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#canIndex = false;
        const message = `Searching ${this.space.id} without an index, which is slow: ${error.message}.`;
        this.#options.report({ level: 'warn', message, isLoss: false });
      }
    }
    return this.#index;
  }

  #buildIndex(): QuantizedIndex | null {
    const fileIds = this.#idsAfter(null, -1);
    const stride = Math.ceil(fileIds.length / SAMPLE_SIZE);
    const sampleIds = fileIds.filter((_, position) => position % stride === 0);
    const sample = Array.from(this.#rows(sampleIds), (row) => this.#vectorOf(row));
    if (sample.length === 0) return null;
    const index = new QuantizedIndex(sample, fileIds.length);
    for (const row of this.#rows(null)) index.set(row.file_id, this.#vectorOf(row));
    if (this.hasViews()) {
      for (const row of this.#statements.views.iterate()) {
        index.setView(fileIdOf(row.id), row.id, this.#vectorOfView(row));
      }
    }
    this.#sizeWhenBuilt = index.size;
    return index;
  }

  /** Keeps the index in sync with the file, or drops it for the next search to rebuild. */
  #updateIndex(update: (index: QuantizedIndex) => void): void {
    if (this.#index === null) return;
    try {
      update(this.#index);
      if (this.#index.size > this.#sizeWhenBuilt * GROWTH_BEFORE_REBUILD) this.#index = null;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#index = null;
    }
  }
}

function prepareStatements(database: SqlDatabase, number: number) {
  const points = `points_${String(number)}`;
  const vectors = `vectors_${String(number)}`;
  const views = `views_${String(number)}`;
  const [firstView, lastView] = viewIdsOf(1);
  const isWanted = 'file_id in (select value from json_each(?))';
  return {
    putPoint: database.prepare<[number, string, string, string, string]>(
      `insert or replace into ${points} values (?, ?, ?, ?, ?)`,
    ),
    putVector: database.prepare<[number, Uint8Array]>(
      `insert or replace into ${vectors} values (?, ?)`,
    ),
    keepRemoved: database.prepare<[string, string, number]>(
      `insert or replace into removed_vectors
       select ?, content_hash, ?, vector from ${points} join ${vectors} using (file_id)
       where file_id = ?`,
    ),
    forgetRemoved: database.prepare<[string, number]>(
      `delete from removed_vectors where removed_at < ? or rowid in (
         select rowid from removed_vectors order by removed_at desc limit -1 offset ?
       )`,
    ),
    removedByHash: database.prepare<[string, string], VectorRow>(
      'select 0 file_id, vector from removed_vectors where space_id = ? and content_hash = ?',
    ),
    hashesById: database.prepare<[string], Pick<PointRow, 'file_id' | 'content_hash'>>(
      `select file_id, content_hash from ${points} where ${isWanted}`,
    ),
    vectorByHash: database.prepare<[string], VectorRow>(
      `select file_id, vector from ${points} join ${vectors} using (file_id)
       where content_hash = ? limit 1`,
    ),
    removePoint: database.prepare<[number]>(`delete from ${points} where file_id = ?`),
    removeVector: database.prepare<[number]>(`delete from ${vectors} where file_id = ?`),
    pointsById: database.prepare<[string], PointRow>(
      `select * from ${points} join ${vectors} using (file_id) where ${isWanted}`,
    ),
    vectorsById: database.prepare<[string], VectorRow>(
      `select * from ${vectors} where ${isWanted}`,
    ),
    vectors: database.prepare<[], VectorRow>(`select * from ${vectors}`),
    anyView: database.prepare<[], { id: number }>(`select id from ${views} limit 1`),
    putView: database.prepare<[number, Uint8Array]>(`insert into ${views} values (?, ?)`),
    removeViews: database.prepare<[number, number]>(
      `delete from ${views} where id between ? and ?`,
    ),
    views: database.prepare<[], ViewRow>(`select * from ${views}`),
    viewsById: database.prepare<[string], ViewRow>(
      `select * from ${views} where id in (select value from json_each(?))`,
    ),
    viewsOfFiles: database.prepare<[string], ViewRow>(
      `select ${views}.* from json_each(?) join ${views}
       on ${views}.id between value * ${String(firstView)} and value * ${String(firstView)} + ${String(lastView - firstView)}
       order by ${views}.id`,
    ),
    count: database.prepare<[], { count: number }>(`select count(*) count from ${points}`),
    idsAfter: database.prepare<[number, number], { file_id: number }>(
      `select file_id from ${points} where file_id > ? order by file_id limit ?`,
    ),
  };
}

function toBlob(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

function fromBlob(blob: Uint8Array): Float32Array {
  const length = Math.floor(blob.byteLength / Float32Array.BYTES_PER_ELEMENT);
  return blob.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0
    ? new Float32Array(blob.buffer, blob.byteOffset, length)
    : new Float32Array(Uint8Array.from(blob).buffer, 0, length);
}

function toPoint(row: PointRow): PointBatch['points'][number] {
  return {
    fileId: row.file_id,
    payload: {
      mimeType: row.mime_type,
      extension: row.extension,
      createdAt: row.created_at,
      contentHash: row.content_hash,
    },
  };
}
