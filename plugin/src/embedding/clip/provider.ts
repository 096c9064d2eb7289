import path from 'node:path';
import { toImageSearchError } from '../../errors';
import type { PixelPreparation, PreparedImage } from '../../images/contract';
import type { Logger } from '../../logger';
import { resolveWorker } from '../../workers';
import {
  unlimitedQuota,
  type EmbeddingCallOptions,
  type EmbeddingLimits,
  type EmbeddingProvider,
  type HealthCheckOptions,
  type ProviderContext,
  type ProviderDefinition,
  type ProviderHealth,
  type VectorSpace,
} from '../contract';
import { toUnitTextVector, toUnitVector } from '../vector-space';
import { clipConfigSchema, countFreeCores, type ClipConfig } from './config';
import { describeModel, locateModel, nameOfModel, type ModelDescription } from './description';
import { ModelProcess } from './model-process';
import type { DownloadProgress, ImageRecipe } from './protocol';
import { readStoredFiles } from './stored-files';

/** CLIP and SigLIP models on this machine: nothing leaves it. */
export const clipProvider: ProviderDefinition<typeof clipConfigSchema> & {
  readonly isLocal: true;
} = {
  name: 'clip',
  configSchema: clipConfigSchema,
  isLocal: true,
  identifyingSettings: ['model', 'dtype'],
  open: (config, context) => openClipProvider(config, context),
};

const TEXTS_PER_CALL = 64;
const SHORT_TEXT = 'a photograph';
/** The model works on one call while the next one is sent. */
const CONCURRENT_CALLS = 2;
const MINUTE_MS = 60_000;
/** How long a failed call counts as the model's health. */
const FAILURE_LIFETIME_MS = 60_000;

/**
 * Opens the model far enough to know its space; see `ProviderDefinition.open`. Starts no process: that comes with the
 * first call.
 *
 * @param program for tests
 */
export async function openClipProvider(
  config: ClipConfig,
  context: ProviderContext,
  program = resolveWorker('clip'),
): Promise<ClipProvider> {
  const { logger, projectFolder } = context;
  const { dtype, threads } = config;
  const source = locateModel(config, projectFolder);
  const cacheFolder = path.resolve(projectFolder, config.cacheFolder);
  const readFiles = () => readStoredFiles({ source, dtype, projectFolder, cacheFolder });
  const files = await readFiles();
  const description = describeModel(config, source, files);
  const report = createDownloadReport(nameOfModel(source), context);
  warnOfThreads(threads, countFreeCores(), logger);
  const modelProcess = new ModelProcess({
    program,
    order: { source, projectFolder, dtype, threads },
    files,
    readFiles,
    idleMs: config.idleMinutes * MINUTE_MS,
    onProgress: (progress) => {
      report.update(progress);
    },
    onDeath: (reason, lastOutput) => {
      logger.warn(`The model's process ended (${reason}). The next call restarts it.`);
      if (lastOutput !== '') logger.debug(`Last output of the model's process: ${lastOutput}`);
    },
  });
  return new ClipProvider({ config, description, modelProcess, report });
}

/** Threads that wait for each other spin: without a core for each, they take the time of those that work. */
export function warnOfThreads(threads: number, freeCores: number, logger: Logger): void {
  if (threads <= freeCores) return;
  logger.warn(
    `embedding.threads is ${String(threads)}, but only ${String(freeCores)} of this machine's cores ${freeCores === 1 ? 'is' : 'are'} free for the model, which makes it slower. Set embedding.threads to ${String(freeCores)}, or leave it out.`,
  );
}

interface ClipProviderParts {
  config: ClipConfig;
  description: ModelDescription;
  modelProcess: ModelProcess;
  report: DownloadReport;
}

/** A CLIP or SigLIP model on this machine, in its own process. */
export class ClipProvider implements EmbeddingProvider {
  readonly limits: EmbeddingLimits;
  readonly #description: ModelDescription;
  readonly #modelProcess: ModelProcess;
  readonly #report: DownloadReport;
  readonly #isWarmStarted: boolean;
  #callsUnderWay = 0;
  /** Of the last call, unless that succeeded. */
  #lastFailure: { message: string; at: number } | null = null;

  constructor({ config, description, modelProcess, report }: ClipProviderParts) {
    this.#description = description;
    this.#modelProcess = modelProcess;
    this.#report = report;
    this.#isWarmStarted = config.warmStart;
    this.limits = {
      imagesPerCall: config.batchSize,
      textsPerCall: TEXTS_PER_CALL,
      concurrentCalls: CONCURRENT_CALLS,
      bytesPerImage: Number.POSITIVE_INFINITY,
      pixelsPerImage: Number.POSITIVE_INFINITY,
      mimeTypes: [],
      ...unlimitedQuota,
      tokensPerImage: 0,
    };
  }

  get space(): VectorSpace {
    return this.#description.space;
  }

  get imagePreparation(): PixelPreparation {
    return this.#description.preparation;
  }

  get closeScore(): number | null {
    return this.#description.closeScore;
  }

  /** Of the model's process; null while it isn't running. */
  get processId(): number | null {
    return this.#modelProcess.processId;
  }

  async embedImages(
    images: readonly PreparedImage[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    const { imagesPerCall } = this.limits;
    requireAtMost(imagesPerCall, images.length, 'images (embedding.batchSize)');
    const { imageRecipe: recipe } = this.#description;
    const pixels = images.map((image) => requirePixels(image, recipe));
    const vectors = await this.#embed({ kind: 'images', images: pixels, recipe }, signal);
    return vectors.map((vector, index) =>
      toUnitVector(vector, this.space.dimensions, nameOf('image', index, vectors)),
    );
  }

  async embedTexts(
    texts: readonly string[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    requireAtMost(this.limits.textsPerCall, texts.length, 'texts');
    const { textRecipe: recipe } = this.#description;
    const vectors = await this.#embed({ kind: 'texts', texts, recipe }, signal);
    return vectors.map((vector, index) =>
      toUnitTextVector(vector, this.space.dimensions, {
        text: texts[index] ?? '',
        what: nameOf('text', index, vectors),
      }),
    );
  }

  /**
   * Embeds one short text; during a download of the model, reports its progress instead. A check that can be cached
   * never starts the model's process, nor does it keep it from ending.
   */
  async checkHealth(options: HealthCheckOptions = {}): Promise<ProviderHealth> {
    const download = this.#report.current;
    if (download !== null) return { ok: false, message: download };
    const known = options.canBeCached === true ? this.#knownHealth() : null;
    if (known) return known;
    try {
      await this.embedTexts([SHORT_TEXT], options);
      return { ok: true, message: `The model "${this.space.model}" is running on this machine.` };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message };
    }
  }

  /** Null when the last call failed so long ago that another one is worth a try. */
  #knownHealth(): ProviderHealth | null {
    const { model } = this.space;
    if (this.#lastFailure) {
      const { at, message } = this.#lastFailure;
      return performance.now() - at < FAILURE_LIFETIME_MS ? { ok: false, message } : null;
    }
    const message =
      this.processId === null
        ? `The model "${model}" starts on this machine with the next image or search.`
        : `The model "${model}" is running on this machine.`;
    return { ok: true, message };
  }

  async warmUp(): Promise<void> {
    if (this.#isWarmStarted) await this.embedTexts([SHORT_TEXT]);
  }

  async dispose(): Promise<void> {
    await this.#modelProcess.dispose();
    this.#report.end();
  }

  async #embed(
    request: Parameters<ModelProcess['embed']>[0],
    signal: AbortSignal | undefined,
  ): ReturnType<ModelProcess['embed']> {
    const count = request.kind === 'texts' ? request.texts.length : request.images.length;
    if (count === 0) return [];
    this.#callsUnderWay += 1;
    try {
      const result = await this.#modelProcess.embed(request, signal);
      this.#lastFailure = null;
      return result;
    } catch (error) {
      const { code, message } = toImageSearchError(error);
      if (code !== 'aborted') this.#lastFailure = { message, at: performance.now() };
      throw error;
    } finally {
      this.#callsUnderWay -= 1;
      if (this.#callsUnderWay === 0) this.#report.end();
    }
  }
}

function nameOf(kind: 'image' | 'text', index: number, { length }: readonly unknown[]): string {
  return `The embedding of ${kind} ${String(index + 1)} of ${String(length)}`;
}

function requireAtMost(limit: number, count: number, what: string): void {
  if (count <= limit) return;
  throw new RangeError(
    `Expected at most ${String(limit)} ${what} in one call, got ${String(count)}.`,
  );
}

function requirePixels(image: PreparedImage, { width, height }: ImageRecipe): Uint8Array {
  if (image.kind === 'pixels' && image.width === width && image.height === height) {
    return image.data;
  }
  throw new TypeError(
    `Expected ${String(width)} × ${String(height)} pixels, got ${image.kind} of ${String(image.width)} × ${String(image.height)}: see \`imagePreparation\`.`,
  );
}

const STEP_PERCENT = 10;
const STEP_MS = 5_000;
const BYTES_PER_MEGABYTE = 1e6;

export interface DownloadReport {
  update(progress: DownloadProgress): void;
  /** To be called when the download ends, successful or not. */
  end(): void;
  /** The last message; null if nothing is being downloaded. */
  readonly current: string | null;
}

/**
 * Reports a download to the operator every ten percent or five seconds. Skips files that arrive in one piece, such as
 * those from the cache. `now` returns milliseconds.
 */
export function createDownloadReport(
  model: string,
  { logger, onProgress }: Pick<ProviderContext, 'logger' | 'onProgress'>,
  now: () => number = () => performance.now(),
): DownloadReport {
  const files = new Map<string, DownloadProgress>();
  let current: string | null = null;
  let reportedPercent = 0;
  let reportedAt = 0;

  const report = (): void => {
    const { loaded, total } = sum([...files.values()]);
    const percent = total === 0 ? 0 : Math.floor((loaded / total) * 100);
    const isFirst = current === null;
    if (!isFirst && percent < reportedPercent + STEP_PERCENT && now() - reportedAt < STEP_MS)
      return;
    reportedPercent = percent;
    reportedAt = now();
    current = `Downloading the model "${model}": ${megabytes(loaded)} of ${megabytes(total)} MB (${String(percent)}%).`;
    logger.info(current);
    onProgress(current);
  };

  return {
    update(progress) {
      if (!files.has(progress.file) && progress.loaded >= progress.total) return;
      files.set(progress.file, progress);
      report();
    },
    end() {
      files.clear();
      if (current === null) return;
      current = null;
      onProgress(null);
    },
    get current() {
      return current;
    },
  };
}

function sum(files: readonly DownloadProgress[]): { loaded: number; total: number } {
  const add = (key: 'loaded' | 'total') => files.reduce((bytes, file) => bytes + file[key], 0);
  return { loaded: add('loaded'), total: Math.max(add('total'), add('loaded')) };
}

function megabytes(bytes: number): string {
  return (bytes / BYTES_PER_MEGABYTE).toFixed(1);
}
