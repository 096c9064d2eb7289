import type { Clock } from '../clock';
import type { DuplicatePairs } from '../duplicates/contract';
import { readPartners } from '../duplicates/groups';
import type { EmbeddingProvider } from '../embedding/contract';
import { toImageSearchError } from '../errors';
import type { JobLeases, LeaseOwner } from '../lease';
import type { Logger } from '../logger';
import { currentVectorsOf, type ContentHashes } from '../search/current-vectors';
import type { Calibration, Calibrations, CalibrationSource } from '../search/relevance/contract';
import {
  calibrate,
  embedNullTexts,
  LEAST_FILES,
  type CalibratedCollection,
} from '../search/relevance/measurement';
import { NULL_TEXTS_VERSION } from '../search/relevance/null-texts';
import { ViewPenalties } from '../search/view-penalty';
import type { SpaceManager } from '../spaces/space-manager';
import type { VectorCollection } from '../vectors/contract';
import { BackgroundJob } from './background-job';

/** A library that has changed by this share is measured again. */
const CHANGED_SHARE = 0.25;
const POLL_MS = 15_000;
/** How long a calibration is used before it is read again; another process may have measured. */
const READ_AFTER_MS = 60_000;
/** After a failure that may pass by itself, and after another. */
const RETRY_MS = 5 * 60_000;
const RETRY_BROKEN_MS = 60 * 60_000;

export interface CalibratorOptions {
  spaces: Pick<SpaceManager, 'live'>;
  records: Calibrations;
  pairs: Pick<DuplicatePairs, 'pairsTouching'>;
  contentHashes: ContentHashes;
  /** Whether texts may be sent to a paid model now. */
  canPay: (provider: string) => Promise<boolean>;
  /** Whether an operator has paused indexing. */
  isHeld: () => Promise<boolean>;
  jobs: JobLeases;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

interface DueSpace {
  spaceId: string;
  provider: EmbeddingProvider;
  collection: VectorCollection;
}

/**
 * Learns what relevance means in each live space: once it has a few images, and again when it has grown or shrunk by a
 * quarter. One process at a time measures, and all of them use what is in the database.
 */
export class Calibrator implements CalibrationSource {
  readonly #options: CalibratorOptions;
  readonly #job: BackgroundJob;
  readonly #penalties: ViewPenalties;
  readonly #read = new Map<string, { calibration: Calibration | null; at: number }>();
  readonly #reading = new Map<string, Promise<Calibration | null>>();
  /** Texts that were paid for, though not all of their requests succeeded. */
  readonly #embedded = new Map<string, Map<string, Float32Array | null>>();
  /** When a space that failed is tried again. */
  readonly #retryAt = new Map<string, number>();

  constructor(options: CalibratorOptions) {
    this.#options = options;
    const { clock, jobs, leaseMs, logger, owner } = options;
    this.#penalties = new ViewPenalties(() => clock.elapsed());
    this.#job = new BackgroundJob({
      name: 'calibrate relevance',
      isDue: () => this.#isDue(),
      pollMs: POLL_MS,
      run: (signal) => this.#run(signal),
      warnings: {
        failed: "Relevance couldn't be calibrated.",
        unfinished: "Calibrating relevance didn't stop in time.",
      },
      jobs,
      leaseMs,
      owner,
      logger,
      clock,
    });
  }

  start(): void {
    this.#job.start();
  }

  async stop(): Promise<void> {
    await this.#job.stop();
  }

  /** Calibrates every space that is due, unless another process does. */
  async runOnce(): Promise<void> {
    await this.#job.runOnce();
  }

  /** Waits for the database only if it was never read; later it is read again in the background. */
  async calibrationOf(spaceId: string): Promise<Calibration | null> {
    const known = this.#read.get(spaceId);
    const isFresh = known && this.#options.clock.elapsed() - known.at < READ_AFTER_MS;
    if (isFresh) return known.calibration;
    const reading = this.#reading.get(spaceId) ?? this.#readAgain(spaceId);
    this.#reading.set(spaceId, reading);
    return known ? known.calibration : reading;
  }

  /** Never rejects. */
  async #readAgain(spaceId: string): Promise<Calibration | null> {
    const { clock, logger, records } = this.#options;
    let calibration = this.#read.get(spaceId)?.calibration ?? null;
    try {
      calibration = await records.read(spaceId);
    } catch (error) {
      logger.debug(`Relevance is unknown. ${toImageSearchError(error).message}`);
    }
    this.#read.set(spaceId, { calibration, at: clock.elapsed() });
    this.#reading.delete(spaceId);
    return calibration;
  }

  /** False during an outage of the store or the database, which others report. */
  async #isDue(): Promise<boolean> {
    try {
      return (await this.#dueSpaces()).length > 0;
    } catch (error) {
      this.#options.logger.debug(`Nothing is calibrated now. ${toImageSearchError(error).message}`);
      return false;
    }
  }

  async #dueSpaces(): Promise<DueSpace[]> {
    const { clock, isHeld, spaces } = this.#options;
    if (await isHeld()) return [];
    const due: DueSpace[] = [];
    for (const { track } of await spaces.live()) {
      // No model is opened for this alone.
      const state = track.activeSpace.state();
      if (state.kind !== 'open') continue;
      const { collection, provider } = state.space;
      const spaceId = provider.space.id;
      if ((this.#retryAt.get(spaceId) ?? -Infinity) > clock.elapsed()) continue;
      const files = await collection.count();
      if (files < LEAST_FILES) continue;
      if (!(await this.#isCurrent(spaceId, files))) due.push({ spaceId, provider, collection });
    }
    return due;
  }

  /** Reads vectors only if this process hasn't read these yet, to see whether they can be read. */
  async #isCurrent(spaceId: string, files: number): Promise<boolean> {
    const { clock, records } = this.#options;
    const stored = await records.readSummary(spaceId);
    if (stored?.version !== NULL_TEXTS_VERSION) return false;
    if (Math.abs(files - stored.files) >= CHANGED_SHARE * stored.files) return false;
    const known = this.#read.get(spaceId)?.calibration;
    if (known?.version === stored.version && known.files === stored.files) return true;
    const calibration = await records.read(spaceId);
    this.#read.set(spaceId, { calibration, at: clock.elapsed() });
    return calibration !== null;
  }

  /** @param signal aborted at the end of the process, or when another one may calibrate */
  async #run(signal: AbortSignal): Promise<void> {
    const isStopping = (): boolean => signal.aborted;
    for (const space of await this.#dueSpaces()) {
      if (isStopping()) return;
      try {
        await this.#calibrate(space, signal);
      } catch (error) {
        if (isStopping()) return;
        this.#postpone(space, error);
      }
    }
  }

  async #calibrate(
    { collection, provider, spaceId }: DueSpace,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, contentHashes, logger, pairs, records } = this.#options;
    const nullTexts = await this.#nullTextsOf(spaceId, { provider, signal });
    if (nullTexts === null) return;
    // What searches see, too.
    const current: CalibratedCollection = {
      ...currentVectorsOf(collection, contentHashes, this.#penalties),
      listIds: (cursor, limit) => collection.listIds(cursor, limit),
      contentHashesOf: (fileIds) => collection.contentHashesOf(fileIds),
    };
    const calibration = await calibrate(current, nullTexts, {
      duplicatesOf: (fileIds) => readPartners(pairs, fileIds),
      signal,
    });
    if (calibration === null) return;
    signal.throwIfAborted();
    await records.save(spaceId, calibration);
    this.#read.set(spaceId, { calibration, at: clock.elapsed() });
    logger.debug(`Calibrated relevance in ${spaceId} with ${String(calibration.files)} images.`);
  }

  /** Embedded once for a space; null while they can't be paid for. */
  async #nullTextsOf(
    spaceId: string,
    { provider, signal }: { provider: EmbeddingProvider; signal: AbortSignal },
  ) {
    const { canPay, clock, records } = this.#options;
    const stored = await records.readTexts(spaceId);
    if (stored?.version === NULL_TEXTS_VERSION) return stored;
    if (!(await canPay(provider.space.provider))) {
      this.#retryAt.set(spaceId, clock.elapsed() + RETRY_MS);
      return null;
    }
    const known = this.#embedded.get(spaceId) ?? new Map<string, Float32Array | null>();
    this.#embedded.set(spaceId, known);
    const texts = await embedNullTexts(provider, { known, signal });
    signal.throwIfAborted();
    await records.saveTexts(spaceId, texts);
    this.#embedded.delete(spaceId);
    return texts;
  }

  #postpone({ spaceId }: DueSpace, error: unknown): void {
    const { clock, logger } = this.#options;
    const { message, retryable } = toImageSearchError(error);
    this.#retryAt.set(spaceId, clock.elapsed() + (retryable ? RETRY_MS : RETRY_BROKEN_MS));
    logger[retryable ? 'debug' : 'warn'](`Relevance couldn't be calibrated. ${message}`);
  }
}
