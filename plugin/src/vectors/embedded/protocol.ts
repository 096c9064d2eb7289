import type { VectorSpace } from '../../embedding/contract';
import type { ErrorCode } from '../../errors';
import type { Logger } from '../../logger';
import type { IdPage, VectorHit, VectorPoint, VectorQuery } from '../contract';

/** Points on their way between two threads. */
export interface PointBatch {
  points: Omit<VectorPoint, 'vector'>[];
  /** All vectors back to back, in the order of `points`; its buffer is transferred, not copied. */
  vectors: Float32Array<ArrayBuffer>;
}

/** What the thread does on request, one at a time and in the order asked. */
interface Operations {
  ensureSpace: { input: { space: VectorSpace }; result: undefined };
  listSpaces: { input: null; result: VectorSpace[] };
  dropSpace: { input: { spaceId: string }; result: undefined };
  upsert: { input: { space: VectorSpace; batch: PointBatch }; result: undefined };
  remove: { input: { space: VectorSpace; fileIds: readonly number[] }; result: undefined };
  search: { input: { space: VectorSpace; query: VectorQuery }; result: VectorHit[] };
  getMany: { input: { space: VectorSpace; fileIds: readonly number[] }; result: PointBatch };
  count: { input: { space: VectorSpace }; result: number };
  listIds: {
    input: { space: VectorSpace; cursor: number | null; limit: number };
    result: IdPage;
  };
  close: { input: null; result: undefined };
}

export type OperationName = keyof Operations;
export type OperationInput<Name extends OperationName> = Operations[Name]['input'];
export type OperationResult<Name extends OperationName> = Operations[Name]['result'];

export type OperationHandlers = {
  [Name in OperationName]: (input: OperationInput<Name>) => OperationResult<Name>;
};

/** `workerData` of the thread. */
export interface ThreadOptions {
  file: string;
  prefilterFrom: number;
}

export interface ThreadRequest<Name extends OperationName = OperationName> {
  id: number;
  operation: Name;
  input: OperationInput<Name>;
}

/** An ImageSearchError on its way between two threads. */
export interface ThreadFailure {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  cause: unknown;
}

export interface ThreadNotice {
  level: keyof Logger;
  message: string;
  /** Whether it says that all vectors are gone. */
  isLoss: boolean;
}

export type ThreadMessage =
  | { kind: 'result'; id: number; result: OperationResult<OperationName> }
  | { kind: 'failure'; id: number; failure: ThreadFailure }
  | { kind: 'notice'; notice: ThreadNotice };
