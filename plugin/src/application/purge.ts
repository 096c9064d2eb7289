import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ImageSearchConfig } from '../config';
import { splitFallback } from '../embedding/registry';
import { ImageSearchError } from '../errors';
import type { VectorStore } from '../vectors/contract';
import { besideVectorFile } from '../vectors/registry';

/** What a purge would delete. */
export interface PurgePlan {
  /** One line each; empty if there is nothing. */
  readonly targets: readonly string[];
  run(): Promise<void>;
}

/**
 * Plans to delete what this plugin keeps outside Strapi's database: the vectors of this database, with the map, the previews
 * and the words beside them unless other databases share the file, and on request the downloaded models.
 *
 * @param options.store opened for this database; disposed of by `run`
 * @throws ImageSearchError `store-unavailable` when the store doesn't say whose vectors it has
 */
export async function planPurge(options: {
  config: ImageSearchConfig;
  store: VectorStore;
  projectFolder: string;
  includesModels: boolean;
}): Promise<PurgePlan> {
  const { config, includesModels, projectFolder, store } = options;
  const vectors = await planVectors(config, store, projectFolder);
  const besides = (['map', 'previews', 'words'] as const).map((file) =>
    besideVectorFile(config.vectors, projectFolder, file),
  );
  const caches = includesModels ? cacheFoldersOf(config, projectFolder) : [];
  return {
    targets: [...vectors.targets, ...caches.map((folder) => `the downloaded models in ${folder}`)],
    async run() {
      await vectors.run();
      for (const beside of vectors.isShared ? besides.slice(0, 1) : besides) {
        for (const each of await filesOf(beside)) await rm(each, { recursive: true, force: true });
      }
      for (const folder of caches) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function planVectors(
  { vectors }: ImageSearchConfig,
  store: VectorStore,
  projectFolder: string,
): Promise<PurgePlan & { isShared: boolean }> {
  const file = vectors.store === 'embedded' ? path.resolve(projectFolder, vectors.path) : null;
  const files = file === null ? [] : await filesOf(file);
  if (file !== null && files.length === 0) {
    return { isShared: false, targets: [], run: () => store.dispose() };
  }
  const spaces = await store.listSpaces();
  const { message, others } = await store.checkHealth();
  if (others === null) {
    throw new ImageSearchError({ code: 'store-unavailable', message, retryable: true });
  }
  const dropAll = async (): Promise<void> => {
    for (const { id } of spaces) await store.dropSpace(id);
    await store.dispose();
  };
  if (file !== null && others.length === 0) {
    return {
      isShared: false,
      targets: [`the vector file ${file}, and the words and previews beside it`],
      async run() {
        await dropAll();
        for (const each of await filesOf(file)) await rm(each, { force: true });
      },
    };
  }
  return {
    isShared: file !== null,
    targets: spaces.map(
      ({ id, model }) => `the vectors of ${model} (${id}) in ${file ?? storeNames[vectors.store]}`,
    ),
    run: dropAll,
  };
}

const storeNames = { embedded: 'a file', qdrant: 'Qdrant', postgres: 'PostgreSQL' };

/** The file, its journals, and damaged ones that were set aside. */
async function filesOf(file: string): Promise<string[]> {
  const folder = path.dirname(file);
  if (!existsSync(folder)) return [];
  const name = path.basename(file);
  const isOwn = (each: string): boolean =>
    [name, `${name}-wal`, `${name}-shm`].includes(each) || each.startsWith(`${name}.damaged-`);
  return (await readdir(folder)).filter(isOwn).map((each) => path.join(folder, each));
}

function cacheFoldersOf({ embedding: configured }: ImageSearchConfig, projectFolder: string) {
  const { embedding, fallback } = splitFallback(configured);
  const folders = [embedding, fallback].flatMap((model) =>
    model?.provider === 'clip' ? [path.resolve(projectFolder, model.cacheFolder)] : [],
  );
  return [...new Set(folders)].filter((folder) => existsSync(folder));
}
