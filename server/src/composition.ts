import type { Core } from '@strapi/strapi';
import { BackgroundJob } from '../../plugin/src/application/background-job';
import { createEngine, type Engine, type Repositories } from '../../plugin/src/application/engine';
import type { LibraryListener } from '../../plugin/src/application/lifecycle';
import { kindsIndexed } from '../../plugin/src/application/readers';
import { systemClock } from '../../plugin/src/clock';
import { parseConfig, type ImageSearchConfig } from '../../plugin/src/config';
import { currentOwner } from '../../plugin/src/lease';
import { toImageSearchError } from '../../plugin/src/errors';
import type { IndexPriority } from '../../plugin/src/indexing/contract';
import { mutedBy, type Logger, type OutageLog } from '../../plugin/src/logger';
import { createGuardedFetch } from '../../plugin/src/network/guarded-fetch';
import { pauseFailingHosts } from '../../plugin/src/network/host-breakers';
import type { Check } from '../../plugin/src/contracts/checks';
import type { PanelResponse } from '../../plugin/src/contracts/management';
import {
  createAssetSource,
  createThumbnailReader,
  type ReadThumbnail,
} from './assets/asset-source';
import { createLibrary, type Library } from './assets/library';
import { createWordSource } from './assets/word-source';
import { runChecks } from './checks';
import { scoreOf } from './duplicates/pair-views';
import {
  announceEntries,
  announceMerges,
  announceSpaces,
  createEvents,
  type Events,
} from './events';
import { httpCache } from './http/http-cache';
import { rateLimit } from './http/rate-limit';
import type { InputLimits } from './http/search-input';
import { createBulkMerging, type BulkMerging } from './merging/bulk-merging';
import { createMergeJournal, type MergeJournal } from './merging/journal';
import { createMergeBatches, type MergeBatches } from './merging/merge-batches';
import { createFileMerging, type FileMerging } from './merging/merging';
import { COMMAND_SETTING, PLUGIN_ID } from './plugin-id';
import { prefixedLogger } from './prefixed-logger';
import { createCalibrations } from './repositories/calibrations';
import { createDatabaseIdentity, postgresOf } from './repositories/database-identity';
import { createDuplicatePairs } from './repositories/duplicate-pairs';
import { createDuplicateScans } from './repositories/duplicate-scans';
import { fillDerived } from './repositories/derived-traits';
import { createImageTags, tagsOf } from './repositories/image-tags';
import { createImageTraces } from './repositories/image-traces';
import {
  countMissingImages,
  createIndexEntries,
  readContentHashes,
} from './repositories/index-entries';
import { createIndexingHolds, createJobLeases } from './repositories/jobs';
import { createSpaceRecords } from './repositories/space-records';
import { createUsageRecords } from './repositories/usage-records';
import { viewsPerFile } from './repositories/view-counts';
import { watchEntries } from './subscribers/entries';
import { subscribeToUploads } from './subscribers/upload';
import { findEntryTitles } from './usage/entry-titles';

const SECOND_MS = 1_000;
const TRASH_POLL_MS = 10 * 60 * SECOND_MS;
/** After a failure, or while another process is at it. */
const DERIVING_POLL_MS = 60 * SECOND_MS;
/** How soon another process takes over from one that died. */
const BULK_POLL_MS = 30 * SECOND_MS;

/** The running product inside one Strapi. */
export interface ImageSearch extends Engine {
  readonly merging: FileMerging;
  readonly mergeJournal: MergeJournal;
  readonly mergeBatches: MergeBatches;
  readonly bulkMerging: BulkMerging;
  /** Days that merged copies stay in the trash. */
  readonly trashDays: number;
  /** Whether editors are warned of duplicates when they upload one. */
  readonly warnsUploaders: boolean;
  readonly inputLimits: InputLimits;
  readonly readThumbnail: ReadThumbnail;
  /** The tags of these files; files without any are missing. Null unless the configuration has a vocabulary. */
  readonly tagsOf: (fileIds: Iterable<number>) => Promise<Map<number, string[]> | null>;
  /** Checks the installation. Never rejects. */
  checkInstallation(): Promise<Check[]>;
  /** The part of the configuration that the panel gets. */
  readonly panel: PanelResponse['data'];
  /** Over MCP. */
  readonly canAgentsMerge: boolean;
  readonly http: {
    logger: Logger;
    outages: OutageLog;
    /** Of the content API, whichever entry point a caller uses. */
    limitRate: ReturnType<typeof rateLimit>;
    /** Results of a search may show a preview each, so these don't count as requests. */
    limitPreviews: ReturnType<typeof rateLimit>;
    cache: ReturnType<typeof httpCache>;
  };
}

/** As many as a page of results has by default. */
const PREVIEWS_PER_REQUEST = 25;

/** Strapi builds a service when it is first asked for, once per Strapi. */
export const services = {
  'image-search': ({ strapi }: { strapi: Core.Strapi }): ImageSearch => createImageSearch(strapi),
  library: ({ strapi }: { strapi: Core.Strapi }): Library =>
    createLibrary(strapi, kindsIndexed(parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`)))),
};

export function imageSearchOf(strapi: Core.Strapi): ImageSearch {
  return strapi.plugin(PLUGIN_ID).service<ImageSearch>('image-search');
}

/** Builds Strapi's adapters and hands them to the engine. Opens nothing before `start` or the first search. */
function createImageSearch(strapi: Core.Strapi): ImageSearch {
  const config = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
  const stopped = new AbortController();
  const logger = mutedBy(stopped.signal, prefixedLogger(strapi));
  const events = createEvents(strapi, logger);
  const repositories = createRepositories(strapi, {
    logger,
    events,
    onIndexed: (fileIds) => {
      engine.tagger?.noteIndexed(fileIds);
    },
  });
  const remote = pauseFailingHosts(
    createGuardedFetch({ allowedHosts: config.indexing.allowedHosts }),
    { logger, clock: systemClock, random: Math.random },
  );
  const storage = { strapi, remote, readTimeoutMs: config.indexing.readTimeoutSeconds * SECOND_MS };
  const assets = createAssetSource(storage);
  const library = new LibraryRelay(logger);
  const engine = createEngine({
    config,
    repositories,
    assets,
    wordSource: createWordSource(strapi, {
      traces: repositories.traces,
      findTitles: config.words.entryTitles ? (ids) => findEntryTitles(strapi, ids) : null,
    }),
    remote,
    watchLibrary: (listener) => {
      const unsubscribe = subscribeToUploads({ strapi, listener, logger });
      const forgetEntries = config.words.entryTitles ? watchEntries(strapi, listener) : null;
      library.connect(listener);
      return () => {
        unsubscribe();
        forgetEntries?.();
      };
    },
    projectFolder: strapi.dirs.app.root,
    hostDatabase: postgresOf(strapi),
    isCommand: strapi.config.get<boolean>(COMMAND_SETTING, false),
    bootedAt: strapi.config.get<number>('launchedAt'),
    logger,
    clock: systemClock,
  });
  const adapters = { strapi, config, repositories, library, events, logger };
  const { jobs: mergeJobs, ...mergingParts } = createMergingParts(adapters);
  const jobs = [...mergeJobs, ...(config.indexing.enabled ? [createDerivingJob(adapters)] : [])];
  return {
    ...engine,
    ...mergingParts,
    warnsUploaders: ['reject', 'warn'].includes(config.duplicates.policy),
    inputLimits: config.search,
    readThumbnail: createThumbnailReader(storage),
    tagsOf: async (fileIds) => (config.tags.labels.length > 0 ? tagsOf(strapi, fileIds) : null),
    checkInstallation: () =>
      runChecks({
        strapi,
        config,
        assets,
        store: engine.store,
        status: () => engine.status.report(),
      }),
    panel: { ...config.panel, tags: config.tags.labels.map(({ name }) => name) },
    canAgentsMerge: config.agents.merge,
    http: {
      logger,
      outages: engine.outages,
      limitRate: rateLimit(config.search.requestsPerMinute),
      limitPreviews: rateLimit(PREVIEWS_PER_REQUEST * config.search.requestsPerMinute),
      cache: httpCache(config.search.cacheSeconds),
    },
    start() {
      engine.start();
      for (const job of jobs) job.start();
    },
    async stop() {
      await Promise.all([engine.stop(), ...jobs.map((job) => job.stop())]);
      stopped.abort();
    },
  };
}

/** What parts of the plugin besides the engine are built from. */
interface Adapters {
  strapi: Core.Strapi;
  config: ImageSearchConfig;
  repositories: Repositories;
  library: LibraryRelay;
  events: Events;
  logger: Logger;
}

function createMergingParts({ strapi, config, repositories, library, events, logger }: Adapters) {
  const { pairs, traces } = repositories;
  const { trashDays } = config.duplicates;
  const mergeJournal = createMergeJournal(strapi);
  const merging = announceMerges(
    createFileMerging({
      strapi,
      logger,
      pairs,
      traces,
      trashDays,
      onLeave: (fileIds) => {
        library.tell(fileIds, 'replacement');
      },
      onReturn: (fileIds) => {
        library.tell(fileIds, 'upload');
      },
    }),
    events,
  );
  const mergeBatches = createMergeBatches(strapi);
  const bulkMerging = createBulkMerging({
    strapi,
    merging,
    batches: mergeBatches,
    journal: mergeJournal,
    pairs,
    traces,
    logger,
    clock: systemClock,
    onWork: () => {
      bulkJob.wake();
    },
  });
  const jobOptions = jobOptionsOf({ config, repositories, logger });
  const trashJob = new BackgroundJob({
    ...jobOptions,
    name: 'empty the trash of duplicates',
    pollMs: TRASH_POLL_MS,
    isDue: () => merging.hasDue(),
    run: (signal) => merging.emptyDue(signal),
    warnings: {
      failed: "The trash of duplicates couldn't be emptied; retrying later.",
      unfinished:
        "Storage didn't delete a merged copy in time to stop; it is deleted after the next start.",
    },
  });
  const bulkJob = new BackgroundJob({
    ...jobOptions,
    name: 'merge duplicates in bulk',
    pollMs: BULK_POLL_MS,
    isDue: () => bulkMerging.hasWork(),
    run: (signal) => bulkMerging.work(signal),
    warnings: {
      failed: 'The bulk merge of duplicates was interrupted; retrying soon.',
      unfinished: 'The bulk merge of duplicates continues after the next start.',
    },
  });
  return { merging, mergeJournal, mergeBatches, bulkMerging, trashDays, jobs: [trashJob, bulkJob] };
}

/** Derives the colors of images that were indexed before there were any. */
function createDerivingJob({ strapi, config, repositories, logger }: Adapters): BackgroundJob {
  let hasFilled = false;
  return new BackgroundJob({
    ...jobOptionsOf({ config, repositories, logger }),
    name: 'derive colors and tiles of images',
    pollMs: DERIVING_POLL_MS,
    isDue: () => Promise.resolve(!hasFilled),
    run: async (signal) => {
      await fillDerived(strapi, repositories.traces, signal);
      hasFilled = !signal.aborted;
    },
    warnings: {
      failed: "The colors and tiles of some images couldn't be derived; retrying later.",
      unfinished: 'The colors and tiles of some images will be derived after the next start.',
    },
  });
}

function jobOptionsOf({
  config,
  repositories,
  logger,
}: Pick<Adapters, 'config' | 'logger' | 'repositories'>) {
  return {
    jobs: repositories.jobs,
    leaseMs: config.indexing.leaseSeconds * SECOND_MS,
    owner: currentOwner(),
    logger,
    clock: systemClock,
  };
}

/** Tells indexing of files that enter or leave the library without being created or deleted. */
class LibraryRelay {
  readonly #logger: Logger;
  #listener: LibraryListener | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  connect(listener: LibraryListener): void {
    this.#listener = listener;
  }

  /** Returns at once. What fails here is found by the next comparison of library and index. */
  tell(fileIds: readonly number[], priority: IndexPriority): void {
    if (fileIds.length === 0) return;
    this.#listener?.markPending(fileIds, priority).catch((error: unknown) => {
      const { message } = toImageSearchError(error);
      this.#logger.warn(`Couldn't queue changed files; the next sync will find them. ${message}`);
    });
  }
}

function createRepositories(
  strapi: Core.Strapi,
  {
    logger,
    events,
    onIndexed,
  }: { logger: Logger; events: Events; onIndexed: (fileIds: readonly number[]) => void },
): Repositories {
  return {
    database: createDatabaseIdentity(strapi, logger),
    contentHashes: (spaceId, fileIds) => readContentHashes(strapi, spaceId, fileIds),
    entriesOf: (spaceId) =>
      announceEntries(createIndexEntries(strapi, { spaceId }), { events, spaceId, onIndexed }),
    countMissingImages: (spaceId) => countMissingImages(strapi, spaceId),
    viewsPerFile: (limits) => viewsPerFile(strapi, limits),
    spaces: announceSpaces(createSpaceRecords(strapi), events),
    calibrations: createCalibrations(strapi),
    tags: createImageTags(strapi),
    holds: createIndexingHolds(strapi),
    jobs: createJobLeases(strapi),
    traces: createImageTraces(strapi, logger),
    pairs: createDuplicatePairs(strapi, {
      logger,
      onFound: (pairs) => {
        for (const { fileA, fileB, verdict } of pairs) {
          const { kind } = verdict;
          const score = scoreOf(verdict);
          const payload = { fileId: fileB, duplicateOf: fileA, kind, score };
          events.emit('image-search.duplicate.found', payload);
        }
      },
    }),
    scans: createDuplicateScans(strapi),
    usage: createUsageRecords(strapi),
  };
}
