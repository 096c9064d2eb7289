import type { PreTrainedModel, PreTrainedTokenizer, ProgressInfo } from '@huggingface/transformers';
import { digestModelFolder } from './local-files';
import { loadingFailure } from './loading-failure';
import { ModelError } from './model-error';
import { loadTransformers, type Transformers } from './package';
import type { DownloadProgress, ImageRecipe, ModelFiles, ModelOrder, TextRecipe } from './protocol';

interface TextEncoder {
  tokenizer: PreTrainedTokenizer;
  model: PreTrainedModel;
}

/**
 * One model of transformers.js. Either half is loaded when it is first used, once; a failed loading is tried again
 * by the next use.
 *
 * Inputs are run one by one. On a processor a batch is no faster (it is limited by arithmetic, not by latency), and
 * alone an input's vector depends on nothing else: quantized models scale activations over the whole batch, and texts
 * of a batch are padded to the longest.
 */
export class Model {
  readonly #order: ModelOrder;
  readonly #transformers: Transformers;
  readonly #onProgress: (progress: DownloadProgress) => void;
  #textEncoder: Promise<TextEncoder> | null = null;
  #imageEncoder: Promise<PreTrainedModel> | null = null;

  constructor(order: ModelOrder, onProgress: (progress: DownloadProgress) => void) {
    this.#order = order;
    this.#onProgress = onProgress;
    this.#transformers = loadTransformers(order.projectFolder);
    configure(this.#transformers, order);
  }

  /** Reads the small files that say what the model is; downloads them if need be. */
  async readFiles(): Promise<ModelFiles> {
    const { source, dtype } = this.#order;
    const digest = source.kind === 'folder' ? await digestModelFolder(source.path, dtype) : null;
    const { AutoConfig, AutoImageProcessor } = this.#transformers;
    const [config, processor] = await this.#loading(() =>
      Promise.all([
        AutoConfig.from_pretrained(this.#name, this.#options()),
        AutoImageProcessor.from_pretrained(this.#name, this.#options()),
      ]),
    );
    return { config: toJson(config), preprocessor: toJson(processor.config), digest };
  }

  async embedText(text: string, { family, maxTokens }: TextRecipe): Promise<Float32Array> {
    this.#textEncoder ??= this.#loadTextEncoder(family).catch((error: unknown) => {
      this.#textEncoder = null;
      throw error;
    });
    const { tokenizer, model } = await this.#textEncoder;
    const inputs: unknown = tokenizer([text], {
      truncation: true,
      max_length: maxTokens,
      // SigLIP was trained on padded texts and looks at the last token; CLIP finds the end of the text by itself.
      padding: family === 'siglip' ? 'max_length' : true,
    });
    return readOutput(await model(inputs), ['text_embeds', 'pooler_output']);
  }

  async embedImage(pixels: Uint8Array, recipe: ImageRecipe): Promise<Float32Array> {
    this.#imageEncoder ??= this.#loadImageEncoder(recipe).catch((error: unknown) => {
      this.#imageEncoder = null;
      throw error;
    });
    const model = await this.#imageEncoder;
    const { Tensor } = this.#transformers;
    const shape = [1, 3, recipe.height, recipe.width];
    const pixelValues = new Tensor('float32', normalise(pixels, recipe), shape);
    return readOutput(await model({ pixel_values: pixelValues }), [
      'image_embeds',
      'pooler_output',
    ]);
  }

  #loadTextEncoder(family: TextRecipe['family']): Promise<TextEncoder> {
    const { AutoTokenizer, CLIPTextModelWithProjection, SiglipTextModel } = this.#transformers;
    const modelClass = family === 'clip' ? CLIPTextModelWithProjection : SiglipTextModel;
    return this.#loading(async () => {
      const [tokenizer, model] = await Promise.all([
        AutoTokenizer.from_pretrained(this.#name, this.#options()),
        modelClass.from_pretrained(this.#name, this.#weightOptions()),
      ]);
      return { tokenizer, model };
    });
  }

  #loadImageEncoder({ family }: ImageRecipe): Promise<PreTrainedModel> {
    const { CLIPVisionModelWithProjection, SiglipVisionModel } = this.#transformers;
    const modelClass = family === 'clip' ? CLIPVisionModelWithProjection : SiglipVisionModel;
    return this.#loading(() => modelClass.from_pretrained(this.#name, this.#weightOptions()));
  }

  async #loading<Result>(load: () => Promise<Result>): Promise<Result> {
    try {
      return await load();
    } catch (error) {
      throw loadingFailure(error, this.#order.source);
    }
  }

  get #name(): string {
    const { source } = this.#order;
    return source.kind === 'folder' ? source.path : source.name;
  }

  #options(): { progress_callback(info: ProgressInfo): void } {
    return {
      progress_callback: (info) => {
        if (this.#order.source.kind !== 'hub' || info.status !== 'progress') return;
        this.#onProgress({ file: info.file, loaded: info.loaded, total: info.total });
      },
    };
  }

  #weightOptions() {
    const { dtype, threads } = this.#order;
    return {
      ...this.#options(),
      dtype,
      device: 'cpu' as const,
      session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
    };
  }
}

function configure({ env, LogLevel }: Transformers, { source }: ModelOrder): void {
  env.logLevel = LogLevel.NONE;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.allowLocalModels = true;
  env.allowRemoteModels = source.kind === 'hub' && source.allowDownloads;
  env.useFSCache = source.kind === 'hub';
  if (source.kind === 'folder') return;
  env.cacheDir = source.cacheFolder;
  env.localModelPath = source.cacheFolder;
  if (source.endpoint !== null) env.remoteHost = source.endpoint;
}

/** Interleaved bytes → planes of scaled numbers, as `pixel_values` wants them. */
function normalise(pixels: Uint8Array, { factors, offsets }: ImageRecipe): Float32Array {
  const planeLength = pixels.length / 3;
  const values = new Float32Array(pixels.length);
  for (let channel = 0; channel < 3; channel += 1) {
    const factor = factors[channel] ?? 1;
    const offset = offsets[channel] ?? 0;
    const plane = values.subarray(channel * planeLength, (channel + 1) * planeLength);
    for (let index = 0; index < planeLength; index += 1) {
      plane[index] = (pixels[index * 3 + channel] ?? 0) * factor + offset;
    }
  }
  return values;
}

function readOutput(output: unknown, names: readonly string[]): Float32Array {
  const outputs = output as Record<string, { type: string; data: unknown } | undefined>;
  const tensor = names.map((name) => outputs[name]).find((found) => found !== undefined);
  if (tensor?.data instanceof Float32Array) return Float32Array.from(tensor.data);
  throw new ModelError({
    code: 'provider-bad-answer',
    message: `The model answers ${Object.keys(outputs).join(', ')} where ${names.join(' or ')} of type float32 was expected: it is no CLIP or SigLIP model with projections, or needs another embedding.dtype.`,
    retryable: false,
    cause: tensor === undefined ? 'no such output' : `type ${tensor.type}`,
  });
}

/** Plain data that can be sent to another process. */
function toJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
