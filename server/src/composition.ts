import type { Core } from '@strapi/strapi';
import type { ActiveSpace } from '../../plugin/src/active-space';
import { Budget } from '../../plugin/src/billing/budget';
import { UsageMeter } from '../../plugin/src/billing/usage-meter';
import { systemClock } from '../../plugin/src/clock';
import { parseConfig, type ImageSearchConfig } from '../../plugin/src/config';
import type { EmbeddingIdentity } from '../../plugin/src/embedding/contract';
import type { TestResponse } from '../../plugin/src/contracts/management';
import {
  createPictureCheck,
  type DuplicatePairs,
  type PictureCheck,
} from '../../plugin/src/duplicates/contract';
import { identityOf, reopenConfig } from '../../plugin/src/embedding/reopening';
import { isLocalProvider, splitFallback } from '../../plugin/src/embedding/registry';
import type { IndexEntries } from '../../plugin/src/indexing/contract';
import { currentOwner } from '../../plugin/src/indexing/lease';
import type { Logger } from '../../plugin/src/logger';
import { createGuardedFetch } from '../../plugin/src/network/guarded-fetch';
import { createQueryFetch } from '../../plugin/src/network/query-fetch';
import { SearchEngine } from '../../plugin/src/search/engine';
import { Spaces } from '../../plugin/src/spaces/spaces';
import { openVectorStore } from '../../plugin/src/vectors/registry';
import { createAssetSource } from './assets/asset-source';
import { createBilling, type Billing } from './billing';
import {
  configuredModels,
  createQueryEmbedder,
  createQueryUrls,
  createWorkerSettings,
  openMetered,
} from './configured-adapters';
import { testHealth } from './health-test';
import type { InputLimits } from './http/search-input';
import { createDuplicateDetection, type DuplicateDetection } from './duplicate-detection';
import { createFileIndex, type FileIndex } from './file-index';
import { createFileMerging, type FileMerging } from './merging/merging';
import { PLUGIN_ID } from './plugin-id';
import { prefixedLogger } from './prefixed-logger';
import { createDuplicatePairs } from './repositories/duplicate-pairs';
import { createDuplicateScans } from './repositories/duplicate-scans';
import { assignEntries, createIndexEntries } from './repositories/index-entries';
import { createIndexingHolds, type IndexingHolds } from './repositories/indexing-hold';
import { createJobLeases } from './repositories/job-leases';
import { countMissingPictures } from './repositories/missing-pictures';
import { createPictureTraces } from './repositories/picture-traces';
import { createSpaceRecords } from './repositories/space-records';
import { createUsageRecords } from './repositories/usage-records';
import { createReindexing, type Reindexing } from './reindexing';
import { mutedBy, shutDown } from './shutdown';
import { createSpaceTrack } from './space-track';
import { createStatus, type Status } from './status';
import { subscribeToUploads } from './subscribers/upload';

const SECOND_MS = 1_000;
/** An upload is answered before its picture is read, and several uploads at a time become one batch. */
const SETTLE_MS = 100;

/** The running product inside one Strapi. */
export interface ImageSearch extends Reindexing {
  /** The space that answers. */
  readonly activeSpace: Pick<ActiveSpace, 'get'>;
  readonly spaces: Spaces;
  readonly engine: SearchEngine;
  readonly status: Status;
  readonly billing: Billing;
  readonly holds: IndexingHolds;
  readonly fileIndex: FileIndex;
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
  const pairs = createDuplicatePairs(strapi, logger);
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
  const traces = createPictureTraces(strapi, logger);
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
  const embedder = createQueryEmbedder(config);
  const engine = new SearchEngine({
    spaces,
    logger,
    embedder,
    urls: config.search.urls.enabled ? createQueryUrls(config, queryFetch) : null,
    closeScore: config.search.closeScore,
  });
  const isEnabled = config.indexing.enabled;
  const billing = createBilling({
    ...{ ...billed, spaces, assets, budget, clock },
    entriesOf: (spaceId) => entriesOf(() => spaceId),
    countMissing: (spaceId) => countMissingPictures(strapi, spaceId),
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
  const reindexing = createReindexing({
    spaces,
    assets,
    entriesOf: (spaceId) => entriesOf(() => spaceId),
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
    fileIndex: createFileIndex({ spaces, assets, holds }),
    merging: createFileMerging({ strapi, logger, pairs }),
    pairs,
    duplicates,
    check: createPictureCheck({
      finder: duplicates.finder,
      read: (...picture) => embedder.readPicture(...picture),
      embed: async (picture, signal) => {
        const { space, vector } = await engine.embed({ kind: 'image', ...picture }, signal);
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

    ...reindexing,

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
        removePairs: (fileIds) => {
          duplicates.removePairs(fileIds);
        },
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
