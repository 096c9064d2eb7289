import type { ActiveSpace } from '../active-space';
import type { EmbeddingIdentity, VectorSpace } from '../embedding/contract';
import type { IndexEntries, ReconcileReport, WorkerStatus } from '../indexing/contract';

/** A vector space that was, is or will be searched. */
export interface SpaceRecord {
  space: VectorSpace;
  /** The settings that its provider is opened with when another is configured. */
  identity: EmbeddingIdentity;
  /** Counts switches: the space with the highest number answers. Null if it never has. */
  activation: number | null;
}

/**
 * The spaces, and which of them is active, for all processes that share a database.
 *
 * - `register` adds a space or replaces its identity; it does not change which space answers.
 * - `activate` makes a registered space answer, atomically for all processes, if `expected` (null: none) answers at
 *   that moment. Otherwise, or if the space isn't registered, it returns false with nothing changed.
 * - `forget` removes a space. If that space answers, it returns false with nothing changed; a space that doesn't exist
 *   counts as removed.
 *
 * @throws whatever the database throws
 */
export interface SpaceRecords {
  /** Oldest first. */
  list(): Promise<SpaceRecord[]>;
  register(space: VectorSpace, identity: EmbeddingIdentity): Promise<void>;
  activate(spaceId: string, expected: string | null): Promise<boolean>;
  forget(spaceId: string): Promise<boolean>;
}

/**
 * - `active`: searches use it.
 * - `building`: a new space, which takes over once it holds every image.
 * - `fallback`: kept up to date beside the active one, and searched while that one's provider is down.
 * - `standby`: was active before; the operator may switch back to it or delete it.
 */
export type SpaceRole = 'active' | 'building' | 'fallback' | 'standby';

/** The provider, queue, worker and reconcile schedule of one space in this process. */
export interface SpaceTrack {
  readonly activeSpace: ActiveSpace;
  /** The queue of the space; until the space is known, that of files without one. */
  readonly entries: IndexEntries;
  readonly identity: EmbeddingIdentity;
  /** Null until the provider was opened once, unless `expect` named it. */
  spaceId(): string | null;
  /** Uses this space id until the provider was opened. */
  expect(spaceId: string): void;
  /** Indexes and reconciles until `stop`. Idempotent. */
  start(): void;
  /** Signals that there may be work. */
  wake(): void;
  /** Like `wake`, and ends pauses after failures: an operator asked for it. */
  retryNow(): void;
  /** Like `wake`, and ends pauses after failures of the store: it's back. */
  resumeStore(): void;
  /** Compares the library, the queue and the vectors now. */
  reconcile(): Promise<ReconcileReport>;
  /** Runs a comparison that starts after this call. Never rejects. */
  reconcileAgain(): Promise<void>;
  isReconciling(): boolean;
  workerStatus(): WorkerStatus;
  /** Stops indexing for good; what isn't done within `graceMs` returns to the queue. Searches still work. */
  stop(graceMs: number): Promise<void>;
  /** Closes the provider. */
  dispose(): Promise<void>;
}
