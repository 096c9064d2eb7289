import type Database from 'better-sqlite3';
import type { VectorSpace } from '../../embedding/contract';
import type { IdPage, VectorHit, VectorQuery } from '../contract';
import { dotProduct, toScore } from './dot-product';
import { DamagedFileError } from './failures';
import type { PointBatch, ThreadNotice } from './protocol';
import { QuantizedIndex, SAMPLE_SIZE } from './quantized-index';

/** The index learns its mean and scale anew when the collection has grown by this factor since. */
const GROWTH_BEFORE_RELEARNING = 4;

export interface CollectionOptions {
  database: Database.Database;
  /** Names the collection's tables. */
  number: number;
  space: VectorSpace;
  prefilterFrom: number;
  report(notice: ThreadNotice): void;
}

interface VectorRow {
  file_id: number;
  vector: Buffer;
}

interface PointRow extends VectorRow {
  mime_type: string;
  extension: string;
  created_at: string;
  content_hash: string;
}

/**
 * Ids and payloads lie in one table and vectors in another, because counting and listing would otherwise read
 * hundreds of megabytes.
 */
export function createCollectionTables(database: Database.Database, number: number): void {
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

export function dropCollectionTables(database: Database.Database, number: number): void {
  database.exec(`drop table points_${String(number)}; drop table vectors_${String(number)}`);
}

/** The points of one space, on one open connection. */
export class Collection {
  readonly space: VectorSpace;
  readonly #options: CollectionOptions;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #index: QuantizedIndex | null = null;
  #sizeWhenLearned = 0;
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
    this.#transact(() => {
      for (const fileId of fileIds) {
        this.#statements.removePoint.run(fileId);
        this.#statements.removeVector.run(fileId);
      }
    });
    this.#updateIndex((index) => {
      for (const fileId of fileIds) index.delete(fileId);
    });
  }

  /** Exact, whichever way the points to be compared are found. */
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
    return this.#statements.count.get() ?? 0;
  }

  listIds(cursor: number | null, limit: number): IdPage {
    // One more than asked for tells whether there is a next page.
    const ids = this.#statements.idsAfter.all(cursor ?? -Infinity, limit + 1);
    const page = ids.slice(0, limit);
    return { ids: page, nextCursor: ids.length > limit ? (page.at(-1) ?? null) : null };
  }

  /** Ids that all hits are among; null for all there are. */
  #idsToCompare(query: VectorQuery): readonly number[] | null {
    const includeIds = query.filter?.includeIds ?? null;
    const isIndexWorthMaking = () =>
      (includeIds?.length ?? this.count()) >= this.#options.prefilterFrom;
    const index = this.#index !== null || isIndexWorthMaking() ? this.#openIndex() : null;
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
      throw new DamagedFileError(`what is stored for file ${String(fileId)} is no vector`);
    }
    return values;
  }

  #transact(work: () => void): void {
    this.#options.database.transaction(work).immediate();
  }

  #openIndex(): QuantizedIndex | null {
    if (this.#index === null && this.#canIndex) {
      try {
        this.#index = this.#buildIndex();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#canIndex = false;
        const message = `Vectors of ${this.space.id} are searched without an index, which is slow: ${error.message}`;
        this.#options.report({ level: 'warn', message, isLoss: false });
      }
    }
    return this.#index;
  }

  #buildIndex(): QuantizedIndex | null {
    const fileIds = this.#statements.idsAfter.all(-Infinity, -1);
    const stride = Math.ceil(fileIds.length / SAMPLE_SIZE);
    const sampleIds = fileIds.filter((_, position) => position % stride === 0);
    const sample = Array.from(this.#rows(sampleIds), (row) => this.#vectorOf(row));
    if (sample.length === 0) return null;
    const index = new QuantizedIndex(sample, fileIds.length);
    for (const row of this.#rows(null)) index.set(row.file_id, this.#vectorOf(row));
    this.#sizeWhenLearned = index.size;
    return index;
  }

  /** Keeps the index in step with the file, or drops it to be built anew by the next search. */
  #updateIndex(update: (index: QuantizedIndex) => void): void {
    if (this.#index === null) return;
    try {
      update(this.#index);
      if (this.#index.size > this.#sizeWhenLearned * GROWTH_BEFORE_RELEARNING) this.#index = null;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#index = null;
    }
  }
}

function prepareStatements(database: Database.Database, number: number) {
  const points = `points_${String(number)}`;
  const vectors = `vectors_${String(number)}`;
  const isWanted = 'file_id in (select value from json_each(?))';
  return {
    putPoint: database.prepare<[number, string, string, string, string]>(
      `insert or replace into ${points} values (?, ?, ?, ?, ?)`,
    ),
    putVector: database.prepare<[number, Buffer]>(
      `insert or replace into ${vectors} values (?, ?)`,
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
    count: database.prepare<[], number>(`select count(*) from ${points}`).pluck(),
    idsAfter: database
      .prepare<[number, number], number>(
        `select file_id from ${points} where file_id > ? order by file_id limit ?`,
      )
      .pluck(),
  };
}

function toBlob(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function fromBlob(blob: Buffer): Float32Array {
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

/** Best first, ties by ascending id. */
function compareHits(left: VectorHit, right: VectorHit): number {
  return right.score - left.score || left.fileId - right.fileId;
}
