import path from 'node:path';
import type { ImageSearchConfig } from '../config';
import type { Logger } from '../logger';
import type { VectorStore } from './contract';
import { createEmbeddedStore } from './embedded';

export interface StoreContext {
  /** Relative paths are relative to it. */
  projectFolder: string;
  logger: Logger;
  /** Called when a store has lost its vectors: it is empty then, and the pictures must be indexed again. */
  onLoss: () => void;
}

/** The store that the configuration names. Nothing is opened before its first call. */
export function openVectorStore(
  vectors: ImageSearchConfig['vectors'],
  { projectFolder, logger, onLoss }: StoreContext,
): VectorStore {
  return createEmbeddedStore({
    file: path.resolve(projectFolder, vectors.path),
    prefilterFrom: vectors.prefilterFrom,
    logger,
    onLoss,
  });
}
