import type { ActiveSpace } from '../active-space';
import type { EmbeddingIdentity, VectorSpace } from '../embedding/contract';
import type { IndexEntries, ReconcileReport, WorkerStatus } from '../indexing/contract';

/** A space that the library is, was or will be searched in. */
export interface SpaceRecord {
  space: VectorSpace;
  /** What opens its provider again when the configuration names another by now. */
  identity: EmbeddingIdentity;
  /** Counts the switches: the space with the highest number answers. Null: it never has. */
  activation: number | null;
}

/**
 * Which spaces there are and which of them answers: the one truth for all processes that share a database.
 *
 * - `register` adds a space or replaces its identity; whether it answers stays as it was.
 * - `activate` makes a registered space answer, in one atomic step for all processes, if `expected` (null: none)
 *   answers at that moment; otherwise, or when the space is not registered, it changes nothing and answers false.
 * - `forget` removes a space, unless it answers: then it changes nothing and answers false. A space that is not
 *   there counts as removed.
 */
export interface SpaceRecords {
  /** By age, oldest first. */
  list(): Promise<SpaceRecord[]>;
  register(space: VectorSpace, identity: EmbeddingIdentity): Promise<void>;
  activate(spaceId: string, expected: string | null): Promise<boolean>;
  forget(spaceId: string): Promise<boolean>;
}

/**
 * - `answering`: searches are answered in it.
 * - `filling`: a new one, which takes over as soon as it holds every picture.
 * - `fallback`: it is filled beside the answering one, and searched while the provider of that is down.
 * - `kept`: it answered before; the operator may go back to it, or drop it.
 */
export type SpaceRole = 'answering' | 'filling' | 'fallback' | 'kept';

/** All that this process does in one space. */
export interface SpaceTrack {
  readonly activeSpace: ActiveSpace;
  /** The queue of the space; of files that no space is known for yet until the space is known. */
  readonly entries: IndexEntries;
  readonly identity: EmbeddingIdentity;
  /** Null until the provider was opened for the first time, unless it is taken for one. */
  spaceId(): string | null;
  /** Takes the space for this one until the provider was opened. */
  assume(spaceId: string): void;
  /** Works the queue off and compares it with the library until `stop`; twice is as good as once. */
  start(): void;
  /** Says that there may be work. */
  wake(): void;
  /** As `wake`, and waits after failures are over: an operator asked for it. */
  retryNow(): void;
  /** Compares library, queue and vectors now. */
  reconcile(): Promise<ReconcileReport>;
  /** Sees to it that a comparison begins after this call; never rejects. */
  reconcileAgain(): Promise<void>;
  isReconciling(): boolean;
  workerStatus(): WorkerStatus;
  /** Ends indexing for good; what does not end within `graceMs` is given back to the queue. Searches go on. */
  stop(graceMs: number): Promise<void>;
  /** Closes the provider. */
  dispose(): Promise<void>;
}
