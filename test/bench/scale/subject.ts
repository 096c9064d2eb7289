import type { VectorPoint, VectorStore } from '../../../plugin/src/vectors/contract';

/** A store under measurement. */
export interface Subject {
  store: VectorStore;
  /** The same without this plugin in between. */
  direct: DirectAccess | null;
  /** Resolves when background work is done. */
  settle(): Promise<void>;
  /** Null if unknown. */
  diskBytes(): Promise<number | null>;
  /** Null if unknown. */
  memoryBytes(): Promise<number | null>;
  /** Deletes what is stored outside of the folder. */
  remove(): Promise<void>;
}

export interface DirectAccess {
  /** Into a place of its own. */
  create(): Promise<void>;
  load(points: readonly VectorPoint[]): Promise<void>;
  /** Where the store has its points. */
  search(vector: readonly number[], limit: number): Promise<unknown>;
}
