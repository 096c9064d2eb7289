import { toImageSearchError } from '../../errors';
import type { PixelPreparation, PreparedImage } from '../../images/contract';
import { resolveWorkerFile } from '../../workers';
import {
  unlimitedQuota,
  type EmbeddingCallOptions,
  type EmbeddingLimits,
  type EmbeddingProvider,
  type ProviderContext,
  type ProviderHealth,
  type VectorSpace,
} from '../contract';
import { toUnitVector } from '../vectors';
import type { ClipConfig } from './config';
import { describeModel, type ModelDescription } from './description';
import { createDownloadReport, type DownloadReport } from './download-report';
import { locateModel, nameOfModel } from './location';
import { ModelProcess } from './model-process';
import type { ImageRecipe } from './protocol';

const TEXTS_PER_CALL = 64;
/** One call is computed while the next is on its way. */
const CONCURRENT_CALLS = 2;

/** Opens the model far enough to know its space; see `ProviderDefinition.open`. `processFile` is for tests. */
export async function openClipProvider(
  config: ClipConfig,
  context: ProviderContext,
  processFile = resolveWorkerFile('clip'),
): Promise<ClipProvider> {
  const { logger, projectFolder } = context;
  const source = locateModel(config, projectFolder);
  const report = createDownloadReport(nameOfModel(source), context);
  const modelProcess = new ModelProcess({
    file: processFile,
    order: { source, projectFolder, dtype: config.dtype, threads: config.threads },
    onProgress: (progress) => {
      report.update(progress);
    },
    onDeath: (reason, lastWords) => {
      logger.warn(`The model's process ended (${reason}); the next call starts it again.`);
      if (lastWords !== '') logger.debug(`The model's process wrote at last: ${lastWords}`);
    },
  });
  try {
    const description = describeModel(config, source, await modelProcess.readFiles());
    return new ClipProvider({ config, description, modelProcess, report });
  } catch (error) {
    await modelProcess.dispose();
    throw error;
  } finally {
    report.end();
  }
}

interface ClipProviderParts {
  config: ClipConfig;
  description: ModelDescription;
  modelProcess: ModelProcess;
  report: DownloadReport;
}

/** A CLIP or SigLIP model on this machine, in a process of its own. */
export class ClipProvider implements EmbeddingProvider {
  readonly limits: EmbeddingLimits;
  readonly #description: ModelDescription;
  readonly #modelProcess: ModelProcess;
  readonly #report: DownloadReport;
  #callsUnderWay = 0;

  constructor({ config, description, modelProcess, report }: ClipProviderParts) {
    this.#description = description;
    this.#modelProcess = modelProcess;
    this.#report = report;
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

  /** Of the model's process; null when it is not running. */
  get processId(): number | null {
    return this.#modelProcess.processId;
  }

  async embedImages(
    images: readonly PreparedImage[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    const { imagesPerCall } = this.limits;
    refuseMoreThan(imagesPerCall, images.length, 'pictures (embedding.batchSize)');
    const { imageRecipe: recipe } = this.#description;
    const pixels = images.map((image) => requirePixels(image, recipe));
    return this.#embed({ kind: 'images', images: pixels, recipe }, 'picture', signal);
  }

  async embedTexts(
    texts: readonly string[],
    { signal }: EmbeddingCallOptions = {},
  ): Promise<Float32Array[]> {
    refuseMoreThan(this.limits.textsPerCall, texts.length, 'texts');
    const { textRecipe: recipe } = this.#description;
    return this.#embed({ kind: 'texts', texts, recipe }, 'text', signal);
  }

  /** Embeds one short text; while the model is being downloaded, answers how far that is. */
  async checkHealth(options: EmbeddingCallOptions = {}): Promise<ProviderHealth> {
    const download = this.#report.current;
    if (download !== null) return { ok: false, message: download };
    try {
      await this.embedTexts(['a photograph'], options);
      return { ok: true, message: `The model "${this.space.model}" answers on this machine.` };
    } catch (error) {
      return { ok: false, message: toImageSearchError(error).message };
    }
  }

  async dispose(): Promise<void> {
    await this.#modelProcess.dispose();
    this.#report.end();
  }

  async #embed(
    request: Parameters<ModelProcess['embed']>[0],
    what: string,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    const count = request.kind === 'texts' ? request.texts.length : request.images.length;
    if (count === 0) return [];
    this.#callsUnderWay += 1;
    try {
      const vectors = await this.#modelProcess.embed(request, signal);
      return vectors.map((vector, index) =>
        toUnitVector(
          vector,
          this.space.dimensions,
          `The embedding of ${what} ${String(index + 1)} of ${String(count)}`,
        ),
      );
    } finally {
      this.#callsUnderWay -= 1;
      if (this.#callsUnderWay === 0) this.#report.end();
    }
  }
}

function refuseMoreThan(limit: number, count: number, what: string): void {
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
