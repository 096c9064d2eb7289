import type { VectorPoint, VectorStore } from '../../../plugin/src/vectors/contract';
import { createEmbeddedSubject } from './embedded-subject';
import { createQdrantSubject } from './qdrant-subject';
import type { StoreName } from './result';

/** A store under measurement. */
export interface Subject {
  store: VectorStore;
  /** The same without this product in between. */
  direct: DirectAccess | null;
  /** Resolves when nothing goes on in the background. */
  settle(): Promise<void>;
  /** Null where it is not known. */
  diskBytes(): Promise<number | null>;
  /** Null where it is not known. */
  memoryBytes(): Promise<number | null>;
  /** Deletes what lies outside of the folder. */
  remove(): Promise<void>;
}

export interface DirectAccess {
  /** Into a place of its own. */
  create(): Promise<void>;
  load(points: readonly VectorPoint[]): Promise<void>;
  /** Where the store has its points. */
  search(vector: readonly number[], limit: number): Promise<unknown>;
}

/** @param folder where the store may keep files */
export function createSubject(name: StoreName, folder: string): Subject {
  return name === 'embedded' ? createEmbeddedSubject(folder) : createQdrantSubject();
}
