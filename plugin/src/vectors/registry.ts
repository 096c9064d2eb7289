import path from 'node:path';
import { z } from 'zod';
import type { Logger } from '../logger';
import type { DatabaseIdentity, VectorStore } from './contract';
import { createEmbeddedStore, DEFAULT_VECTOR_FILE, embeddedConfigSchema } from './embedded';
import { createPostgresStore } from './postgres';
import { postgresConfigSchema } from './postgres/config';
import type { HostDatabase } from './postgres/connection';
import { createQdrantStore } from './qdrant';
import { qdrantConfigSchema } from './qdrant/config';

/** Settings of any store, discriminated by `store`. */
export const vectorsConfigSchema = z.discriminatedUnion('store', [
  embeddedConfigSchema,
  postgresConfigSchema,
  qdrantConfigSchema,
]);

export type VectorsConfig = z.output<typeof vectorsConfigSchema>;

export type { HostDatabase };

export interface StoreContext {
  /** Relative paths are resolved against it. */
  projectFolder: string;
  logger: Logger;
  hostDatabase: HostDatabase;
  /** Whose vectors. @default what each store's doc comment says */
  database?: () => Promise<DatabaseIdentity>;
  /** Of a command, which renames no damaged file. @default false */
  isCommand?: boolean;
  /** Called when a store has lost its vectors: all images must be compared with it. */
  onLoss: () => void;
  /** Called when a store's server answers again after it didn't. */
  onBack?: () => void;
  /** Whether a space is still in use: a space that another process dropped must not be recreated. @default always */
  isInUse?: (spaceId: string) => Promise<boolean>;
}

/** Creates the configured store. Nothing is opened before its first call. */
export function openVectorStore(
  config: VectorsConfig,
  {
    projectFolder,
    logger,
    hostDatabase,
    database,
    isCommand,
    onLoss,
    onBack,
    isInUse,
  }: StoreContext,
): VectorStore {
  switch (config.store) {
    case 'embedded':
      return createEmbeddedStore({
        file: path.resolve(projectFolder, config.path),
        projectFolder,
        prefilterFrom: config.prefilterFrom,
        logger,
        database,
        keepsDamaged: isCommand,
        onLoss,
      });
    case 'postgres':
      return createPostgresStore({
        config,
        hostDatabase,
        projectFolder,
        isCommand,
        logger,
        database,
        onLoss,
        onBack,
        isInUse,
      });
    case 'qdrant':
      return createQdrantStore({ config, logger, database, onLoss, onBack, isInUse });
  }
}

/** How the names of files beside the vectors' file end; `previews` is a folder. */
const ENDINGS = { map: '-map.json', previews: '-previews', words: '-words.sqlite' };

/** A path beside the vectors' file, or in the project when the vectors are elsewhere. */
export function besideVectorFile(
  vectors: VectorsConfig,
  projectFolder: string,
  file: keyof typeof ENDINGS,
): string {
  const vectorFile = vectors.store === 'embedded' ? vectors.path : DEFAULT_VECTOR_FILE;
  const { dir, name } = path.parse(path.resolve(projectFolder, vectorFile));
  return path.join(dir, `${name}${ENDINGS[file]}`);
}
