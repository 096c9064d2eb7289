import path from 'node:path';
import { z } from 'zod';
import type { Logger } from '../logger';
import type { VectorStore } from './contract';
import { createEmbeddedStore } from './embedded';
import { embeddedConfigSchema } from './embedded/config';
import { createQdrantStore } from './qdrant';
import { qdrantConfigSchema } from './qdrant/config';

/** Settings of any store, told apart by `store`. */
export const vectorsConfigSchema = z.discriminatedUnion('store', [
  embeddedConfigSchema,
  qdrantConfigSchema,
]);

export type VectorsConfig = z.output<typeof vectorsConfigSchema>;

export interface StoreContext {
  /** Relative paths are relative to it. */
  projectFolder: string;
  logger: Logger;
  /** Called when a store has lost its vectors: it is empty then, and the pictures must be indexed again. */
  onLoss: () => void;
  /** Whether a space is still in use: one that another process has dropped must not come back. By default it is. */
  isInUse?: (spaceId: string) => Promise<boolean>;
}

/** The store that the configuration names. Nothing is opened before its first call. */
export function openVectorStore(
  config: VectorsConfig,
  { projectFolder, logger, onLoss, isInUse }: StoreContext,
): VectorStore {
  switch (config.store) {
    case 'embedded':
      return createEmbeddedStore({
        file: path.resolve(projectFolder, config.path),
        prefilterFrom: config.prefilterFrom,
        logger,
        onLoss,
      });
    case 'qdrant':
      return createQdrantStore({ config, logger, onLoss, isInUse });
  }
}
