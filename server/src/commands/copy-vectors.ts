import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parseConfig } from '../../../plugin/src/config';
import { ImageSearchError, toImageSearchError } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import type { VectorStore } from '../../../plugin/src/vectors/contract';
import { copyVectors, type CopyProgress } from '../../../plugin/src/vectors/copy';
import { openVectorStore, type VectorsConfig } from '../../../plugin/src/vectors/registry';
import { ExitCode, usage, UsageError } from './command-line';
import { ProgressReport } from './progress-report';

/** Runs the command, reports its result on the terminal and returns the exit code. */
export async function runCopyVectors(
  given: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  try {
    const options = parseCopyVectorsOptions(given);
    if (options === null) console.log(usage);
    else await copyBetweenStores(options, signal);
    return ExitCode.done;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return ExitCode.wrongUsage;
    }
    if (!(error instanceof ImageSearchError)) throw error;
    console.error(error.message);
    if (!signal.aborted) return ExitCode.failed;
    console.error('Interrupted. Run the same command again to continue.');
    return ExitCode.interrupted;
  }
}

async function copyBetweenStores(options: CopyVectorsOptions, signal: AbortSignal): Promise<void> {
  const loss = new AbortController();
  const stores = await openStores(options, {
    projectFolder: process.cwd(),
    onLoss: () => {
      loss.abort();
    },
  });
  const report = new ProgressReport({
    isTerminal: process.stdout.isTTY,
    write: (text) => process.stdout.write(text),
    now: () => performance.now(),
  });
  try {
    await assertHealthy(stores.source, options.from);
    await assertHealthy(stores.target, options.to);
    const results = await copyVectors({
      source: stores.source,
      target: stores.target,
      spaceId: options.space,
      removeExtra: options.removeExtra,
      onProgress: (progress) => {
        report.update(progress);
      },
      signal: AbortSignal.any([signal, loss.signal]),
    });
    report.end();
    throwIfLost(loss.signal);
    conclude(results, options, stores.configured);
  } catch (error) {
    report.end();
    throwIfLost(loss.signal);
    throw error;
  } finally {
    await Promise.all([stores.source.dispose(), stores.target.dispose()]);
  }
}

async function assertHealthy(store: VectorStore, name: string): Promise<void> {
  const { ok, message } = await store.checkHealth();
  if (ok) return;
  throw new ImageSearchError({
    code: 'store-unavailable',
    message: `The store "${name}" isn't responding: ${message}`,
    retryable: true,
  });
}

/** A damaged store that was just set aside looks empty. */
function throwIfLost(loss: AbortSignal): void {
  if (!loss.aborted) return;
  throw new ImageSearchError({
    code: 'store-unavailable',
    message: 'The vector file is damaged (see above). Copying stopped; nothing was removed.',
    retryable: false,
  });
}

function conclude(
  results: readonly CopyProgress[],
  { from, to, removeExtra }: CopyVectorsOptions,
  configured: string,
): void {
  if (results.length === 0) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: `The store "${from}" has no vectors. Check its path, URL, schema or collection prefix.`,
      retryable: false,
    });
  }
  const extra = results.reduce((sum, result) => sum + result.extra, 0);
  if (extra > 0) {
    console.log(
      removeExtra
        ? `Removed ${extra.toLocaleString('en')} vectors that only "${to}" had.`
        : `${extra.toLocaleString('en')} vectors are only in "${to}"; --remove-extra removes them.`,
    );
  }
  console.log(`All vectors of "${from}" are now in "${to}".`);
  if (configured === from) {
    console.log(`Set vectors.store to "${to}" in config/plugins and restart Strapi to use them.`);
  }
}

interface OpenedStores {
  source: VectorStore;
  target: VectorStore;
  /** The store that config/plugins uses. */
  configured: string;
}

/**
 * Opens both stores: the one named in config/plugins with its settings there, the other one with those of the command
 * line and the environment.
 *
 * @throws UsageError, or ImageSearchError `config-invalid` or `invalid-input`
 */
async function openStores(
  options: CopyVectorsOptions,
  { projectFolder, onLoss }: { projectFolder: string; onLoss: () => void },
): Promise<OpenedStores> {
  // Strapi takes a second to load: a mistyped option is reported before that.
  const { readDatabase, readPluginConfig } = await import('./project');
  const { vectors } = parseConfig({ vectors: readPluginConfig(projectFolder).vectors });
  rejectNeedless(options, vectors.store);
  const settingsOf = (kind: StoreKind): VectorsConfig =>
    kind === vectors.store ? vectors : fromOptions(kind, options);
  const [source, target] = [settingsOf(options.from), settingsOf(options.to)];
  assertExists(source, projectFolder);
  // Stores may be shared: only this project's vectors are read and written.
  const { hostDatabase, identity } = await readDatabase(projectFolder).catch((error: unknown) => {
    throw toImageSearchError(error);
  });
  const open = (settings: VectorsConfig): VectorStore =>
    openVectorStore(settings, {
      projectFolder,
      hostDatabase,
      logger: terminal,
      database: () => Promise.resolve(identity),
      isCommand: true,
      onLoss,
    });
  return { source: open(source), target: open(target), configured: vectors.store };
}

/** The options of each kind of store, as on the command line. */
const optionsOf = {
  embedded: { path: '--path' },
  postgres: { schema: '--schema' },
  qdrant: { url: '--url', collectionPrefix: '--collection-prefix' },
} as const satisfies Record<StoreKind, Partial<Record<keyof CopyVectorsOptions, string>>>;

/** @throws UsageError for an option of a store that isn't copied, or whose settings are in config/plugins */
function rejectNeedless(options: CopyVectorsOptions, configured: StoreKind): void {
  for (const kind of storeKinds) {
    const isCopied = kind === options.from || kind === options.to;
    if (isCopied && kind !== configured) continue;
    const names = Object.entries<string>(optionsOf[kind]);
    const given = names.find(([name]) => options[name as keyof CopyVectorsOptions] !== undefined);
    if (given === undefined) continue;
    throw new UsageError(
      isCopied
        ? `The store "${kind}" is configured in config/plugins: omit ${given[1]} or change it there.`
        : `${given[1]} is an option of the store "${kind}", which isn't copied: omit it.`,
    );
  }
}

/** Secrets come from the environment, because other users of a machine can read command lines. */
function fromOptions(kind: StoreKind, options: CopyVectorsOptions): VectorsConfig {
  const { collectionPrefix, path: file, schema } = options;
  const { IMAGE_SEARCH_POSTGRES_URL, QDRANT_URL, QDRANT_API_KEY } = process.env;
  if (kind === 'embedded') return parseSettings({ store: kind, path: file });
  if (kind === 'postgres') {
    return parseSettings({ store: kind, url: IMAGE_SEARCH_POSTGRES_URL, schema });
  }
  const url = options.url ?? QDRANT_URL;
  if (!url) throw new UsageError('The URL of Qdrant is missing: set --url or QDRANT_URL.');
  return parseSettings({ store: kind, url, apiKey: QDRANT_API_KEY, collectionPrefix });
}

function parseSettings(settings: Record<string, unknown>): VectorsConfig {
  return parseConfig({ vectors: withoutUndefined(settings) }).vectors;
}

function withoutUndefined(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** The embedded store would create a missing file, and there is nothing to copy from an empty one. */
function assertExists(source: VectorsConfig, projectFolder: string): void {
  if (source.store !== 'embedded') return;
  const file = path.resolve(projectFolder, source.path);
  if (existsSync(file)) return;
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `Vector file not found: ${file}. Set --path, or vectors.path in config/plugins.`,
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

const storeKinds = ['embedded', 'postgres', 'qdrant'] as const;

type StoreKind = (typeof storeKinds)[number];

interface CopyVectorsOptions {
  from: StoreKind;
  to: StoreKind;
  path: string | undefined;
  url: string | undefined;
  collectionPrefix: string | undefined;
  schema: string | undefined;
  space: string | undefined;
  removeExtra: boolean;
}

/**
 * Parses the command line; null if help was requested.
 *
 * @throws UsageError
 */
function parseCopyVectorsOptions(given: readonly string[]): CopyVectorsOptions | null {
  const values = readOptions(given);
  if (values.help) return null;
  const from = toStoreKind('--from', values.from);
  const to = toStoreKind('--to', values.to);
  if (from === to) {
    throw new UsageError(`--from and --to are both "${from}". Choose two different stores.`);
  }
  return {
    from,
    to,
    path: values.path,
    url: values.url,
    collectionPrefix: values['collection-prefix'],
    schema: values.schema,
    space: values.space,
    removeExtra: values['remove-extra'] ?? false,
  };
}

function readOptions(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        path: { type: 'string' },
        url: { type: 'string' },
        'collection-prefix': { type: 'string' },
        schema: { type: 'string' },
        space: { type: 'string' },
        'remove-extra': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message);
  }
}

function toStoreKind(option: string, value: string | undefined): StoreKind {
  const kind = storeKinds.find((candidate) => candidate === value);
  if (kind !== undefined) return kind;
  const problem = value === undefined ? 'is missing' : `can't be "${value}"`;
  throw new UsageError(`${option} ${problem}; it is one of ${storeKinds.join(', ')}.`);
}
