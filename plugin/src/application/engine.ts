import { Budget } from '../billing/budget';
import type { UsageRecords } from '../billing/contract';
import { figuresOf, meterProvider, UsageMeter } from '../billing/usage-meter';
import type { HealthRecord } from '../circuit-breaker';
import type { Clock } from '../clock';
import { viewLimitsOf, type ImageSearchConfig } from '../config';
import type {
  DuplicatePairs,
  DuplicateScans,
  ImageCheck,
  ImageTraces,
} from '../duplicates/contract';
import { readPartners } from '../duplicates/groups';
import { sameImageKinds } from '../matching/contract';
import { createImageCheck } from '../duplicates/image-check';
import { PixelWorker } from '../duplicates/pixel-worker';
import type { EmbeddingIdentity, EmbeddingProvider } from '../embedding/contract';
import {
  identityOf,
  isLocalProvider,
  openEmbeddingProvider,
  reopenConfig,
  splitFallback,
  type EmbeddingConfig,
} from '../embedding/registry';
import type { ImageTracer } from '../images/contract';
import type { PreviewCache } from '../images/preview-cache';
import { ratiosOfParts } from '../images/views';
import type { AssetSource, IndexEntries, IndexingHolds } from '../indexing/contract';
import { currentOwner, type JobLeases, type LeaseOwner } from '../lease';
import { OutageLog, type Logger } from '../logger';
import type { GuardedFetch } from '../network/contract';
import type { HostPauses } from '../network/host-breakers';
import { createQueryFetch } from '../network/guarded-fetch';
import type { ContentHashes } from '../search/current-vectors';
import type { Calibrations, ImageTags } from '../search/relevance/contract';
import { SearchEngine } from '../search/engine';
import type { SearchSpaces } from '../search/failover';
import { QueryEmbedder } from '../search/query-embedder';
import { QueryUrls } from '../search/query-urls';
import type { SpaceRecords } from '../spaces/contract';
import { SpaceManager } from '../spaces/space-manager';
import type { WordSource } from '../text/contract';
import type { DatabaseIdentity, VectorStore } from '../vectors/contract';
import { besideVectorFile, openVectorStore, type HostDatabase } from '../vectors/registry';
import { Calibrator } from './calibrator';
import {
  createCollectionOpener,
  createDuplicateDetection,
  type CollectionOpener,
  type DuplicateDetection,
} from './duplicate-detection';
import { createPreviewCache, FilePreviews } from './file-previews';
import { createFileStatus, type FileStatus } from './file-status';
import { createIndexManagement, type IndexManagement } from './index-management';
import { LibraryMap } from './library-map';
import {
  createLifecycle,
  type LibraryListener,
  type Lifecycle,
  type WordIndexing,
} from './lifecycle';
import { createIndexingReader, createQueryReader, hasReaderFor, missingReaderFor } from './readers';
import { createSpaceTrack, moveEntries, type SpaceTrackParts } from './space-track';
import { StoreWatch } from './store-watch';
import { createStatus, type Status } from './status';
import { traceRaster } from '../images/looks';
import { Tagger } from './tagger';
import { createTextRecognition, type TextRecognition } from './text-recognition';
import { UsageReport } from './usage-report';
import { announceTexts, createWords } from './words';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** How many further views a file may have, by what is known without reading it. */
export interface ViewRules {
  /** The ratios of long side to short side from which on an image has one more part each. */
  partRatios: readonly number[];
  /** Of an animation. */
  frames: number;
  /** Of a document. */
  pages: number;
  videoFrames: number;
}

/** Everything the engine keeps in the host's database. */
export interface Repositories {
  contentHashes: ContentHashes;
  /** Which database this is. */
  database(): Promise<DatabaseIdentity>;
  /** The queue of a space. `spaceId` is read on every call: a space is known only once its provider is open. */
  entriesOf(spaceId: () => string): IndexEntries;
  /** Counts images of the library that a space has neither indexed, skipped nor failed. */
  countMissingImages(spaceId: string): Promise<number>;
  /** How many views a file of the library has on average at most. */
  viewsPerFile(rules: ViewRules): Promise<number>;
  spaces: SpaceRecords;
  calibrations: Calibrations;
  tags: ImageTags;
  holds: IndexingHolds;
  jobs: JobLeases;
  traces: ImageTraces;
  pairs: DuplicatePairs;
  scans: DuplicateScans;
  usage: UsageRecords;
}

export interface EngineParts {
  config: ImageSearchConfig;
  repositories: Repositories;
  assets: AssetSource;
  wordSource: WordSource;
  /** What `assets` downloads with; `stop` disposes of it. */
  remote: Pick<GuardedFetch, 'dispose'> & HostPauses;
  /** Reports every change of the library until the returned function is called. */
  watchLibrary(listener: LibraryListener): () => void;
  /** Relative paths in the configuration start here. */
  projectFolder: string;
  /** How the host reaches its own database; null if that isn't PostgreSQL. */
  hostDatabase: HostDatabase;
  /** Whether a command has loaded the host, which serves nothing: then no damaged file is renamed. */
  isCommand: boolean;
  /** When this server started, in milliseconds since the epoch. */
  bootedAt: number;
  logger: Logger;
  clock: Clock;
}

/** Image search without a host: what a server offers over HTTP, and what it starts and stops. */
export interface Engine extends Lifecycle {
  readonly spaces: SpaceManager;
  readonly searchEngine: SearchEngine;
  /**
   * Searches one space, whichever is active, and even while it is filling.
   *
   * @throws ImageSearchError `invalid-input` for an unknown space
   */
  searchIn(spaceId: string): Promise<SearchEngine>;
  readonly index: IndexManagement;
  readonly status: Status;
  readonly fileStatus: FileStatus;
  readonly usageReport: UsageReport;
  /** Null when relevance isn't calibrated, as the next one. */
  readonly calibrator: Calibrator | null;
  readonly tagger: Tagger | null;
  readonly holds: IndexingHolds;
  readonly store: VectorStore;
  readonly pairs: DuplicatePairs;
  readonly duplicates: DuplicateDetection;
  readonly map: LibraryMap;
  readonly checkImage: ImageCheck;
  readonly previews: FilePreviews;
  /** For outages that others than indexing notice. */
  readonly outages: OutageLog;
}

/** With what the engine itself adds to them. */
type Parts = EngineParts & { trace: ImageTracer };

/** Builds every part of the engine. Opens nothing before `start` or the first search. */
export function createEngine(given: EngineParts): Engine {
  // Apart from the thread that compares duplicates, which may be busy for seconds.
  const tracer = new PixelWorker();
  // An image is indexed even if the thread doesn't work.
  const trace: ImageTracer = (raster) => tracer.trace(raster).catch(() => traceRaster(raster));
  const parts: Parts = { ...given, trace };
  const { assets, clock, config, logger, repositories } = parts;
  const { holds, pairs } = repositories;
  const entriesOf = (spaceId: string): IndexEntries => repositories.entriesOf(() => spaceId);
  const owner = currentOwner();
  const callbacks = new SpacesCallbacks();
  const store = openStore(parts, callbacks);
  const openCollection = createCollectionOpener(repositories.spaces, store);
  const duplicates = detectDuplicates(parts, { openCollection, callbacks, owner });
  const map = createLibraryMap(parts, openCollection);
  const meter = new UsageMeter({ records: repositories.usage, logger, clock });
  const budget = createBudget(parts, meter);
  const models = new Models(parts, meter);
  const outages = new OutageLog(logger);
  const words = createWords(parts);
  const previews = createPreviewCache(parts);
  const recognition = createTextRecognition(parts, {
    images: createIndexingReader(parts),
    words,
    isIndexing: () => callbacks.isIndexing(),
    owner,
  });
  const spaces = createSpaces(parts, {
    store,
    models,
    budget,
    duplicates,
    words,
    recognition,
    previews,
    outages,
    owner,
  });
  const storeWatch = new StoreWatch({ tracks: () => spaces.running(), logger, clock });
  callbacks.connect(spaces, storeWatch);
  const { calibrator, tagger } = createCalibration(parts, { spaces, budget, owner });
  const search = createSearch(parts, { spaces, words, calibrator });
  const usageReport = new UsageReport({
    spaces,
    entriesOf,
    countMissing: (spaceId) => repositories.countMissingImages(spaceId),
    viewsPerFile: (provider) => {
      const limits = viewLimitsOf(config, provider);
      return repositories.viewsPerFile({ ...limits, partRatios: ratiosOfParts(limits) });
    },
    assets,
    records: repositories.usage,
    meter,
    budget,
    settings: config.budget,
    isLocal: isLocalProvider,
    clock,
  });
  return {
    spaces,
    searchEngine: search.engine,
    searchIn: async (spaceId) => {
      const activeSpace = await spaces.openable(spaceId);
      return search.createEngine({ activeSpace: () => Promise.resolve(activeSpace) });
    },
    index: createIndexManagement({
      spaces,
      records: repositories.spaces,
      store,
      assets,
      entriesOf,
      words,
      calibrations: repositories.calibrations,
    }),
    status: createStatus({
      spaces,
      records: repositories.spaces,
      entriesOf,
      assets,
      store,
      storeWatch,
      holds,
      isEnabled: config.indexing.enabled,
      usageReport,
      preparation: () => models.preparation(),
      remote: parts.remote,
      clock,
    }),
    fileStatus: createFileStatus({ spaces, assets, holds, traces: repositories.traces }),
    usageReport,
    calibrator,
    tagger,
    holds,
    store,
    pairs,
    duplicates,
    previews: createPreviews(parts, previews),
    map,
    outages,
    checkImage: createImageCheck({
      finder: duplicates.finder,
      traces: repositories.traces,
      confirmation: duplicates.confirmation,
      readFile: (fileId, signal) => duplicates.read(fileId, signal),
      read: (...image) => search.embedder.readImage(...image),
      embed: async (image, signal) => {
        const { space, vector } = await search.engine.embed({ kind: 'image', ...image }, signal);
        return space.id === (await spaces.active()).spaceId() ? vector : null;
      },
    }),
    ...createLifecycle({
      spaces,
      duplicates,
      watchLibrary: (listener) => parts.watchLibrary(listener),
      isIndexing: config.indexing.enabled,
      isServing: !parts.isCommand,
      meter,
      store,
      storeWatch,
      words,
      jobs: [calibrator, tagger, recognition].filter((job) => job !== null),
      map,
      remotes: [parts.remote, search.fetch, { dispose: () => tracer.stop() }],
      logger,
      clock,
    }),
  };
}

/**
 * What is built before the spaces but calls back into them: the store when it lost its vectors or is back after an
 * outage, the library scan to leave indexing the first turn.
 */
class SpacesCallbacks {
  #spaces: SpaceManager | null = null;
  #storeWatch: StoreWatch | null = null;

  connect(spaces: SpaceManager, storeWatch: StoreWatch): void {
    this.#spaces = spaces;
    this.#storeWatch = storeWatch;
  }

  /** Ends the pauses that the store's outage made, and looks at what it still has. */
  resumeStore(): void {
    this.#spaces?.resumeStore();
    void this.#storeWatch?.check();
  }

  isIndexing(): boolean {
    const tracks = this.#spaces?.running() ?? [];
    return tracks.some((track) => track.workerStatus().state === 'working');
  }

  /** Queues every image that lost its vector; any process that indexes embeds them. */
  async refill(): Promise<void> {
    if (!this.#spaces) return;
    const tracks = new Set([...this.#spaces.running(), await this.#spaces.active()]);
    await Promise.all([...tracks].map((track) => track.reconcileAgain()));
  }
}

function openStore(
  { config, hostDatabase, isCommand, logger, projectFolder, repositories }: EngineParts,
  callbacks: SpacesCallbacks,
): VectorStore {
  return openVectorStore(config.vectors, {
    projectFolder,
    hostDatabase,
    logger,
    database: () => repositories.database(),
    isCommand,
    onLoss: () => {
      void callbacks.refill();
    },
    onBack: () => {
      callbacks.resumeStore();
    },
    isInUse: async (spaceId) => {
      const records = await repositories.spaces.list();
      return records.some(({ space }) => space.id === spaceId);
    },
  });
}

function createLibraryMap(
  { clock, config: { vectors }, logger, projectFolder, repositories }: EngineParts,
  openCollection: CollectionOpener,
): LibraryMap {
  return new LibraryMap({
    openCollection,
    database: () => repositories.database(),
    countIndexedSince: (spaceId, moment) =>
      repositories.entriesOf(() => spaceId).countIndexedSince(moment),
    file: besideVectorFile(vectors, projectFolder, 'map'),
    logger,
    clock,
  });
}

function createPreviews(parts: Parts, cache: PreviewCache): FilePreviews {
  const { assets, config } = parts;
  return new FilePreviews({
    assets,
    cache,
    images: createIndexingReader(parts),
    views: viewLimitsOf(config, splitFallback(config.embedding).embedding.provider),
    limits: config.indexing,
  });
}

function detectDuplicates(
  parts: Parts,
  built: { openCollection: CollectionOpener; callbacks: SpacesCallbacks; owner: LeaseOwner },
): DuplicateDetection {
  const { assets, clock, config, logger, repositories } = parts;
  return createDuplicateDetection({
    policy: config.duplicates.policy,
    traces: repositories.traces,
    pairs: repositories.pairs,
    records: repositories.spaces,
    openCollection: built.openCollection,
    scans: repositories.scans,
    assets,
    images: createIndexingReader(parts),
    limits: config.indexing,
    jobs: repositories.jobs,
    isIndexing: () => built.callbacks.isIndexing(),
    leaseMs: config.indexing.leaseSeconds * SECOND_MS,
    owner: built.owner,
    logger,
    clock,
  });
}

function createBudget(
  { clock, config, logger, repositories }: EngineParts,
  meter: UsageMeter,
): Budget {
  return new Budget({
    settings: config.budget,
    records: repositories.usage,
    meter,
    isLocal: isLocalProvider,
    logger,
    clock,
  });
}

/** Opens the models that the configuration has settings for, and meters what they do. */
class Models {
  readonly #parts: EngineParts;
  readonly #meter: UsageMeter;
  /** What each model that is being loaded is doing; null once it is open. */
  readonly #progress = new Map<EmbeddingIdentity, string | null>();

  constructor(parts: EngineParts, meter: UsageMeter) {
    this.#parts = parts;
    this.#meter = meter;
  }

  /** What a model that is being loaded is doing, such as its download; null when none is. */
  preparation(): string | null {
    return [...this.#progress.values()].find((progress) => progress !== null) ?? null;
  }

  /** @throws ImageSearchError as `reopenConfig` and the provider's `open` do */
  async open(identity: EmbeddingIdentity, health: HealthRecord): Promise<EmbeddingProvider> {
    const { clock, logger, projectFolder } = this.#parts;
    const config = reopenConfig(identity, this.#configured());
    let opened: EmbeddingProvider | null = null;
    opened = await openEmbeddingProvider(config, {
      logger,
      projectFolder,
      onProgress: (progress) => this.#progress.set(identity, progress),
      onUsage: (usage) => {
        if (opened) this.#meter.count(opened.space, figuresOf(usage));
      },
      health,
    });
    return meterProvider(opened, {
      meter: this.#meter,
      isLocal: isLocalProvider(config.provider),
      clock,
    });
  }

  /** The model of `embedding` first. */
  #configured(): EmbeddingConfig[] {
    const { config } = this.#parts;
    const { embedding, fallback } = splitFallback(config.embedding);
    return [embedding, config.previousEmbedding, fallback].filter((model) => model != null);
  }
}

function createSpaces(
  parts: Parts,
  built: {
    store: VectorStore;
    models: Models;
    budget: Budget;
    duplicates: DuplicateDetection;
    words: WordIndexing;
    recognition: TextRecognition | null;
    previews: PreviewCache;
    outages: OutageLog;
    owner: LeaseOwner;
  },
): SpaceManager {
  const { assets, bootedAt, clock, config, logger, repositories } = parts;
  const { embedding, fallback } = splitFallback(config.embedding);
  const entriesOf = (spaceId: string): IndexEntries => repositories.entriesOf(() => spaceId);
  const worker: SpaceTrackParts['worker'] = {
    ...workerSettings(parts),
    owner: built.owner,
    outages: built.outages,
    traces: announceTexts(repositories.traces, built.words, () => {
      built.recognition?.noteRead();
    }),
    previews: built.previews,
    duplicates: built.duplicates.watch,
    isHeld: async () => (await repositories.holds.current()) !== null,
  };
  return new SpaceManager({
    records: repositories.spaces,
    configured: identityOf(embedding),
    fallback: fallback && identityOf(fallback),
    entriesOf,
    assign: (from, to) => moveEntries(entriesOf(from), entriesOf(to)),
    createTrack: (options) =>
      createSpaceTrack(options, {
        openProvider: (health) => built.models.open(options.identity, health),
        entriesOf: (spaceId) => repositories.entriesOf(spaceId),
        store: built.store,
        assets,
        worker: {
          ...worker,
          budget: isLocalProvider(options.identity.provider) ? undefined : built.budget,
          views: viewLimitsOf(config, options.identity.provider),
        },
        hasReaderFor: (mimeType) => hasReaderFor(mimeType, config, parts.projectFolder),
        jobs: repositories.jobs,
        bootedAt,
        reconcileMinutes: config.indexing.reconcileMinutes,
        logger,
        clock,
      }),
    logger,
    clock,
  });
}

/** Both null when relevance isn't calibrated. */
function createCalibration(
  { clock, config, logger, repositories }: EngineParts,
  { budget, owner, spaces }: { spaces: SpaceManager; budget: Budget; owner: LeaseOwner },
): { calibrator: Calibrator; tagger: Tagger } | { calibrator: null; tagger: null } {
  if (!config.search.calibrate) return { calibrator: null, tagger: null };
  const { calibrations, contentHashes, holds, jobs, pairs, tags } = repositories;
  const shared = {
    spaces,
    canPay: async (provider: string) => {
      if (isLocalProvider(provider)) return true;
      await budget.refresh();
      return budget.pause() === null;
    },
    isHeld: async () => (await holds.current()) !== null,
    ...{ jobs, owner, logger, clock },
    leaseMs: config.indexing.leaseSeconds * SECOND_MS,
  };
  const calibrator = new Calibrator({ ...shared, records: calibrations, pairs, contentHashes });
  const tagging = { settings: config.tags, calibrations: calibrator, records: tags };
  return { calibrator, tagger: new Tagger({ ...shared, ...tagging }) };
}

function workerSettings(parts: Parts) {
  const { indexing } = parts.config;
  const reader = createIndexingReader(parts);
  return {
    images: reader,
    videos: reader,
    missingReaderFor: (mimeType: string) =>
      missingReaderFor(mimeType, parts.config, parts.projectFolder),
    policy: {
      maxAttempts: indexing.maxAttempts,
      firstRetryMs: indexing.firstRetrySeconds * SECOND_MS,
      longestRetryMs: indexing.longestRetrySeconds * SECOND_MS,
    },
    concurrency: indexing.concurrency,
    leaseMs: indexing.leaseSeconds * SECOND_MS,
    maxBytes: indexing.maxBytes,
    maxVideoBytes: indexing.maxVideoBytes,
    random: Math.random,
  };
}

function createSearch(
  parts: Parts,
  built: { spaces: SpaceManager; words: WordIndexing; calibrator: Calibrator | null },
): {
  engine: SearchEngine;
  createEngine: (spaces: SearchSpaces) => SearchEngine;
  embedder: QueryEmbedder;
  fetch: GuardedFetch;
} {
  const { assets, logger, repositories } = parts;
  const { search } = parts.config;
  const fetch = createQueryFetch(search.urls);
  const embedder = new QueryEmbedder({
    images: createQueryReader(parts),
    cacheEntries: search.queryCacheEntries,
    cacheMs: search.queryCacheMinutes * MINUTE_MS,
  });
  const urls = new QueryUrls({
    fetch,
    maxBytes: search.maxImageBytes,
    timeoutMs: search.urls.timeoutSeconds * SECOND_MS,
    concurrency: search.urls.concurrency,
  });
  const createEngine = (searched: SearchSpaces): SearchEngine =>
    new SearchEngine({
      spaces: searched,
      logger,
      embedder,
      contentHashes: repositories.contentHashes,
      urls: search.urls.enabled ? urls : null,
      closeScore: search.closeScore,
      text: built.words?.index ?? null,
      ...(built.calibrator && { calibrations: built.calibrator }),
      readFile: (fileId, signal) => {
        const { maxImageBytes: maxBytes, maxPixels } = search;
        return assets.read(fileId, { maxBytes, maxPixels, signal });
      },
      duplicatesOf: (fileIds) =>
        readPartners(repositories.pairs, fileIds, { status: 'open', kinds: sameImageKinds }),
    });
  return { engine: createEngine(built.spaces), createEngine, embedder, fetch };
}
