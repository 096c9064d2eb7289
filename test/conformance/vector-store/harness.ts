import { afterEach, beforeEach } from '@jest/globals';
import type {
  DatabaseIdentity,
  VectorCollection,
  VectorPoint,
  VectorStore,
} from '../../../plugin/src/vectors/contract';
import { spaceOf } from './points';

export interface OpenedVectorStore {
  store: VectorStore;
  /** Ends the present store and returns another on the same data, as after a restart. */
  reopen(): Promise<VectorStore>;
  /** Like `reopen`, once searches of what is stored are approximate. Left out: they are as they are at once. */
  settle?(): Promise<VectorStore>;
  /** Another store on the same data, for this database; disposed with the rest. */
  openFor?(database: DatabaseIdentity): Promise<VectorStore>;
  /** Disposes the last store handed out and deletes its data. */
  destroy(): Promise<void>;
}

export interface UnreachableVectorStore {
  store: VectorStore;
  /** Takes away what keeps the store from answering. */
  repair(): Promise<void>;
  destroy(): Promise<void>;
}

/** How the suite gets hold of an implementation, and where it may differ. */
export interface VectorStoreHarness {
  /** An empty store that shares nothing with those created before. */
  create(): Promise<OpenedVectorStore>;
  /** Like `create`, with `openFor`. Left out: nothing shares it. */
  createShared?: () => Promise<OpenedVectorStore>;
  /** A store that cannot be reached, or whose place cannot be written. Left out: shown as skipped. */
  createUnreachable?(): Promise<UnreachableVectorStore>;
  /**
   * Whether points are still there after `reopen`.
   * @default true
   */
  isDurable?: boolean;
  /**
   * Whether recorded answers are replayed, which have no views.
   * @default false
   */
  isReplayed?: boolean;
  /**
   * Whether stores have `settle`.
   * @default false
   */
  settles?: boolean;
  /**
   * How far a score may be from the true cosine.
   * @default 1e-6
   */
  scoreTolerance?: number;
  /**
   * Least share of the true best 20 of some thousand points that a search finds; below 1 for approximate search.
   * @default 1
   */
  recall?: number;
}

/** A fresh store for every test. */
export function openForEach(harness: VectorStoreHarness) {
  let opened: OpenedVectorStore;
  beforeEach(async () => {
    opened = await harness.create();
  });
  afterEach(() => opened.destroy());
  return {
    get store() {
      return opened.store;
    },
    openFor(database: DatabaseIdentity): Promise<VectorStore> {
      if (opened.openFor === undefined) throw new Error('The harness shares no store.');
      return opened.openFor(database);
    },
    reopen: () => opened.reopen(),
    settle: async () => (await opened.settle?.()) ?? opened.store,
  };
}

/** A fresh collection for every test, with these points in it. */
export function openCollectionForEach(harness: VectorStoreHarness, points: () => VectorPoint[]) {
  const opened = openForEach(harness);
  let collection: VectorCollection;
  beforeEach(async () => {
    collection = await opened.store.ensureSpace(spaceOf('first'));
    await collection.upsert(points());
  });
  return () => collection;
}
