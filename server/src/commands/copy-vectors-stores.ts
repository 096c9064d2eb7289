import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseConfig } from '../../../plugin/src/config';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import type { VectorStore } from '../../../plugin/src/vectors/contract';
import { openVectorStore, type VectorsConfig } from '../../../plugin/src/vectors/registry';
import { UsageError, type CopyVectorsOptions, type StoreKind } from './copy-vectors-options';
import { readPluginConfig } from './project';

export interface OpenedStores {
  source: VectorStore;
  target: VectorStore;
  /** The kind of store that config/plugins names. */
  configured: string;
}

/**
 * Opens both stores: the one that config/plugins names with its settings there, the other one with those of the
 * command line and the environment. Fails with a UsageError, `config-invalid` or `invalid-input`.
 */
export function openStores(
  options: CopyVectorsOptions,
  { projectFolder, onLoss }: { projectFolder: string; onLoss: () => void },
): OpenedStores {
  const { vectors } = parseConfig({ vectors: readPluginConfig(projectFolder).vectors });
  const settingsOf = (kind: StoreKind): VectorsConfig =>
    kind === vectors.store ? configured(vectors, options) : fromOptions(kind, options);
  const [source, target] = [settingsOf(options.from), settingsOf(options.to)];
  assertExists(source, projectFolder);
  const open = (settings: VectorsConfig): VectorStore =>
    openVectorStore(settings, { projectFolder, logger: terminal, onLoss });
  return { source: open(source), target: open(target), configured: vectors.store };
}

/** What the command line can say of each kind of store. */
const optionsOf: Record<StoreKind, readonly ('path' | 'url' | 'collectionPrefix')[]> = {
  embedded: ['path'],
  qdrant: ['url', 'collectionPrefix'],
};

function configured(vectors: VectorsConfig, options: CopyVectorsOptions): VectorsConfig {
  const needless = optionsOf[vectors.store].find((name) => options[name] !== undefined);
  if (needless === undefined) return vectors;
  throw new UsageError(
    `config/plugins names the store "${vectors.store}", whose settings are taken from there: leave out ` +
      `--${needless === 'collectionPrefix' ? 'collection-prefix' : needless}, or change it there.`,
  );
}

function fromOptions(kind: StoreKind, options: CopyVectorsOptions): VectorsConfig {
  const { path: file, collectionPrefix } = options;
  const { QDRANT_URL, QDRANT_API_KEY } = process.env;
  if (kind === 'embedded') return parseSettings({ store: kind, path: file });
  const url = options.url ?? QDRANT_URL;
  if (!url) throw new UsageError('The address of Qdrant is missing: --url or QDRANT_URL.');
  return parseSettings({ store: kind, url, apiKey: QDRANT_API_KEY, collectionPrefix });
}

function parseSettings(settings: Record<string, unknown>): VectorsConfig {
  return parseConfig({ vectors: withoutUndefined(settings) }).vectors;
}

function withoutUndefined(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** The embedded store would make a file that is missing, and an empty one is nothing to copy. */
function assertExists(source: VectorsConfig, projectFolder: string): void {
  if (source.store !== 'embedded') return;
  const file = path.resolve(projectFolder, source.path);
  if (existsSync(file)) return;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `There is no vector file ${file}: name the right one with --path, or as vectors.path in config/plugins.`,
    retryable: false,
  });
}

const terminal: Logger = {
  debug: () => undefined,
  info: (message) => {
    console.error(message);
  },
  warn: (message) => {
    console.error(message);
  },
  error: (message) => {
    console.error(message);
  },
};
