import type { VectorSpace } from '../../embedding/contract';
import type { IdPage, VectorHit, VectorQuery } from '../contract';
import { compareHits, dotProduct, toScore } from '../similarity';
import { DamagedFileError, transact } from './database';
import type { SqlDatabase } from './driver';
import type { PointBatch, ThreadNotice } from './protocol';
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
  report(notice: ThreadNotice): void;
}

interface VectorRow {
  file_id: number;
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
}

/** Equal bytes are looked up in every collection of their space. */
export function ensureHashIndex(database: SqlDatabase, number: number): void {
  const name = `points_${String(number)}`;
  database.exec(`create index if not exists ${name}_hash on ${name} (content_hash)`);
}

export function dropCollectionTables(database: SqlDatabase, number: number): void {
  database.exec(`drop table points_${String(number)}; drop table vectors_${String(number)}`);
}

/** The points of one space, on one open connection. */
export class Collection {
  readonly space: VectorSpace;
  readonly #options: CollectionOptions;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #index: QuantizedIndex | null = null;
  #sizeWhenBuilt = 0;
  #canIndex = true;

  constructor(options: CollectionOptions) {
    this.space = options.space;
    this.#options = options;
    this.#statements = prepareStatements(options.database, options.number);
  }

  upsert({ points, vectors }: PointBatch): void {
    const { dimensions } = this.space;
    const vectorAt = (position: number) =>
      vectors.subarray(position * dimensions, (position + 1) * dimensions);
    this.#transact(() => {
      for (const [position, { fileId, payload }] of points.entries()) {
        const { mimeType, extension, createdAt, contentHash } = payload;
        this.#statements.putPoint.run(fileId, mimeType, extension, createdAt, contentHash);
        this.#statements.putVector.run(fileId, toBlob(vectorAt(position)));
      }
    });
    this.#updateIndex((index) => {
      for (const [position, { fileId }] of points.entries()) index.set(fileId, vectorAt(position));
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
      }
      this.#statements.forgetRemoved.run(forgottenBefore, MAX_REMOVED_VECTORS);
    });
    this.#updateIndex((index) => {
      for (const fileId of fileIds) index.delete(fileId);
    });
  }

  contentHashesOf(fileIds: readonly number[]): Map<number, string> {
    const rows = this.#statements.hashesById.all(JSON.stringify(fileIds));
    return new Map(rows.map((row) => [row.file_id, row.content_hash]));
  }

  /** In this collection, whichever file has it. */
  findByContentHash(contentHash: string): Float32Array<ArrayBuffer> | null {
    const row = this.#statements.vectorByHash.get(contentHash);
    return row === undefined ? null : Float32Array.from(this.#vectorOf(row));
  }

  /** Of a file that was removed from this or another collection of the space. */
  findRemoved(contentHash: string): Float32Array<ArrayBuffer> | null {
    const row = this.#statements.removedByHash.get(this.space.id, contentHash);
    return row === undefined ? null : Float32Array.from(this.#vectorOf(row));
  }

  /** Exact, with the index and without. */
  search(query: VectorQuery): VectorHit[] {
    const { vector, limit, filter = {}, minimumScore = -1 } = query;
    const excluded = new Set(filter.excludeIds);
    const hits: VectorHit[] = [];
    for (const row of this.#rows(this.#idsToCompare(query))) {
      if (excluded.has(row.file_id)) continue;
      const score = toScore(dotProduct(vector, this.#vectorOf(row)));
      if (score >= minimumScore) hits.push({ fileId: row.file_id, score });
    }
    return hits.sort(compareHits).slice(0, limit);
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

  /** Ids that contain all hits; null for all ids. */
  #idsToCompare(query: VectorQuery): readonly number[] | null {
    const includeIds = query.filter?.includeIds ?? null;
    const isIndexWorthBuilding = () =>
      (includeIds?.length ?? this.count()) >= this.#options.prefilterFrom;
    const index = this.#index !== null || isIndexWorthBuilding() ? this.#openIndex() : null;
    return index === null ? includeIds : index.findCandidates(query);
  }

  #rows(fileIds: readonly number[] | null): Iterable<VectorRow> {
    return fileIds === null
      ? this.#statements.vectors.iterate()
      : this.#statements.vectorsById.iterate(JSON.stringify(fileIds));
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
