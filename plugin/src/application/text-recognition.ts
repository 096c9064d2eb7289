import type { Clock } from '../clock';
import type { ImageSearchConfig } from '../config';
import { kindOf } from '../contracts/file-kinds';
import type { FileTrace, ImageTraces } from '../duplicates/contract';
import { toImageSearchError, type ImageSearchError } from '../errors';
import type { EncodedPreparation, ImageReader } from '../images/contract';
import { TextRecognizer } from '../images/ocr';
import { hashContent } from '../images/trace';
import type { AssetDescription, AssetSource, IndexingHolds } from '../indexing/contract';
import type { JobLeases, LeaseOwner } from '../lease';
import type { Logger } from '../logger';
import { BackgroundJob } from './background-job';
import type { WordIndexing } from './lifecycle';

const SECOND_MS = 1_000;
const POLL_MS = 5_000;
/** Also when nothing was heard of, such as after a restore, or a package that was installed. */
const WALK_AGAIN_MS = 60 * 60_000;
/** After storage or the database failed, and while the reader is missing. */
const RETRY_MS = 10 * 60_000;
/** Between two looks at whether images are still being indexed. */
const YIELD_MS = 1_000;
const PAGE_SIZE = 50;
/** An image that the process dies of, or that takes too long, this often has no text. */
const MAX_FAILURES = 2;
/** Time limit of an image, as a multiple of that of decoding it: at the lowest priority, a busy machine gives it little. */
const TIMEOUT_FACTOR = 4;
/** Shorter edge below which no letter can be told, in pixels. */
const SMALLEST_EDGE = 16;

/** Enough for small print on a page, and no more than a second or two of work. */
const preparation: EncodedPreparation = { kind: 'encoded', mimeType: 'image/jpeg', maxEdge: 2_000 };

export interface TextRecognitionOptions {
  recognizer: Pick<TextRecognizer, 'id' | 'problem' | 'recognize' | 'stop'>;
  images: ImageReader;
  assets: Pick<AssetSource, 'describeMany' | 'read'>;
  traces: Pick<ImageTraces, 'get' | 'markRecognized' | 'notRecognized' | 'textsOf'>;
  maxBytes: number;
  /** The text of these files is another one now. */
  onText: (fileIds: readonly number[]) => void;
  /** Whether images are being indexed, which goes first. */
  isIndexing: () => boolean;
  /** Whether an operator has paused indexing. */
  isHeld: () => Promise<boolean>;
  jobs: JobLeases;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

/**
 * Reads the text in images that were indexed, so that it's searched. An image is found without it, so this waits for
 * indexing. The database knows which images are left, also of a library that was indexed before, and of one whose
 * languages were changed; one process at a time reads them, and nothing is embedded again.
 */
export class TextRecognition {
  readonly #options: TextRecognitionOptions;
  readonly #job: BackgroundJob;
  /** How often that happened, by content hash. */
  readonly #failures = new Map<string, number>();
  #isProblemLogged = false;
  /** When to look again at the latest. */
  #nextAt = -Infinity;

  constructor(options: TextRecognitionOptions) {
    this.#options = options;
    const { clock, jobs, leaseMs, logger, owner } = options;
    this.#job = new BackgroundJob({
      name: 'recognize text',
      isDue: () => this.#isDue(),
      pollMs: POLL_MS,
      run: (signal) => this.#run(signal),
      warnings: {
        failed: "The text in some images couldn't be read; retrying later.",
        unfinished: 'The text in some images will be read after the next start.',
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
    this.#options.recognizer.stop();
  }

  /** Reads what is left, unless another process does. */
  async runOnce(): Promise<void> {
    await this.#job.runOnce();
  }

  /** Images were read in this process, perhaps for the first time. */
  noteRead(): void {
    this.#nextAt = -Infinity;
  }

  async #isDue(): Promise<boolean> {
    const { clock, isHeld, isIndexing, logger, recognizer } = this.#options;
    if (this.#nextAt > clock.elapsed() || isIndexing() || (await isHeld())) return false;
    const problem = recognizer.problem();
    if (problem === null) return true;
    if (!this.#isProblemLogged) logger.warn(problem.message);
    this.#isProblemLogged = true;
    this.#nextAt = clock.elapsed() + RETRY_MS;
    return false;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, isIndexing, traces } = this.#options;
    // Images that are read from now on are noted again.
    this.#nextAt = clock.elapsed() + WALK_AGAIN_MS;
    let isComplete = false;
    let read = 0;
    const failed: { error: ImageSearchError; trace: FileTrace }[] = [];
    try {
      let page = await this.#nextPage(0);
      for (; page.length > 0; page = await this.#nextPage(page.at(-1) ?? 0)) {
        const described = await this.#options.assets.describeMany(page);
        const assets = new Map(described.map((asset) => [asset.fileId, asset]));
        for (const trace of await traces.get(page)) {
          while (isIndexing() && !signal.aborted) await clock.wait(YIELD_MS, signal);
          if (signal.aborted) return;
          const asset = assets.get(trace.fileId);
          if (!asset) continue;
          const error = await this.#read(trace, asset, signal);
          if (error) failed.push({ error, trace });
          else read += 1;
        }
      }
      // Where every image fails, the machine is to blame rather than they.
      if (read > 0 || failed.length === 1) await this.#giveUp(failed);
      isComplete = failed.length === 0;
    } finally {
      if (!isComplete || signal.aborted) this.#nextAt = clock.elapsed() + RETRY_MS;
    }
    if (isComplete) this.#failures.clear();
  }

  #nextPage(after: number): Promise<number[]> {
    const { recognizer, traces } = this.#options;
    return traces.notRecognized(recognizer.id, { after, limit: PAGE_SIZE });
  }

  /** Why it can't be read now; null if it was. */
  async #read(
    trace: FileTrace,
    asset: AssetDescription,
    signal: AbortSignal,
  ): Promise<ImageSearchError | null> {
    const { recognizer, traces } = this.#options;
    const reader = recognizer.id;
    // Documents have a text already, and videos none.
    if (kindOf(asset.mimeType) !== 'image') {
      await traces.markRecognized(trace, { reader });
      return null;
    }
    let text: string | null;
    try {
      text = await this.#textOf(trace, signal);
    } catch (error) {
      return toImageSearchError(error);
    }
    // Another file now, which is going to be indexed.
    if (text !== null) await this.#keep(trace, text);
    return null;
  }

  /** What is known of their text stays. */
  async #giveUp(failed: readonly { error: ImageSearchError; trace: FileTrace }[]): Promise<void> {
    const { logger, recognizer, traces } = this.#options;
    for (const { error, trace } of failed) {
      if (!this.#isGivenUp(error, trace)) continue;
      logger.debug(`The text in file ${String(trace.fileId)} can't be read. ${error.message}`);
      await traces.markRecognized(trace, { reader: recognizer.id });
    }
  }

  /** Null for a file whose bytes have changed. */
  async #textOf({ contentHash, fileId }: FileTrace, signal: AbortSignal): Promise<string | null> {
    const { assets, images, maxBytes, recognizer } = this.#options;
    const bytes = await assets.read(fileId, { maxBytes, signal });
    if ((await hashContent(bytes)) !== contentHash) return null;
    const { prepared } = await images.read(bytes, { preparation, signal });
    if (Math.min(prepared.width, prepared.height) < SMALLEST_EDGE) return '';
    return recognizer.recognize(prepared.data, signal);
  }

  async #keep(trace: FileTrace, text: string): Promise<void> {
    const { onText, recognizer, traces } = this.#options;
    const former = (await traces.textsOf([trace.fileId])).get(trace.fileId) ?? '';
    await traces.markRecognized(trace, { reader: recognizer.id, text });
    if (text !== former) onText([trace.fileId]);
  }

  /** Whether an image is to blame, which is going to fail again. */
  #isGivenUp(error: ImageSearchError, { contentHash }: FileTrace): boolean {
    if (error.code === 'image-decoder-missing') return false;
    const isFault = error.traits.isItemFault;
    if (!isFault && error.code !== 'unexpected') return false;
    if (isFault && !error.retryable) return true;
    const failures = (this.#failures.get(contentHash) ?? 0) + 1;
    this.#failures.set(contentHash, failures);
    return failures >= MAX_FAILURES;
  }
}

/** Null unless languages are configured. */
export function createTextRecognition(
  parts: {
    config: ImageSearchConfig;
    repositories: { traces: ImageTraces; holds: IndexingHolds; jobs: JobLeases };
    assets: AssetSource;
    projectFolder: string;
    logger: Logger;
    clock: Clock;
  },
  built: {
    images: ImageReader;
    words: WordIndexing;
    isIndexing: () => boolean;
    owner: LeaseOwner;
  },
): TextRecognition | null {
  const { assets, clock, config, logger, projectFolder, repositories } = parts;
  const { indexing, ocr } = config;
  if (ocr.languages.length === 0) return null;
  const timeoutMs = TIMEOUT_FACTOR * indexing.decodeTimeoutSeconds * SECOND_MS;
  return new TextRecognition({
    recognizer: new TextRecognizer({ projectFolder, languages: ocr.languages, timeoutMs }),
    images: built.images,
    assets,
    traces: repositories.traces,
    maxBytes: indexing.maxBytes,
    onText: (fileIds) => built.words?.library.update(fileIds),
    isIndexing: built.isIndexing,
    isHeld: async () => (await repositories.holds.current()) !== null,
    jobs: repositories.jobs,
    leaseMs: indexing.leaseSeconds * SECOND_MS,
    owner: built.owner,
    logger,
    clock,
  });
}
