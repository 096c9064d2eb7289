import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { VectorStore } from '../../plugin/src/vectors/contract';
import { createEmbeddedStore, type EmbeddedStoreOptions } from '../../plugin/src/vectors/embedded';
import { driverNames, loadDriver, type DriverName } from '../../plugin/src/vectors/embedded/driver';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';

/** A temporary folder for embedded stores that open one after another. */
export interface EmbeddedStoreFolder {
  readonly folder: string;
  /** Inside a folder that the store has to make. */
  readonly file: string;
  readonly logger: RecordingLogger;
  /** Disposes the store opened before. */
  open(options?: Partial<EmbeddedStoreOptions>): Promise<VectorStore>;
  destroy(): Promise<void>;
}

export async function createEmbeddedStoreFolder(): Promise<EmbeddedStoreFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-vectors-'));
  const file = path.join(folder, 'data/vectors.sqlite');
  const logger = createRecordingLogger();
  let store: VectorStore | null = null;
  return {
    folder,
    file,
    logger,
    async open(options = {}) {
      await store?.dispose();
      store = createEmbeddedStore({ file, prefilterFrom: 1000, logger, ...options });
      return store;
    },
    async destroy() {
      await store?.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The drivers of SQLite that work here. */
export function availableDrivers(): DriverName[] {
  return driverNames.filter((name) => {
    try {
      loadDriver({ projectFolder: process.cwd(), drivers: [name] });
      return true;
    } catch {
      return false;
    }
  });
}
