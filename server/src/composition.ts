import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { createActiveSpace, type ActiveSpace } from '../../plugin/src/active-space';
import { systemClock } from '../../plugin/src/clock';
import { parseConfig, type ImageSearchConfig } from '../../plugin/src/config';
import type { ReindexScope } from '../../plugin/src/contracts/management';
import { openEmbeddingProvider } from '../../plugin/src/embedding/registry';
import { createPictureReader } from '../../plugin/src/images/picture-reader';
import type { IndexEntries } from '../../plugin/src/indexing/contract';
import { currentOwner } from '../../plugin/src/indexing/lease';
import { ReconcileSchedule } from '../../plugin/src/indexing/reconcile-schedule';
import { IndexingWorker } from '../../plugin/src/indexing/worker';
import type { Logger } from '../../plugin/src/logger';
import { createGuardedFetch } from '../../plugin/src/network/guarded-fetch';
import { SearchEngine } from '../../plugin/src/search/engine';
import { QueryEmbedder } from '../../plugin/src/search/query-embedder';
import { createEmbeddedStore } from '../../plugin/src/vectors/embedded';
import type { VectorStore } from '../../plugin/src/vectors/contract';
import { createAssetSource } from './assets/asset-source';
import type { InputLimits } from './http/search-input';
import { PLUGIN_ID } from './plugin-id';
import { createIndexEntries } from './repositories/index-entries';
import { mutedBy, shutDown } from './shutdown';
import { createStatus, type Status } from './status';
import { subscribeToUploads } from './subscribers/upload';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** A provider or store that could not be opened is tried again after this time. */
const REOPEN_AFTER_MS = 15 * SECOND_MS;
/** An upload is answered before its picture is read, and several uploads at a time become one batch. */
const SETTLE_MS = 100;

/** The running product inside one Strapi. */
export interface ImageSearch {
  readonly activeSpace: ActiveSpace;
  readonly engine: SearchEngine;
  readonly entries: IndexEntries;
  readonly status: Status;
  readonly inputLimits: InputLimits;
  /** What the HTTP faces need to be set up. */
  readonly http: { logger: Logger; requestsPerMinute: number };
  /** Answers how many files were put into the queue. */
  reindex(scope: ReindexScope): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

/** Builds every adapter; nothing else in the product does. Opens nothing before `start` or the first search. */
export function createImageSearch(strapi: Core.Strapi): ImageSearch {
  const config = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
  const ended = new AbortController();
  const logger = mutedBy(ended.signal, prefixedLogger(strapi));
  const clock = systemClock;
  const projectFolder = strapi.dirs.app.root;
  let preparation: string | null = null;

  const store = createVectorStore({
    config,
    projectFolder,
    logger,
    onLoss: () => {
      void schedule.runAgain();
    },
  });
  const activeSpace = createActiveSpace({
    openProvider: () =>
      openEmbeddingProvider(config.embedding, {
        logger,
        projectFolder,
        onProgress: (progress) => {
          preparation = progress;
        },
      }),
    store,
    clock,
    retryAfterMs: REOPEN_AFTER_MS,
  });
  const entries = createIndexEntries(strapi, { spaceId: () => '' });
  const remote = createGuardedFetch({ allowedHosts: config.indexing.allowedHosts });
  const assets = createAssetSource({
    strapi,
    remote,
    readTimeoutMs: config.indexing.readTimeoutSeconds * SECOND_MS,
  });
  const worker = createWorker({ config, entries, assets, activeSpace, logger, clock });
  const schedule = new ReconcileSchedule({
    assets,
    entries,
    activeSpace,
    everyMinutes: config.indexing.reconcileMinutes,
    onMarked: () => {
      worker.wake();
    },
    logger,
    clock,
  });
  const engine = new SearchEngine({ activeSpace, embedder: createQueryEmbedder(config) });
  const isEnabled = config.indexing.enabled;
  const status = createStatus({
    activeSpace,
    assets,
    entries,
    store,
    worker,
    schedule,
    isEnabled,
    preparation: () => preparation,
    clock,
  });
  let unsubscribe: (() => void) | null = null;
  let wakeSoon: NodeJS.Timeout | null = null;

  return {
    activeSpace,
    engine,
    entries,
    status,
    inputLimits: config.search,
    http: { logger, requestsPerMinute: config.search.requestsPerMinute },

    async reindex(scope) {
      // Who asks may have mended something: what waits after a failure waits no longer.
      activeSpace.retryNow();
      const marked = await markScope(scope, { entries, schedule });
      await entries.makeDue();
      worker.retryNow();
      return marked;
    },

    start() {
      unsubscribe = subscribeToUploads({
        strapi,
        logger,
        markPending: async (fileIds) => {
          await entries.markPending(fileIds);
          wakeSoon ??= setTimeout(() => {
            wakeSoon = null;
            worker.wake();
          }, SETTLE_MS).unref();
        },
      });
      if (!isEnabled) return;
      worker.start();
      schedule.start();
    },

    async stop() {
      unsubscribe?.();
      if (wakeSoon) clearTimeout(wakeSoon);
      await shutDown({ worker, schedule, activeSpace, store, remote, logger, clock });
      ended.abort();
    },
  };
}

async function markScope(
  scope: ReindexScope,
  { entries, schedule }: { entries: IndexEntries; schedule: ReconcileSchedule },
): Promise<number> {
  switch (scope) {
    case 'missing':
      return (await schedule.runNow()).marked;
    case 'failed':
      return entries.markStatesPending(['failed']);
    case 'all': {
      const known = await entries.markStatesPending(['indexed', 'skipped', 'failed']);
      return known + (await schedule.runNow()).marked;
    }
  }
}

function createVectorStore(options: {
  config: ImageSearchConfig;
  projectFolder: string;
  logger: Logger;
  onLoss: () => void;
}): VectorStore {
  const { vectors } = options.config;
  return createEmbeddedStore({
    file: path.resolve(options.projectFolder, vectors.path),
    prefilterFrom: vectors.prefilterFrom,
    logger: options.logger,
    onLoss: options.onLoss,
  });
}

function createWorker(
  options: Pick<
    ConstructorParameters<typeof IndexingWorker>[0],
    'entries' | 'assets' | 'activeSpace' | 'logger' | 'clock'
  > & { config: ImageSearchConfig },
): IndexingWorker {
  const { config, ...parts } = options;
  const { indexing } = config;
  return new IndexingWorker({
    ...parts,
    pictures: createPictureReader({
      maxBytes: indexing.maxBytes,
      maxPixels: indexing.maxPixels,
      timeoutMs: indexing.decodeTimeoutSeconds * SECOND_MS,
    }),
    policy: {
      maxAttempts: indexing.maxAttempts,
      firstRetryMs: indexing.firstRetrySeconds * SECOND_MS,
      longestRetryMs: indexing.longestRetrySeconds * SECOND_MS,
    },
    concurrency: indexing.concurrency,
    leaseMs: indexing.leaseSeconds * SECOND_MS,
    maxBytes: indexing.maxBytes,
    owner: currentOwner(),
    random: Math.random,
  });
}

function createQueryEmbedder({ search }: ImageSearchConfig): QueryEmbedder {
  return new QueryEmbedder({
    pictures: createPictureReader({
      maxBytes: search.maxImageBytes,
      maxPixels: search.maxPixels,
      timeoutMs: search.decodeTimeoutSeconds * SECOND_MS,
    }),
    cacheEntries: search.queryCacheEntries,
    cacheMs: search.queryCacheMinutes * MINUTE_MS,
  });
}

function prefixedLogger({ log }: Core.Strapi): Logger {
  const say = (message: string): string => `[${PLUGIN_ID}] ${message}`;
  return {
    debug: (message) => void log.debug(say(message)),
    info: (message) => void log.info(say(message)),
    warn: (message) => void log.warn(say(message)),
    error: (message) => void log.error(say(message)),
  };
}
