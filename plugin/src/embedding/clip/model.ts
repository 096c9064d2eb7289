import { loadingFailure, ModelError, weightsFile } from './model-files';
import { ModelStorage } from './hub';
import type {
  DownloadProgress,
  EmbeddingRequest,
  ImageRecipe,
  ImagesRequest,
  ModelOrder,
  TextRecipe,
  TextsRequest,
} from './protocol';
import { loadRuntime, type Runtime, type Session, type Tensor } from './runtime';
import { createTokenize, type Tokenize } from './tokens';

interface TextEncoder {
  tokenize: Tokenize;
  session: Session;
}

/**
 * A CLIP or SigLIP model on ONNX Runtime. Each of its two encoders is loaded on first use; the next use retries a failed
 * load.
 *
 * Inputs run one by one. On a CPU, a batch is no faster (arithmetic is the limit, not latency), and an input that runs
 * alone has a vector that depends on nothing else: quantized models scale activations over the whole batch, and texts of
 * a batch are padded to the longest.
 */
export class Model {
  readonly #order: ModelOrder;
  readonly #runtime: Runtime;
  readonly #storage: ModelStorage;
  #textEncoder: Promise<TextEncoder> | null = null;
  #imageEncoder: Promise<Session> | null = null;

  constructor(order: ModelOrder, onProgress: (progress: DownloadProgress) => void) {
    this.#order = order;
    this.#runtime = loadRuntime(order.projectFolder);
    this.#storage = new ModelStorage(order.source, { onProgress });
  }

  async embedText(text: string, recipe: TextRecipe): Promise<Float32Array> {
    this.#textEncoder ??= this.#loadTextEncoder().catch((error: unknown) => {
      this.#textEncoder = null;
      throw error;
    });
    const { tokenize, session } = await this.#textEncoder;
    const { ids, attention } = tokenize(text, recipe);
    const inputs = {
      input_ids: this.#integers(ids),
      attention_mask: this.#integers(attention),
    };
    return readOutput(await run(session, inputs), ['text_embeds', 'pooler_output']);
  }

  async embedImage(pixels: Uint8Array, recipe: ImageRecipe): Promise<Float32Array> {
    this.#imageEncoder ??= this.#loading(() => this.#loadSession('vision_model')).catch(
      (error: unknown) => {
        this.#imageEncoder = null;
        throw error;
      },
    );
    const session = await this.#imageEncoder;
    const shape = [1, 3, recipe.height, recipe.width];
    const values = new this.#runtime.Tensor('float32', normalize(pixels, recipe), shape);
    return readOutput(await run(session, { pixel_values: values }), [
      'image_embeds',
      'pooler_output',
    ]);
  }

  #loadTextEncoder(): Promise<TextEncoder> {
    return this.#loading(async () => {
      const [tokenizer, config, session] = await Promise.all([
        this.#storage.readJson('tokenizer.json'),
        this.#storage.readJson('tokenizer_config.json'),
        this.#loadSession('text_model'),
      ]);
      return { tokenize: createTokenize(tokenizer, config), session };
    });
  }

  async #loadSession(encoder: 'text_model' | 'vision_model'): Promise<Session> {
    const { dtype, threads } = this.#order;
    const file = weightsFile(encoder, dtype);
    const files = [file, ...(await this.#externalWeights(encoder, file))];
    const [weights = ''] = await Promise.all(files.map((name) => this.#storage.locate(name)));
    return this.#runtime.createSession(weights, threads);
  }

  /**
   * Weights above 2 GB are in files next to the model, `vision_model.onnx_data`, `vision_model.onnx_data_1`, …, which
   * ONNX Runtime reads by itself. config.json says how many there are.
   */
  async #externalWeights(encoder: string, file: string): Promise<string[]> {
    const config = (await this.#storage.readJson('config.json')) as ConfigWithExternalWeights;
    const setting = config['transformers.js_config']?.use_external_data_format;
    const count =
      typeof setting === 'object'
        ? (setting?.[file.replace('onnx/', '')] ?? setting?.[encoder])
        : setting;
    return Array.from({ length: Number(count ?? 0) }, (_, index) =>
      index === 0 ? `${file}_data` : `${file}_data_${String(index)}`,
    );
  }

  async #loading<Result>(load: () => Promise<Result>): Promise<Result> {
    try {
      return await load();
    } catch (error) {
      throw loadingFailure(error, this.#order.source, this.#runtime.name);
    }
  }

  #integers(values: readonly number[]): Tensor {
    const shape = [1, values.length];
    return new this.#runtime.Tensor('int64', BigInt64Array.from(values, BigInt), shape);
  }
}

/** `true` stands for one file; an object has an entry per encoder or file. */
interface ConfigWithExternalWeights {
  'transformers.js_config'?: {
    use_external_data_format?:
      number | boolean | Record<string, number | boolean | undefined> | null;
  };
}

/** Passes the inputs that the model has: few text encoders want a mask. */
function run(session: Session, inputs: Record<string, Tensor>): ReturnType<Session['run']> {
  const known = Object.entries(inputs).filter(([name]) => session.inputNames.includes(name));
  return session.run(Object.fromEntries(known));
}

/** Interleaved bytes → planes of scaled numbers, the layout of `pixel_values`. */
function normalize(pixels: Uint8Array, { factors, offsets }: ImageRecipe): Float32Array {
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

function readOutput(
  outputs: Awaited<ReturnType<Session['run']>>,
  names: readonly string[],
): Float32Array {
  const tensor = names.map((name) => outputs[name]).find((found) => found !== undefined);
  if (tensor?.data instanceof Float32Array) return Float32Array.from(tensor.data);
  throw new ModelError({
    code: 'provider-bad-answer',
    message: `The model returned ${Object.keys(outputs).join(', ')} instead of ${names.join(' or ')} as float32. Set embedding.model to a CLIP or SigLIP model with projections, or try another embedding.dtype.`,
    retryable: false,
    cause: tensor === undefined ? 'no such output' : `type ${tensor.type}`,
  });
}

/** One input of a request: what the model does between two looks at the queue. */
export type Turn =
  | { kind: 'text'; request: TextsRequest; index: number }
  | { kind: 'image'; request: ImagesRequest; index: number };

interface Progress<Request> {
  request: Request;
  next: number;
}

/**
 * What the model does next. Texts go before images, even between two images of one request, because someone is waiting
 * for them: a search never waits for more than the current image. Otherwise first come, first served.
 */
export class TurnQueue {
  readonly #texts: Progress<TextsRequest>[] = [];
  readonly #images: Progress<ImagesRequest>[] = [];

  /** The request must have at least one input. */
  add(request: EmbeddingRequest): void {
    if (request.kind === 'texts') this.#texts.push({ request, next: 0 });
    else this.#images.push({ request, next: 0 });
  }

  /** Drops what is left of a request, if anything. */
  cancel(id: number): void {
    for (const line of [this.#texts, this.#images]) {
      const index = line.findIndex(({ request }) => request.id === id);
      if (index >= 0) line.splice(index, 1);
    }
  }

  next(): Turn | null {
    const text = takeTurn(this.#texts, ({ texts }) => texts.length);
    if (text !== null) return { kind: 'text', ...text };
    const image = takeTurn(this.#images, ({ images }) => images.length);
    return image === null ? null : { kind: 'image', ...image };
  }
}

function takeTurn<Request>(
  line: Progress<Request>[],
  countInputs: (request: Request) => number,
): { request: Request; index: number } | null {
  const [first] = line;
  if (first === undefined) return null;
  const index = first.next;
  first.next += 1;
  if (first.next >= countInputs(first.request)) line.shift();
  return { request: first.request, index };
}
