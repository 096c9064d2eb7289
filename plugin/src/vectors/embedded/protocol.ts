import type { VectorSpace } from '../../embedding/contract';
import type { Logger } from '../../logger';
import type {
  DatabaseIdentity,
  FileView,
  IdPage,
  VectorHit,
  VectorPoint,
  VectorQuery,
} from '../contract';
import type { DriverOptions } from './driver';

/** Points in a message between threads. */
export interface PointBatch {
  points: (Omit<VectorPoint, 'vector' | 'views'> & { views?: FileView[] })[];
  /** All vectors back to back: each point's and then those of its views. Its buffer is transferred, not copied. */
  vectors: Float32Array<ArrayBuffer>;
}

/** Further views in a message between threads. */
export interface ViewBatch {
  viewIds: number[];
  /** All vectors back to back, in the order of `viewIds`. */
  vectors: Float32Array<ArrayBuffer>;
}

/** The state of an open file, for the operator. */
export interface FileReport {
  /** Of this database. */
  collections: number;
  /** Names of other databases with vectors in the file. */
  others: string[];
  /** What has happened to the file lately; null when nothing has. */
  incident: string | null;
}

/** The thread's operations; it runs them one at a time, in the order requested. */
export interface Operations {
  ensureSpace: { input: { space: VectorSpace }; result: undefined };
  inspect: { input: null; result: FileReport };
  listSpaces: { input: null; result: VectorSpace[] };
  dropSpace: { input: { spaceId: string }; result: undefined };
  upsert: { input: { space: VectorSpace; batch: PointBatch }; result: undefined };
  remove: { input: { space: VectorSpace; fileIds: readonly number[] }; result: undefined };
  search: { input: { space: VectorSpace; query: VectorQuery }; result: VectorHit[] };
  getMany: { input: { space: VectorSpace; fileIds: readonly number[] }; result: PointBatch };
  contentHashesOf: {
    input: { space: VectorSpace; fileIds: readonly number[] };
    result: Map<number, string>;
  };
  hasViews: { input: { space: VectorSpace }; result: boolean };
  viewsOf: { input: { space: VectorSpace; fileIds: readonly number[] }; result: ViewBatch };
  /** The vector of the whole file comes first, without a view id. */
  findByContentHash: {
    input: { space: VectorSpace; contentHash: string };
    result: ViewBatch | null;
  };
  count: { input: { space: VectorSpace }; result: number };
  listIds: {
    input: { space: VectorSpace; cursor: number | null; limit: number };
    result: IdPage;
  };
  close: { input: null; result: undefined };
}

/** The thread's `workerData`. */
export interface StoreThreadOptions extends DriverOptions {
  file: string;
  prefilterFrom: number;
  /** Whose vectors; null for those of the database that used the file last. */
  database: DatabaseIdentity | null;
  /** Whether a damaged file stays where it is, and calls fail, as in a command. */
  keepsDamaged: boolean;
}

/** What the thread tells unasked, for the log. */
export interface StoreNotice {
  level: keyof Logger;
  message: string;
  /** Whether all vectors were lost. */
  isLoss: boolean;
}
