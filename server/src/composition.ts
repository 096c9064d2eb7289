import type { Core } from '@strapi/strapi';
import type { ActiveSpace } from '../../plugin/src/active-space';
import { Budget } from '../../plugin/src/billing/budget';
import { figuresOf, meterProvider } from '../../plugin/src/billing/metered-provider';
import { UsageMeter } from '../../plugin/src/billing/usage-meter';
import { systemClock, type Clock } from '../../plugin/src/clock';
import { parseConfig, type ImageSearchConfig } from '../../plugin/src/config';
import {
  isSameIdentity,
  type EmbeddingIdentity,
  type EmbeddingProvider,
  type ProviderContext,
} from '../../plugin/src/embedding/contract';
import type { ReindexScope, TestResponse } from '../../plugin/src/contracts/management';
import {
  createPictureCheck,
  type DuplicatePairs,
  type PictureCheck,
} from '../../plugin/src/duplicates/contract';
import { identityOf, reopenConfig } from '../../plugin/src/embedding/reopening';
import {
  isLocalProvider,
  openEmbeddingProvider,
  splitFallback,
  type EmbeddingConfig,
} from '../../plugin/src/embedding/registry';
import type { PictureReader } from '../../plugin/src/images/contract';
import { createPictureReader } from '../../plugin/src/images/picture-reader';
import { ImageSearchError } from '../../plugin/src/errors';
import type { IndexEntries, IndexState } from '../../plugin/src/indexing/contract';
import { currentOwner } from '../../plugin/src/indexing/lease';
import type { Logger } from '../../plugin/src/logger';
import { createGuardedFetch } from '../../plugin/src/network/guarded-fetch';
import type { GuardedFetch } from '../../plugin/src/network/contract';
import { createQueryFetch } from '../../plugin/src/network/query-fetch';
import { SearchEngine } from '../../plugin/src/search/engine';
import { QueryEmbedder } from '../../plugin/src/search/query-embedder';
import { QueryUrls } from '../../plugin/src/search/query-urls';
import { Spaces } from '../../plugin/src/spaces/spaces';
import { openVectorStore } from '../../plugin/src/vectors/registry';
import { createAssetSource } from './assets/asset-source';
import { createBilling, type Billing } from './billing';
import { testHealth } from './health-test';
import type { InputLimits } from './http/search-input';
import { createDuplicateDetection, type DuplicateDetection } from './duplicate-detection';
import { createFileMerging, type FileMerging } from './merging/merging';
import { PLUGIN_ID } from './plugin-id';
import { createDuplicatePairs } from './repositories/duplicate-pairs';
import { createDuplicateScans } from './repositories/duplicate-scans';
import { assignEntries, createIndexEntries } from './repositories/index-entries';
import { createIndexingHolds, type IndexingHolds } from './repositories/indexing-hold';
import { createJobLeases } from './repositories/job-leases';
import { createPictureTraces } from './repositories/picture-traces';
import { createSpaceRecords } from './repositories/space-records';
import { createUsageRecords } from './repositories/usage-records';
import { mutedBy, shutDown } from './shutdown';
import { createSpaceTrack, type SpaceTrackParts } from './space-track';
import { createStatus, type Status } from './status';
import { subscribeToUploads } from './subscribers/upload';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** An upload is answered before its picture is read, and several uploads at a time become one batch. */
const SETTLE_MS = 100;

/** The running product inside one Strapi. */
export interface ImageSearch {
  /** The space that answers. */
  readonly activeSpace: Pick<ActiveSpace, 'get'>;
  readonly spaces: Spaces;
  readonly engine: SearchEngine;
  readonly status: Status;
  readonly billing: Billing;
  readonly holds: IndexingHolds;
  readonly merging: FileMerging;
  readonly pairs: DuplicatePairs;
  readonly duplicates: DuplicateDetection;
  readonly check: PictureCheck;
  /** Whether uploaders are to be told of duplicates. */
  readonly warnsUploaders: boolean;
  readonly inputLimits: InputLimits;
  /** What the panel is told of the configuration. */
  readonly panel: ImageSearchConfig['panel'];
  /** What the HTTP faces need to be set up. */
  readonly http: { logger: Logger; requestsPerMinute: number };
  /** The queue of a space; by default of the one that answers. Fails with `invalid-input` for an unknown one. */
  entriesOf(spaceId?: string): Promise<IndexEntries>;
  /** Answers how many files were put into the queue. */
  reindex(scope: ReindexScope): Promise<number>;
  /** The same of these files alone; fails with `file-not-found` when one is no picture of the library. */
  reindexFiles(fileIds: readonly number[]): Promise<number>;
  /** Whether provider and store do their work now. */
  testHealth(): Promise<TestResponse['data']>;
  /** Deletes a space that is no longer used, with its vectors and its queue; fails as `Spaces.forget` does. */
  dropSpace(spaceId: string): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Builds every adapter; nothing else in the product does. Opens nothing before `start` or the first search. */
export function createImageSearch(strapi: Core.Strapi): ImageSearch {
  const config = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
  const { embedding, fallback } = splitFallback(config.embedding);
  const ended = new AbortController();
  const logger = mutedBy(ended.signal, prefixedLogger(strapi));
  const clock = systemClock;
  const projectFolder = strapi.dirs.app.root;
  const store = openVectorStore(config.vectors, {
    projectFolder,
    logger,
    onLoss: () => {
      void refill();
    },
    isInUse: async (spaceId) => (await records.list()).some(({ space }) => space.id === spaceId),
  });
  const remote = createGuardedFetch({ allowedHosts: config.indexing.allowedHosts });
  const queryFetch = createQueryFetch(config.search.urls);
  const assets = createAssetSource({
    strapi,
    remote,
    readTimeoutMs: config.indexing.readTimeoutSeconds * SECOND_MS,
  });
  const preparations = new Map<EmbeddingIdentity, string | null>();
  const entriesOf = (spaceId: () => string): IndexEntries =>
    createIndexEntries(strapi, { spaceId });
  const records = createSpaceRecords(strapi);
  const pairs = createDuplicatePairs(strapi);
  const usageRecords = createUsageRecords(strapi);
  const meter = new UsageMeter({ records: usageRecords, logger, clock });
  const billed = {
    records: usageRecords,
    meter,
    settings: config.budget,
    isLocal: isLocalProvider,
  };
  const budget = new Budget({ ...billed, logger, clock });
  /** What is marked here is embedded by whichever process indexes. */
  const refill = async (): Promise<void> => {
    const tracks = new Set([...spaces.running(), await spaces.answering()]);
    await Promise.all([...tracks].map((track) => track.reconcileAgain()));
  };
  const holds = createIndexingHolds(strapi);
  const traces = createPictureTraces(strapi);
  const duplicates = createDuplicateDetection({
    policy: config.duplicates.policy,
    pairs,
    ...{ traces, records, store, logger, clock },
    scans: createDuplicateScans(strapi),
    jobs: createJobLeases(strapi),
    isIndexing: () => spaces.running().some((track) => track.workerStatus().state === 'working'),
    leaseMs: config.indexing.leaseSeconds * SECOND_MS,
    owner: currentOwner(),
  });
  const workerSettings = {
    ...createWorkerSettings(config),
    ...{ traces, duplicates: duplicates.watch },
    isHeld: async () => (await holds.current()) !== null,
  };
  const spaces = new Spaces({
    records,
    configured: identityOf(embedding),
    fallback: fallback && identityOf(fallback),
    entriesOf: (spaceId) => entriesOf(() => spaceId),
    assign: (from, to) =>
      assignEntries(
        entriesOf(() => from),
        entriesOf(() => to),
      ),
    createTrack: (options) =>
      createSpaceTrack(options, {
        openProvider: () =>
          openMetered(reopenConfig(options.identity, configuredModels(config)), {
            ...{ logger, projectFolder, meter, clock },
            onProgress: (progress) => preparations.set(options.identity, progress),
          }),
        entriesOf,
        store,
        assets,
        worker: {
          ...workerSettings,
          budget: isLocalProvider(options.identity.provider) ? undefined : budget,
        },
        jobs: createJobLeases(strapi),
        bootedAt: strapi.config.get<number>('launchedAt'),
        reconcileMinutes: config.indexing.reconcileMinutes,
        logger,
        clock,
      }),
    logger,
    clock,
  });
  const engine = new SearchEngine({
    spaces,
    logger,
    embedder: createQueryEmbedder(config),
    urls: config.search.urls.enabled ? createQueryUrls(config, queryFetch) : null,
    closeScore: config.search.closeScore,
  });
  const isEnabled = config.indexing.enabled;
  const billing = createBilling({
    ...{ ...billed, spaces, assets, budget, clock },
    entriesOf: (spaceId) => entriesOf(() => spaceId),
    requestsPerMinuteOf: (identity) => requestsPerMinuteOf(identity, config),
  });
  const status = createStatus({
    spaces,
    records,
    entriesOf: (spaceId) => entriesOf(() => spaceId),
    assets,
    store,
    holds,
    isEnabled,
    billing,
    preparation: () => [...preparations.values()].find((progress) => progress !== null) ?? null,
    clock,
  });
  let unsubscribe: (() => void) | null = null;
  let wakeSoon: NodeJS.Timeout | null = null;

  return {
    activeSpace: spaces,
    spaces,
    engine,
    status,
    billing,
    holds,
    merging: createFileMerging({ strapi, logger, pairs }),
    pairs,
    duplicates,
    check: createPictureCheck({
      pictures: createQueryPictures(config),
      finder: duplicates.finder,
      embed: async (bytes, signal) => {
        const { space, vector } = await engine.embed({ kind: 'image', bytes }, signal);
        return space.id === (await spaces.answering()).spaceId() ? vector : null;
      },
    }),
    warnsUploaders: config.duplicates.policy === 'warn',
    inputLimits: config.search,
    panel: config.panel,
    http: { logger, requestsPerMinute: config.search.requestsPerMinute },

    async entriesOf(spaceId) {
      if (spaceId === undefined) return (await spaces.answering()).entries;
      await spaces.find(spaceId);
      return entriesOf(() => spaceId);
    },

    async reindex(scope) {
      // Who asks may have mended something: what waits after a failure waits no longer.
      spaces.retryNow();
      const tracks = new Set([await spaces.answering(), ...spaces.running()]);
      let marked = 0;
      // Another process may be the one that indexes: its queues are marked all the same.
      for (const spaceId of await spaces.liveSpaceIds()) {
        const entries = entriesOf(() => spaceId);
        marked += await entries.markStatesPending(statesOf(scope));
        await entries.makeDue();
      }
      if (scope !== 'failed') {
        for (const track of tracks) marked += (await track.reconcile()).marked;
      }
      spaces.retryNow();
      return marked;
    },

    async reindexFiles(fileIds) {
      const known = new Set((await assets.describeMany(fileIds)).map(({ fileId }) => fileId));
      const missing = fileIds.find((fileId) => !known.has(fileId));
      if (missing !== undefined) throw noPictureError(missing);
      await spaces.markPending(fileIds);
      spaces.retryNow();
      return known.size;
    },

    testHealth: () => testHealth({ spaces, store, clock }),

    async dropSpace(spaceId) {
      const known = await records.list();
      const isKnown = known.some(({ space }) => space.id === spaceId);
      const isStored = (await store.listSpaces()).some(({ id }) => id === spaceId);
      // A collection that no record names was left by a database that is gone.
      if (isKnown || !isStored) await spaces.forget(spaceId);
      await entriesOf(() => spaceId).clear();
      await store.dropSpace(spaceId);
    },

    start() {
      unsubscribe = subscribeToUploads({
        strapi,
        removePairs: (fileIds) => pairs.removeFiles(fileIds),
        logger,
        markPending: async (fileIds) => {
          await spaces.markPending(fileIds);
          wakeSoon ??= setTimeout(() => {
            wakeSoon = null;
            spaces.wake();
          }, SETTLE_MS).unref();
        },
      });
      spaces.start({ isIndexing: isEnabled });
      if (isEnabled) duplicates.start();
    },

    async stop() {
      unsubscribe?.();
      if (wakeSoon) clearTimeout(wakeSoon);
      const indexing = {
        stopIndexing: (graceMs: number) =>
          Promise.all([spaces.stopIndexing(graceMs), duplicates.stop()]),
        dispose: () => spaces.dispose(),
      };
      await shutDown({
        spaces: indexing,
        meter,
        store,
        remotes: [remote, queryFetch],
        logger,
        clock,
      });
      ended.abort();
    },
  };
}

/** Entries that are made due again, whatever the comparison of library and index finds. */
function statesOf(scope: ReindexScope): IndexState[] {
  switch (scope) {
    case 'missing':
      return [];
    case 'failed':
      return ['failed'];
    case 'all':
      return ['indexed', 'skipped', 'failed'];
  }
}

function noPictureError(fileId: number): ImageSearchError {
  return new ImageSearchError({
    code: 'file-not-found',
    message: `The file ${String(fileId)} is no picture of the Media Library.`,
    retryable: false,
  });
}

/** Every model that the configuration has settings for, the one that is to answer first. */
function configuredModels(config: ImageSearchConfig): EmbeddingConfig[] {
  const { embedding, fallback } = splitFallback(config.embedding);
  const { previousEmbedding } = config;
  return [embedding, previousEmbedding, fallback].filter((model) => model != null);
}

/** A provider whose work is counted. */
async function openMetered(
  config: EmbeddingConfig,
  {
    meter,
    clock,
    ...context
  }: Omit<ProviderContext, 'onUsage'> & { meter: UsageMeter; clock: Clock },
): Promise<EmbeddingProvider> {
  const opened: { provider?: EmbeddingProvider } = {};
  const provider = await openEmbeddingProvider(config, {
    ...context,
    onUsage: (usage) => {
      if (opened.provider) meter.count(opened.provider.space, figuresOf(usage));
    },
  });
  opened.provider = provider;
  return meterProvider(provider, { meter, isLocal: isLocalProvider(config.provider), clock });
}

function requestsPerMinuteOf(
  identity: EmbeddingIdentity,
  config: ImageSearchConfig,
): number | null {
  const models = configuredModels(config);
  const settings = models.find((model) => isSameIdentity(identityOf(model), identity));
  return settings && 'requestsPerMinute' in settings ? settings.requestsPerMinute : null;
}

function createWorkerSettings({
  indexing,
}: ImageSearchConfig): Omit<SpaceTrackParts['worker'], 'duplicates' | 'isHeld' | 'traces'> {
  return {
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
  };
}

function createQueryPictures({ search }: ImageSearchConfig): PictureReader {
  return createPictureReader({
    maxBytes: search.maxImageBytes,
    maxPixels: search.maxPixels,
    timeoutMs: search.decodeTimeoutSeconds * SECOND_MS,
  });
}

function createQueryEmbedder(config: ImageSearchConfig): QueryEmbedder {
  const { search } = config;
  return new QueryEmbedder({
    pictures: createQueryPictures(config),
    cacheEntries: search.queryCacheEntries,
    cacheMs: search.queryCacheMinutes * MINUTE_MS,
  });
}

function createQueryUrls({ search }: ImageSearchConfig, fetch: GuardedFetch): QueryUrls {
  return new QueryUrls({
    fetch,
    maxBytes: search.maxImageBytes,
    timeoutMs: search.urls.timeoutSeconds * SECOND_MS,
    atOnce: search.urls.concurrency,
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
